"""What the README and docs/ say: all that there is, and nothing that there is not."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from chatcli import Session, commands
from chatcli.cli import app
from chatcli.config.table import SETTINGS
from chatcli.config.template import template
from chatcli.personas.keys import KEYS as PERSONA_KEYS
from chatcli.providers.profile_tables import KEYS as PROFILE_KEYS
from chatcli.providers.profiles import PROFILES, profiles_of
from chatcli.settings import VARIABLES, load
from tests.support.server import ChatServer

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def page(name: str) -> str:
    return (ROOT / name).read_text()


def code_of(text: str) -> list[str]:
    """Return the blocks of code of a page as one text, and then each bit of code in its lines."""
    block = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`]+)`", block.sub("", text).replace(r"\|", "|"))
    return ["\n".join(block.findall(text)), *(" ".join(span.split()) for span in spans)]


def words(text: str) -> set[str]:
    """Return what a page puts into backticks."""
    return set(code_of(text)[1:])


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the command line, and its flags."""

    def below(command: Any, path: str) -> Iterator[tuple[str, list[str]]]:
        if not isinstance(command, TyperGroup):
            yield path, [name for each in command.params for name in each.opts if name[0] == "-"]
            return
        context = command.make_context(path, [], resilient_parsing=True)
        for name in command.list_commands(context):
            yield from below(command.get_command(context, name), f"{path} {name}")

    yield from below(typer.main.get_command(app), "chatcli")


LINES = dict(command_lines())


@pytest.mark.parametrize("name", commands.shipped())
def test_the_readme_has_every_slash_command_as_its_help_has_it(name: str) -> None:
    assert commands.shipped()[name].usage in words(page("README.md"))


def test_the_pages_have_every_command_of_the_command_line() -> None:
    told = " ".join(" ".join(each.read_text() for each in PAGES).split())
    assert [line for line in LINES if line not in told] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_has_no_command_of_the_command_line_that_there_is_not(path: Path) -> None:
    groups = {line.rpartition(" ")[0] for line in LINES}
    code = "\n".join(code_of(path.read_text()))
    named = re.findall(r"(?<!from )\bchatcli ([a-z]+)\b(?: ([a-z]+)\b)?", code)
    for first, second in named:
        line = f"chatcli {first} {second}".rstrip()
        assert line in {*LINES, *groups} or f"chatcli {first}" in LINES, line


@pytest.mark.parametrize("command", ["chatcli chat", "chatcli ask"])
def test_the_page_on_settings_has_every_flag_of_a_conversation(command: str) -> None:
    told = words(page("docs/settings.md"))
    assert [flag for flag in LINES[command] if flag not in told] == []


def test_the_page_on_settings_has_every_setting_and_variable() -> None:
    told = words(page("docs/settings.md"))
    assert set(SETTINGS) | set(VARIABLES.values()) <= told


def test_the_example_of_a_dotenv_has_every_variable_that_is_read_from_one() -> None:
    stated = re.findall(r"^# ([A-Z_]+)=", page(".env.example"), re.MULTILINE)
    assert sorted(stated) == sorted(VARIABLES.values())


def test_what_is_told_of_profiles_is_all_that_they_can_have(tmp_path: Path) -> None:
    told = page("docs/endpoints.md")
    example = re.search(r"```toml\n(.*?)```", told, re.DOTALL)
    assert example is not None
    assert not set(PROFILE_KEYS) - set(re.findall(r"\w+", example[1]))
    assert set(PROFILES) <= words(told)
    (tmp_path / "config.toml").write_text(example[1])
    settings = load(environ={"CHATCLI_HOME": str(tmp_path)}, cwd=tmp_path)
    assert profiles_of(settings)["work"].context_window == 131072


def test_the_template_of_config_toml_has_every_key_of_a_profile(tmp_path: Path) -> None:
    lines = re.findall(r"^# ((?:\w+ = |\[).*)$", template(), re.MULTILINE)
    text = "\n".join(lines[lines.index("[profiles.mine]") :])
    assert set(tomllib.loads(text)["profiles"]["mine"]) == set(PROFILE_KEYS)
    (tmp_path / "config.toml").write_text(text)
    settings = load(environ={"CHATCLI_HOME": str(tmp_path)}, cwd=tmp_path)
    assert profiles_of(settings)["mine"].base_url == "https://models.example.com/v1"


def test_the_page_on_personas_has_every_key_of_one() -> None:
    assert set(PERSONA_KEYS) <= words(page("docs/personas.md"))


def test_the_readme_has_every_part_of_a_session() -> None:
    told = page("README.md").partition("## From Python")[2].partition("\n## ")[0]
    for name in dir(Session):
        if not name.startswith("_") and name != "close":
            assert f".{name}" in told, name
    for name in (
        *inspect.signature(Session).parameters,
        *inspect.signature(Session.open).parameters,
    ):
        assert name == "path" or f"{name}=" in told, name


def test_the_lines_of_python_in_the_readme_run(
    chat_server: ChatServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_BASE_URL", chat_server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("CHATCLI_MODEL", "gpt-4o")
    code = re.search(r"```python\n(.*?)```", page("README.md"), re.DOTALL)
    assert code is not None
    exec(code[1], {})
    assert capsys.readouterr().out.startswith("Your name is Alice.\n2 ")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_each_link_to_a_file_or_a_heading_leads_there(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", path.read_text()):
        name, _, heading = target.partition("#")
        there = path.parent / name if name else path
        assert there.is_file(), target
        if heading:
            titles = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
            assert heading in [title.lower().replace(" ", "-") for title in titles], target

"""`chatcli doctor`, and what somebody sees who has nothing set up."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from chatcli import installing
from chatcli.app.firstrun import ways
from chatcli.doctor import Terminal as Facts
from chatcli.doctor import disk, machine, models
from chatcli.doctor.finding import Finding
from chatcli.settings import load
from tests.support.canary import CANARY
from tests.support.door import Done, through_the_door
from tests.support.faults import FAULTS
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.server import ChatServer
from tests.support.terminal import Terminal


def doctor(home: Path, *args: str, config: str = "", **env: str) -> Done:
    (home / "chatcli").mkdir(exist_ok=True, mode=0o700)
    if config:
        (home / "chatcli" / "config.toml").write_text(config)
    return through_the_door(home, "doctor", *args, env=env)


def findings(home: Path, *args: str, config: str = "", **env: str) -> list[Mapping[str, str]]:
    found: list[Mapping[str, str]] = json.loads(
        doctor(home, "--json", *args, config=config, **env).out
    )["findings"]
    return found


def about(found: list[Mapping[str, str]], area: str, state: str | None = None) -> str:
    """What was found in an area, in one text."""
    return "\n".join(
        f"{each['text']} → {each['hint']}"
        for each in found
        if each["area"] == area and state in {None, each["state"]}
    )


@pytest.fixture
def without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra `local` is not installed, in this process."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)


def test_each_profile_that_is_set_up_is_asked_for_one_token(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    config = (
        f"[profiles.mine]\nbase_url = '{chat_server.url}'\nmodel = 'm'\nkey_variable = 'MINE'\n"
    )
    found = findings(
        tmp_path,
        config=config,
        MINE=CANARY,
        OPENAI_API_KEY=CANARY,
        OPENAI_BASE_URL=chat_server.url,
        CHATCLI_MODEL="gpt-4o",
    )
    assert "m answered in" in about(found, "mine", "good")
    assert "gpt-4o answered in" in about(found, "openai", "good")
    assert "asking for one token each: openai, mine" in about(found, "models")
    assert [request.token_limit for request in chat_server.requests] == [1, 1]


def test_what_needs_mending_is_told_with_how_and_code_one(tmp_path: Path) -> None:
    with ChatServer(api_key="another") as server:
        config = (
            "window = 'x'\n"
            f"[profiles.refused]\nbase_url = '{server.url}'\nmodel = 'm'\nkey_variable = 'MINE'\n"
            "[profiles.gone]\nbase_url = 'http://127.0.0.1:9/v1'\nmodel = 'm'\n"
            "[profiles.wrong]\nbase_ur = 'x'\n"
        )
        done = doctor(tmp_path, config=config, MINE=CANARY, GROQ_API_KEY="a b")
    assert done.code == 1
    bad = [line for line in done.out.splitlines() if line.startswith("✗")]
    areas = ["gone", "groq", "refused", "settings", "settings"]
    assert sorted(line.split()[1] for line in bad) == areas
    assert done.out.count("→") >= len(bad)
    assert "is the server up, and the address right?" in done.out
    assert "/retry" not in done.out
    assert done.out.splitlines()[-1] == "5 things need mending"


def test_offline_asks_nobody(tmp_path: Path, chat_server: ChatServer) -> None:
    environ = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": chat_server.url}
    found = findings(tmp_path, "--offline", **environ)
    assert "not asked (--offline): openai" in about(found, "models")
    assert chat_server.requests == []


def test_a_server_that_says_nothing_is_given_up(
    tmp_path: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatcli.doctor.models.WITHIN", 0.5)
    chat_server.fail_next(FAULTS["hang-before-headers"])
    environ = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": chat_server.url, "CHATCLI_MODEL": "m"}
    found = findings(tmp_path, **environ)
    assert about(found, "openai", "bad")


def test_ctrl_c_waits_for_no_server_that_says_nothing(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS["hang-before-headers"])
    env = clean_env(
        tmp_path,
        OPENAI_API_KEY=CANARY,
        OPENAI_BASE_URL=chat_server.url,
        CHATCLI_MODEL="m",
    )
    with Terminal(chatcli_argv("doctor"), env=env, cwd=tmp_path) as terminal:
        chat_server.wait_for_request(timeout=30)
        began = time.monotonic()
        terminal.key("ctrl-c")
        assert terminal.wait_exit() == 130
        assert time.monotonic() - began < models.WITHIN / 2


@pytest.mark.parametrize(
    ("variable", "value", "area", "said"),
    [
        ("CHATCLI_MODEL", "gpt-4o", "models", "model: `gpt-4o` needs an endpoint"),
        ("CHATCLI_MODEL", "groq:x", "models", "model: the profile `groq` needs a key"),
        ("CHATCLI_MODEL", "azure:x", "models", "needs the address of your endpoint"),
        ("CHATCLI_PERSONA", "nobody", "personas", "no persona is named"),
    ],
)
def test_what_is_set_and_can_not_be_needs_mending(
    tmp_path: Path, variable: str, value: str, area: str, said: str
) -> None:
    found = findings(tmp_path, "--offline", **{variable: value})
    assert said in about(found, area, "bad")


def test_a_fallback_that_can_not_be_needs_mending(tmp_path: Path) -> None:
    found = findings(tmp_path, "--offline", config="fallback = 'groq'\n")
    assert "fallback: the profile `groq` needs a key" in about(found, "models", "bad")
    assert "model: " not in about(found, "models", "bad")


def test_every_value_is_told_with_its_source(tmp_path: Path) -> None:
    found = findings(tmp_path, "--offline", config="window = 3\n", CHATCLI_PERSONA="pirate")
    assert "persona = pirate  (the environment (CHATCLI_PERSONA))" in about(found, "settings")
    assert "window = 3  (" in about(found, "settings")
    assert "config.toml:1:1)" in about(found, "settings")
    whole = json.loads(doctor(tmp_path, "--json", "--offline").out)
    assert whole["configuration"]["settings"]["memory_budget"]["source"] == "default"


def test_sessions_that_are_damaged_are_told_by_name(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    environ = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": chat_server.url, "CHATCLI_MODEL": "m"}
    folder = tmp_path / "chatcli" / "sessions"
    for name in ("well", "torn"):
        through_the_door(tmp_path, "ask", "-s", name, "Hi", env=environ)
    torn = (folder / "torn.json").read_bytes()
    (folder / "torn.json").write_bytes(torn[:-40])
    (folder / "spoiled.json").write_text("{")
    (folder / "theirs.json").write_text('[{"role": "user", "content": "Hi"}]')
    found = findings(tmp_path, "--offline")
    assert "4 stored, 2 damaged" in about(found, "sessions", "good")
    assert "spoiled.json can't be read" in about(found, "sessions", "bad")
    assert "torn.json" in about(found, "sessions", "odd")
    assert (folder / "torn.json").read_bytes() == torn[:-40]


def test_personas_that_can_not_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "chatcli" / "personas").mkdir(parents=True)
    (tmp_path / "chatcli" / "personas" / "bad.md").write_text("---\ntemperature: hot\n---\nHi\n")
    found = findings(tmp_path, "--offline")
    assert "bad.md" in about(found, "personas", "bad")
    assert "can be read" in about(found, "personas", "good")


def test_weights_that_are_not_what_was_fetched_are_told(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp")
    from chatcli.providers.weights import SMOLLM2

    folder = tmp_path / "chatcli" / "cache" / "models"
    folder.mkdir(parents=True)
    (folder / SMOLLM2.filename).write_bytes(b"GGUF")
    found = findings(tmp_path, "--offline")
    assert "SHA-256 differs" in about(found, "local", "bad")


def test_a_folder_that_can_not_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = findings(tmp_path, "--offline", CHATCLI_SESSIONS_DIR=str(tmp_path / "file"))
    assert "is no folder" in about(found, "sessions", "bad")
    below = findings(tmp_path, "--offline", CHATCLI_SESSIONS_DIR=str(tmp_path / "file" / "deep"))
    assert "can't be made" in about(below, "sessions", "bad")


def test_a_folder_that_is_open_to_others_is_told(tmp_path: Path) -> None:
    (tmp_path / "sessions").mkdir(mode=0o755)
    settings = load(environ={"CHATCLI_HOME": str(tmp_path)}, cwd=tmp_path)
    states = [(each.area, each.state) for each in disk.folders(settings)]
    assert ("sessions", "odd") in states


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(None, "", "utf-8", True), "no terminal"),
        (Facts((80, 24), "", "utf-8", True), "80 columns, 24 lines, colours"),
        (Facts((30, 24), "", "utf-8", False), "no colours (NO_COLOR)"),
        (Facts((30, 24), "", "utf-8", True), "it is narrow"),
        (Facts((80, 24), "", "ascii", True), "not UTF-8"),
        (Facts((80, 24), "dumb", "utf-8", True), "TERM is dumb"),
    ],
)
def test_the_terminal_is_told(facts: Facts, said: str) -> None:
    assert said in "\n".join(finding.text for finding in machine.terminal(facts))


def test_a_vocabulary_that_counts_wrong_needs_mending(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [finding.state for finding in machine.tokenizers()] == ["good"]
    monkeypatch.setattr(machine, "_TOKENS", {"o200k_base": [1, 2, 3]})
    (finding,) = machine.tokenizers()
    assert finding == Finding("tokens", "bad", finding.text, "reinstall chatcli")


def test_on_a_terminal_it_asks_what_that_is_and_fits_it(tmp_path: Path) -> None:
    """The suite's terminal says that it is black, and how it is called."""
    argv = chatcli_argv("doctor", "--offline")
    env = clean_env(tmp_path, GROQ_API_KEY="a b")
    with Terminal(argv, env=env, cwd=tmp_path, background="rgb:0000/0000/0000") as terminal:
        terminal.wait_for("1 thing needs mending", timeout=30)
        assert "dark background" in terminal.transcript()
        assert "80 columns, 24 lines" in terminal.transcript()
        assert terminal.wait_exit() == 1
        assert all(len(line) <= 80 for line in terminal.transcript().splitlines())


# Nothing set up


@pytest.mark.usefixtures("without_engine")
def test_with_nothing_set_up_there_are_five_lines_with_the_ways(tmp_path: Path) -> None:
    done = through_the_door(tmp_path, "ask", "Hello")
    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert len(lines) == 5
    assert "pip install xllamacpp" in lines[1]
    assert "chatcli config key set openai" in lines[2]
    assert "--model ollama:" in lines[3]
    assert "chatcli doctor" in lines[4]
    assert all(len(line) < 80 for line in lines)


@pytest.mark.usefixtures("without_engine")
def test_a_chat_says_so_before_anything_is_typed(tmp_path: Path) -> None:
    done = through_the_door(tmp_path, "chat", stdin="")
    assert "three ways" in done.err
    assert "smollm2, a small model" not in done.err


@pytest.mark.usefixtures("without_engine")
def test_the_doctor_says_that_nothing_could_answer(tmp_path: Path) -> None:
    found = findings(tmp_path, "--offline")
    assert "nothing is set up that could answer" in about(found, "models", "bad")


@pytest.mark.parametrize(
    ("model", "fallback"), [("openai:m", None), ("local:smollm2", "ollama:m"), ("mine", None)]
)
@pytest.mark.usefixtures("without_engine")
def test_where_something_may_answer_nothing_is_said(model: str, fallback: str | None) -> None:
    assert ways(model, fallback) == ()
    assert ways("local:smollm2", None)
    assert ways("local:smollm2", "local:other"), "it needs the same engine"


@pytest.mark.parametrize(
    ("prefix", "made_by", "line"),
    [
        ("venv", "", "python -m pip install xllamacpp"),
        ("venv", "uv = 0.9.1\n", "uv pip install xllamacpp"),
        (".local/share/pipx/venvs/chatcli", "", "pipx inject chatcli xllamacpp"),
        ("my/uv/tools/chatcli", "uv = 0.9\n", "uv pip install --python {prefix} xllamacpp"),
    ],
)
def test_the_line_that_installs_is_that_of_who_installed(
    tmp_path: Path, prefix: str, made_by: str, line: str
) -> None:
    folder = tmp_path / prefix
    folder.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\n{made_by}")
    assert installing.install_line("local", folder) == line.format(prefix=shlex.quote(str(folder)))


def test_what_an_extra_brings_is_named_and_no_package_that_has_our_name() -> None:
    project = Path(__file__).parents[1] / "pyproject.toml"
    stated = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    for extra in ("local", "pdf", "socks"):
        package = re.match(r"[\w-]+", stated[extra][0])
        assert package is not None
        assert installing.install_line(extra, Path("/venv")).split()[-1] == package[0]


def test_a_wrong_config_stops_a_chat_in_one_line_and_no_doctor(tmp_path: Path) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text("window = \n")
    done = run_chatcli("chat", home=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "config.toml:1:10" in done.stderr
    assert "config.toml:1:10" in about(findings(tmp_path, "--offline"), "settings", "bad")

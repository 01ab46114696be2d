"""`chatcli config`: it writes, checks, shows and edits config.toml."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from chatcli.config.template import template
from tests.support.canary import CANARY
from tests.support.door import Done, through_the_door
from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer
from tests.support.terminal import Terminal


def config(home: Path, *args: str, **env: str) -> Done:
    return through_the_door(home, "config", *args, env=env)


def test_alone_it_writes_the_file_once_and_then_checks_it(tmp_path: Path) -> None:
    file = tmp_path / "chatcli" / "config.toml"
    assert config(tmp_path).code == 0
    assert file.read_text() == template()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text("window = 3\nthem = 1\n")
    done = config(tmp_path)
    assert (done.code, file.read_text()) == (0, "window = 3\nthem = 1\n")
    assert "did you mean `theme`" in done.err
    file.write_text("window = 'x'\n")
    assert config(tmp_path).code == 2


def test_path_says_where_the_file_would_be(tmp_path: Path) -> None:
    assert config(tmp_path, "path").out == f"{tmp_path / 'chatcli' / 'config.toml'}\n"


def test_show_tells_each_value_with_its_source_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "chatcli" / "config.toml"
    file.parent.mkdir()
    file.write_text(
        "\nwindow = 3\n[profiles.mine]\nbase_url = 'http://h/v1'\n"
        "key_command = 'vault read hush-one'\nproxy = 'http://u:hush-two@p:1'\n"
        "extra_body = { deep = [{ api_key = 'hush-four' }], max_tokens = 5 }\n"
        "[profiles.mine.headers]\nX-Team = 'hush-three'\n"
        "[profiles.two]\nkey_command = ['printf', 'hush-five']\nproxy = 'u:hush-six@p:1'\n"
    )
    key = "sk-0123456789abcdefghij"
    done = config(tmp_path, "show", CHATCLI_MODEL="m", OPENAI_API_KEY=key)
    rows = {line.split("  ")[0]: line for line in done.out.splitlines()}
    assert "the environment (CHATCLI_MODEL)" in rows["model"]
    assert rows["window"].split() == ["window", "3", f"{file}:2:1"]
    assert "default" in rows["memory_budget"]
    assert "sk-…ghij" in rows["key of openai"]
    assert rows["profiles.mine.key_command"].split()[1] == "…"
    assert rows["profiles.mine.proxy"].split()[1] == "http://…@p:1"
    assert rows["profiles.two.proxy"].split()[1] == "…@p:1"
    assert "'max_tokens': 5" in rows["profiles.mine.extra_body"]
    shown = json.loads(config(tmp_path, "show", "--json", OPENAI_API_KEY=key).out)
    assert shown["settings"]["window"] == {"value": 3, "source": f"{file}:2:1"}
    for text in (done.out + done.err, json.dumps(shown)):
        assert "hush" not in text
        assert key not in text


def test_show_tells_what_is_wrong_and_shows_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "chatcli" / "config.toml"
    file.parent.mkdir()
    file.write_text("window = 'x'\n[profiles.a]\nbase_ur = 'x'\n[profiles.b]\nmodel = 1\n")
    done = config(tmp_path, "show")
    assert done.code == 2
    assert "window" in done.out
    assert len(done.err.splitlines()) == 3
    assert "base_url" in done.err


def test_what_has_no_meaning_in_a_profile_is_not_shown_for_it_may_be_a_key(tmp_path: Path) -> None:
    (tmp_path / "chatcli").mkdir()
    table = "[profiles.a]\nbearer = 'hush'\n[profiles.b]\nkey_variable = 'sk-hush'\n"
    (tmp_path / "chatcli" / "config.toml").write_text(table)
    done = config(tmp_path, "show")
    assert (done.code, "unknown key `bearer`" in done.err) == (2, True)
    assert "not the key itself" in done.err
    assert "hush" not in done.out + done.err


@pytest.mark.parametrize("url", ["http://me:hush@h/v1", "https://h/v1?key=hush", "me:hu/sh@h"])
def test_an_address_is_shown_without_what_may_be_a_password(tmp_path: Path, url: str) -> None:
    through_the_door(tmp_path, "config", "key", "set", "openai", stdin=CANARY)
    for command in (("config", "show"), ("models", "list", "--json"), ("doctor", "--offline")):
        done = through_the_door(tmp_path, *command, env={"OPENAI_BASE_URL": url})
        assert not re.search("hu/?sh", done.out + done.err)


@pytest.mark.parametrize("number", ["1" + "0" * 5000, "0x" + "f" * 5000, str(2**63)])
def test_a_number_that_toml_has_no_room_for_costs_a_line(tmp_path: Path, number: str) -> None:
    file = tmp_path / "chatcli" / "config.toml"
    file.parent.mkdir()
    file.write_text(f"[profiles.a]\nstop = [{{ a = {number} }}]\n")
    done = config(tmp_path)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "holds a number that is too large" in done.err


def test_a_folder_in_the_place_of_the_file_costs_a_line(tmp_path: Path) -> None:
    (tmp_path / "chatcli" / "config.toml").mkdir(parents=True)
    for command in ((), ("show",), ("edit",)):
        done = config(tmp_path, *command, EDITOR="true")
        assert done.code in {1, 2}
        assert (done.err.count("\n"), "a mistake" in done.err) == (1, False)


def test_a_folder_that_is_gone_costs_a_line(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = f"rmdir {tmp_path / 'gone'}; exec {' '.join(chatcli_argv('config', 'path'))}"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=tmp_path / "gone",
        env=clean_env(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "the folder that you are in is not there" in done.stderr


def editor(home: Path, script: str) -> str:
    """The command of an editor that does what a few lines of Python do to the file `path`."""
    program = home / "editor.py"
    program.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{script}\n")
    return f"{sys.executable} {program}"


def test_an_edit_that_can_be_used_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "chatcli" / "config.toml"
    done = config(
        tmp_path,
        "edit",
        EDITOR=editor(tmp_path, "text = path.read_text(); path.write_text('window = 7\\n' + text)"),
    )
    assert done.code == 0
    assert file.read_text() == "window = 7\n" + template()
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("wrong", ["window = 'x'", "window =", "[profiles.a]\nbase_url = 3", "é"])
def test_an_edit_that_can_not_be_used_is_kept_beside_and_gone_on_with(
    tmp_path: Path, wrong: str
) -> None:
    file = tmp_path / "chatcli" / "config.toml"
    file.parent.mkdir()
    file.write_text("window = 3\n")
    script = f"path.write_text({wrong!r}, encoding='latin-1')"
    done = config(tmp_path, "edit", VISUAL=editor(tmp_path, script))
    assert done.code == 2
    assert file.read_text() == "window = 3\n"
    assert "config.draft.toml" in done.err
    assert (file.parent / "config.draft.toml").read_text(encoding="latin-1") == wrong
    mended = config(tmp_path, "edit", VISUAL=editor(tmp_path, "path.write_text('window = 4')"))
    assert mended.code == 0
    assert "going on with" in mended.err
    assert file.read_text() == "window = 4"
    assert not (file.parent / "config.draft.toml").exists()


@pytest.mark.parametrize("command", ["false", "no-such-editor", "true"])
def test_an_editor_that_does_nothing_leaves_nothing(tmp_path: Path, command: str) -> None:
    config(tmp_path, "edit", EDITOR=command)
    assert list((tmp_path / "chatcli").iterdir()) == []


def test_an_editor_that_takes_the_draft_away_costs_a_line(tmp_path: Path) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text("window = 3\n")
    done = config(tmp_path, "edit", EDITOR=editor(tmp_path, "path.unlink()"))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "the editor left no draft" in done.err
    assert (tmp_path / "chatcli" / "config.toml").read_text() == "window = 3\n"


def test_an_edit_goes_through_a_link_to_the_file_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "dotfiles.toml").write_text("window = 3\n")
    link = tmp_path / "chatcli" / "config.toml"
    link.symlink_to(tmp_path / "dotfiles.toml")
    config(tmp_path, "edit", EDITOR=editor(tmp_path, "path.write_text('window = 4')"))
    assert link.is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text() == "window = 4"


def test_on_a_terminal_a_wrong_edit_is_offered_again(tmp_path: Path) -> None:
    """The first time the editor writes what is wrong, the second time what is right."""
    script = "path.write_text('window = 6' if 'x' in path.read_text() else 'window = \"x\"')"
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text("budget = 5\n")
    env = clean_env(tmp_path, EDITOR=editor(tmp_path, script))
    with Terminal(chatcli_argv("config", "edit"), env=env, cwd=tmp_path, cols=200) as terminal:
        terminal.wait_for("config.draft.toml:1:10: window must be a whole number")
        terminal.wait_for("Edit it again?")
        terminal.type("y").key("enter")
        terminal.wait_for("is saved")
        assert terminal.wait_exit() == 0
    assert (tmp_path / "chatcli" / "config.toml").read_text() == "window = 6"


def test_a_chat_points_out_what_does_nothing(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text("them = 'dark'\n")
    env = {"OPENAI_BASE_URL": chat_server.url, "OPENAI_API_KEY": CANARY, "CHATCLI_MODEL": "m"}
    asked = through_the_door(tmp_path, "ask", "Hello", env=env)
    assert asked.out == "Echo: Hello\n"
    assert "did you mean `theme`" in asked.err

"""`chatcli personas new`: from a template to a persona that can be read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chatcli.personas import read_persona, shipped_folder
from chatcli.personas.writing import TEMPLATE
from tests.personas.files import as_json, card, write
from tests.personas.running import Run, own, personas
from tests.support.program import chatcli_argv, clean_env
from tests.support.terminal import Terminal

__all__ = ["own", "personas"]


def test_new_without_a_terminal_writes_the_template_and_prints_its_path(
    personas: Run, tmp_path: Path
) -> None:
    path = tmp_path / "chatcli" / "personas" / "bosun.md"
    assert personas("new", "bosun").out == f"{path}\n"
    assert path.read_text() == TEMPLATE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_new_from_another_is_its_copy(personas: Run, own: Path) -> None:
    assert personas("new", "bosun", "--from", "pirate").code == 0
    pirate, bosun = read_persona(shipped_folder() / "pirate.md"), read_persona(own / "bosun.md")
    assert (bosun.prompt, bosun.examples) == (pirate.prompt, pirate.examples)
    assert bosun.name == "bosun"


def test_new_writes_over_nothing(personas: Run, own: Path) -> None:
    as_json(own / "Ada Lovelace.json", card())
    write(own, "pirate", "Mine.\n")
    for name in ("pirate", "PIRATE", "Ada-Lovelace"):
        done = personas("new", name)
        assert (done.code, done.out) == (2, "")
        assert "already" in done.err
    assert (own / "pirate.md").read_text() == "Mine.\n"
    assert len(list(own.iterdir())) == 2


@pytest.mark.parametrize("name", ["a/b", "../x", "", "two words", ".hidden", "x" * 65])
def test_new_refuses_what_can_not_be_a_name(personas: Run, own: Path, name: str) -> None:
    assert personas("new", name).code == 2
    assert list(own.iterdir()) == []


def test_new_where_the_folder_is_a_file_says_so(personas: Run, tmp_path: Path) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "personas").write_text("")
    done = personas("new", "x")
    assert done.code == 2
    assert done.err.endswith("is no folder; CHATCLI_PERSONAS_DIR names another\n")


def editor(tmp_path: Path, *edits: str) -> str:
    """Return the command of an editor that makes one edit each time that it is opened."""
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        f"edits, count = {list(edits)!r}, pathlib.Path({str(tmp_path / 'count')!r})\n"
        "done = int(count.read_text()) if count.exists() else 0\n"
        "count.write_text(str(done + 1))\n"
        "file = pathlib.Path(sys.argv[1])\n"
        "old, new = edits[done].split('=>')\n"
        "file.write_text(file.read_text().replace(old, new))\n"
    )
    return f"{sys.executable} {script}"


def making(tmp_path: Path, command: str, *more: str) -> Terminal:
    env = clean_env(tmp_path, EDITOR=command)
    argv = chatcli_argv("personas", "new", "bosun", *more)
    return Terminal(argv, env=env, cwd=tmp_path, cols=200)


def test_what_is_wrong_is_told_with_its_line_and_can_be_edited_again(
    tmp_path: Path, own: Path
) -> None:
    edits = ("# temperature: 0.7=>temperature: hot", "hot=>0.3")
    with making(tmp_path, editor(tmp_path, *edits)) as terminal:
        terminal.wait_for("bosun.md: line 9: temperature must be a number")
        terminal.wait_for("Edit it again?")
        terminal.key("enter")
        terminal.wait_for("bosun is ready: chatcli chat --persona bosun")
        assert terminal.wait_exit() == 0
    assert read_persona(own / "bosun.md").parameters == {"temperature": 0.3}


def test_what_can_not_be_read_is_kept_all_the_same(tmp_path: Path, own: Path) -> None:
    with making(tmp_path, editor(tmp_path, "# seed: 7=>seed: x")) as terminal:
        terminal.wait_for("Edit it again?")
        terminal.type("n").key("enter")
        terminal.wait_for("is kept as it is")
        assert terminal.wait_exit() == 2
    assert "seed: x" in (own / "bosun.md").read_text()


def test_a_template_that_nobody_touched_goes(tmp_path: Path, own: Path) -> None:
    with making(tmp_path, editor(tmp_path, "=>")) as terminal:
        terminal.wait_for("nothing was written: no persona was made")
        assert terminal.wait_exit() == 1
    assert list(own.iterdir()) == []


def test_without_an_editor_the_template_stays_and_its_path_is_told(
    tmp_path: Path, own: Path
) -> None:
    with making(tmp_path, "no-such-editor") as terminal:
        terminal.wait_for("the editor `no-such-editor` can't be started")
        assert terminal.wait_exit() == 0
    assert (own / "bosun.md").read_text() == TEMPLATE


def test_a_template_that_nobody_touched_goes_when_the_editor_is_interrupted(
    tmp_path: Path, own: Path
) -> None:
    with making(tmp_path, "sh -c 'kill -INT $PPID; sleep 0.2'") as terminal:
        assert terminal.wait_exit() == 130
    assert list(own.iterdir()) == []


def test_what_an_editor_has_left_that_failed_is_kept_and_not_called_ready(
    tmp_path: Path, own: Path
) -> None:
    with making(tmp_path, "sh -c 'echo Hi > $0; exit 3'") as terminal:
        terminal.wait_for("the editor ended with 3:")
        terminal.wait_for("is kept as it is")
        assert terminal.wait_exit() == 1
    assert (own / "bosun.md").read_text() == "Hi\n"


def test_a_long_complaint_is_folded_between_words_on_a_terminal(tmp_path: Path) -> None:
    argv = chatcli_argv("personas", "show", "pirat")
    with Terminal(argv, env=clean_env(tmp_path), cwd=tmp_path, cols=60) as terminal:
        assert terminal.wait_exit() == 2
        shown = [line.rstrip() for line in terminal.screen().splitlines() if line.strip()]
    assert shown == [
        "chatcli: no persona is named 'pirat'; did you mean pirate?",
        "  `chatcli personas list` shows them all",
    ]

"""The commands as typer puts them together: the groups when they are asked for, values as typed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import typer

from chatcli.cli import app
from chatcli.cli.groups import GROUPS, spare_pydantic
from tests.support.program import run_chatcli


def test_the_help_lists_the_commands_then_the_groups() -> None:
    done = run_chatcli("--help")
    commands = re.findall(r"^  (\w+)  ", done.stdout.partition("Commands:\n")[2], re.MULTILINE)
    assert commands == ["chat", "ask", "doctor", *GROUPS]


@pytest.mark.parametrize("name", GROUPS)
def test_each_group_has_a_help_without_colour_and_frames(name: str) -> None:
    done = run_chatcli(name, "--help")
    assert done.stdout.startswith(f"Usage: chatcli {name} ")
    assert not set(done.stdout) & set("╭│─\x1b")


@pytest.mark.parametrize(("typed", "meant"), [("sesions", "sessions"), ("modles", "models")])
def test_a_group_is_suggested_for_a_slip_of_the_fingers(typed: str, meant: str) -> None:
    done = run_chatcli(typed)
    assert done.returncode == 2
    assert f"Did you mean '{meant}'" in done.stderr


def test_the_shell_is_offered_groups_and_what_is_in_them() -> None:
    def offered(words: str) -> set[str]:
        at = str(len(words.split("\n")) - 1)
        env = {"_CHATCLI_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": at}
        return set(run_chatcli(env=env).stdout.split())

    assert offered("chatcli\ns") == {"sessions"}
    assert offered("chatcli\nsessions\nre") == {"rename", "remove"}


def test_a_number_is_checked_and_one_that_is_left_out_is_not_asked_for(tmp_path: Path) -> None:
    assert "--budget" in run_chatcli("chat", "--budget", "many", home=tmp_path).stderr
    assert "--most" in run_chatcli("sessions", "search", "x", "--most", "0", home=tmp_path).stderr
    done = run_chatcli("sessions", "search", "two", "words", home=tmp_path)
    assert done.stderr == "chatcli: nothing that is stored has these words\n"


def test_a_typer_that_has_its_parts_elsewhere_is_only_slower(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "chatcli.cli.values", None)
    tree = typer.main.get_command(app)
    spare_pydantic(tree)
    tree(["sessions", "rename", "--help"], prog_name="chatcli", standalone_mode=False)
    assert "chatcli sessions rename [OPTIONS]" in capsys.readouterr().out

"""A chatcli that a test starts sees nothing of the surroundings of the test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.program import chatcli_argv, clean_env, run_chatcli

# Stands in for chatcli, found first because it is in the working folder, and tells what it sees.
STAND_IN = """
import json, os, sys
print(json.dumps([sys.argv[1:], sys.stdin.read(), dict(os.environ), os.getcwd()]))
print("careful", file=sys.stderr)
if "wait" in sys.argv: import time; time.sleep(60)
sys.exit(7)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    package = tmp_path / "chatcli"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cli.py").write_text(STAND_IN)
    return tmp_path


def test_a_run_hands_over_arguments_input_and_folder(folder: Path) -> None:
    done = run_chatcli("ask", "two words", input="Zoë\n", cwd=folder)
    args, stdin, _, cwd = json.loads(done.stdout)
    assert (args, stdin, cwd) == (["ask", "two words"], "Zoë\n", str(folder))
    assert (done.returncode, done.stderr) == (7, "careful\n")


def test_a_run_sees_no_settings_but_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    monkeypatch.setenv("CHATCLI_MODEL", "gpt-real")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "33")
    done = run_chatcli(cwd=folder, env={"CHATCLI_BUDGET": "99"})
    _, stdin, env, _ = json.loads(done.stdout)
    assert stdin == ""
    assert not env.keys() & {"OPENAI_API_KEY", "CHATCLI_MODEL", "NO_COLOR", "COLUMNS"}
    assert env["CHATCLI_BUDGET"] == "99"
    assert (env["TERM"], env["LANG"]) == ("xterm-256color", "C.UTF-8")
    assert env["CHATCLI_HOME"].startswith(env["HOME"])
    assert not Path(env["HOME"]).exists()


def test_a_home_can_outlive_a_run(folder: Path) -> None:
    env = json.loads(run_chatcli(home=folder).stdout)[2]
    assert env["HOME"] == str(folder)
    assert folder.exists()


def test_a_run_that_does_not_end_is_ended(folder: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_chatcli("wait", cwd=folder, timeout=0.5)


def test_the_environment_suffices_to_run_the_chatcli_of_this_tree(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", "import chatcli; print(chatcli.__file__)"]
    done = subprocess.run(
        argv, env=clean_env(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).parent == Path(__file__).parents[2] / "chatcli"
    assert chatcli_argv("--version")[1:] == ["-m", "chatcli.cli", "--version"]

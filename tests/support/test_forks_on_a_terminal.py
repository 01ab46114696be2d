"""A fork on a terminal does what a chatcli does there that is started anew."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.support.piped import surroundings
from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.support.test_forks import stand_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")

STAND_IN = """
import json, os, signal, sys, time
match sys.argv[1:]:
    case ["looks"]:
        streams = (sys.stdin, sys.stdout, sys.stderr)
        own = [os.getsid(0), os.getpgrp(), os.tcgetpgrp(0)]
        seen = {
            "streams": list(map(repr, streams)),
            "files": [repr(s.buffer.raw) for s in streams],
            "buffers": [(type(s.buffer).__name__, s.errors, s.isatty()) for s in streams],
            "at once": [(s.line_buffering, s.write_through) for s in streams],
            "as at the start": [sys.__stdin__, sys.__stdout__, sys.__stderr__] == [*streams],
            "signals": [str(signal.getsignal(n)).split(" at ")[0] for n in range(1, 32)],
            "leads": own == [os.getpid()] * 3,
            "alone": os.getsid(os.getppid()) != os.getsid(0),
            "size": list(os.get_terminal_size()),
            "folder": [os.getcwd(), sys.path[0], sys.argv],
            "descriptors": sorted(os.listdir("/proc/self/fd")),
            "environment": dict(os.environ),
        }
        with open("seen.json", "w") as file:
            json.dump(seen, file)
    case ["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)
    case ["fails"]:
        raise RuntimeError("as told")
    case ["asks"]:
        print("Hello", input("Name? "), sys.stdin.readline())
    case ["waits"]:
        print("go")
        time.sleep(60)
    case ["is resized"]:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
        print("go")
        signal.sigwait([signal.SIGWINCH])
        print(os.get_terminal_size())
    case ["ignores"]:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        print("go")
        time.sleep(60)
    case ["has jobs"]:
        os.execvp("bash", ["bash", "--norc", "-i"])
"""

both_ways = pytest.mark.parametrize("anew", [False, True])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stand_in(tmp_path, STAND_IN)


def on_terminal(folder: Path, *args: str, anew: bool = False, **env: str) -> Terminal:
    around = clean_env(folder, **env)
    return Terminal(chatcli_argv(*args), env=around, cwd=folder, rows=10, cols=70, anew=anew)


def is_fork(terminal: Terminal) -> bool:
    return b"forkserver" in Path(f"/proc/{terminal._child.pid}/cmdline").read_bytes()


def test_a_fork_on_a_terminal_finds_what_a_python_that_starts_anew_finds(folder: Path) -> None:
    seen = []
    for anew in (False, True):
        with on_terminal(folder, "looks", anew=anew, MARK="é") as terminal:
            assert terminal.wait_exit() == 0
        seen.append(json.loads((folder / "seen.json").read_text()))
    assert seen[0] == seen[1]
    assert seen[0]["leads"]
    assert seen[0]["alone"]
    assert seen[0]["size"] == [70, 10]
    assert seen[0]["environment"]["MARK"] == "é"


def test_only_a_module_is_forked_and_not_where_python_is_to_start_anew(folder: Path) -> None:
    with on_terminal(folder, "waits") as fork, on_terminal(folder, "waits", anew=True) as start:
        assert is_fork(fork)
        assert not is_fork(start)
    with on_terminal(folder, "waits", PYTHONUTF8="0") as other:
        assert not is_fork(other)


@both_ways
def test_how_it_ends_on_a_terminal_is_told(folder: Path, anew: bool) -> None:
    with on_terminal(folder, "fails", anew=anew) as terminal:
        assert terminal.wait_exit() == 1
        assert terminal.screen().endswith("RuntimeError: as told")
    with on_terminal(folder, "dies", anew=anew) as terminal:
        assert terminal.wait_exit() == -signal.SIGKILL
    with on_terminal(folder, "waits", anew=anew) as terminal:
        terminal.wait_for("go")
        terminal.kill()
        assert terminal.exitstatus == -signal.SIGKILL


@both_ways
def test_what_is_typed_on_a_terminal_is_read(folder: Path, anew: bool) -> None:
    with on_terminal(folder, "asks", anew=anew) as terminal:
        terminal.wait_for("Name?")
        terminal.type("Zoa").key("backspace").type("ë 漢").key("enter").type("more").key("enter")
        terminal.wait_for("Hello Zoë 漢 more")
        assert terminal.wait_exit() == 0


@both_ways
def test_the_terminals_keys_are_signals(folder: Path, anew: bool) -> None:
    for key, number in (("ctrl-c", signal.SIGINT), ("ctrl-\\", signal.SIGQUIT)):
        with on_terminal(folder, "waits", anew=anew) as terminal:
            terminal.wait_for("go")
            terminal.key(key)
            assert terminal.wait_exit() == -number
            assert ("KeyboardInterrupt" in terminal.transcript()) == (key == "ctrl-c")


@both_ways
def test_a_window_that_gets_another_size_is_told(folder: Path, anew: bool) -> None:
    with on_terminal(folder, "is resized", anew=anew) as terminal:
        terminal.wait_for("go")
        terminal.resize(12, 40)
        terminal.wait_for("columns=40, lines=12")


@both_ways
def test_a_window_that_is_closed_ends_what_runs_in_it(folder: Path, anew: bool) -> None:
    with on_terminal(folder, "waits", anew=anew) as terminal:
        terminal.wait_for("go")
        terminal.hang_up()
        assert terminal.wait_exit() == -signal.SIGHUP
    with on_terminal(folder, "ignores", anew=anew) as terminal:
        terminal.wait_for("go")
    assert terminal.exitstatus == -signal.SIGKILL


@pytest.mark.skipif(shutil.which("bash") is None, reason="a shell with jobs")
@both_ways
def test_a_shell_on_the_terminal_has_jobs(folder: Path, anew: bool) -> None:
    with on_terminal(folder, "has jobs", anew=anew, PS1="shell: ") as terminal:
        terminal.wait_for("shell:")
        assert "job control" not in terminal.screen()
        terminal.type("(echo $((6 * 7)) runs; exec sleep 60)").key("enter")
        terminal.wait_for("42 runs")
        terminal.key("ctrl-z")
        terminal.wait_for("Stopped")
        terminal.type("kill %1").key("enter").type("fg").key("enter")
        terminal.wait_for("Terminated")
        terminal.type("exit 3").key("enter")
        assert terminal.wait_exit() == 3


def test_a_chat_shows_the_same_when_python_starts_anew(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    shown = []
    for anew in (False, True):
        home = tmp_path / "home"
        home.mkdir()
        env = surroundings(chat_server)
        with on_terminal(home, "chat", "--session", "one", anew=anew, **env) as terminal:
            terminal.wait_for_prompt()
            terminal.send_signal(signal.SIGSTOP)
            terminal.send_signal(signal.SIGCONT)
            terminal.type("Hello").key("enter").wait_for("Echo: Hello")
            terminal.wait_for("tokens/s")
            terminal.type("/help").key("enter").wait_for("/exit")
            terminal.wait_for_prompt()
            terminal.key("ctrl-d")
            assert terminal.wait_exit() == 0
        home.rename(tmp_path / f"home {anew}")
        shown.append(re.sub(r"[\d.]+ (s|tokens/s|tokens)\b", "", terminal.transcript()))
    assert shown[0] == shown[1]

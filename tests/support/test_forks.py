"""A fork does what a chatcli that is started anew does, and tells how it ended."""

from __future__ import annotations

import json
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.piped import PipedChat, surroundings
from tests.support.program import clean_env, run_chatcli, server_for
from tests.support.server import ChatServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")

# Stands in for chatcli, found first because it is in the working folder.
STAND_IN = """
import json, os, signal, sys, time
match sys.argv[1:]:
    case ["seen"]:
        ignored = [n for n in (1, 2, 13, 15, 17) if signal.getsignal(n) == signal.SIG_IGN]
        streams = [(s.encoding, s.errors, s.isatty()) for s in (sys.stdin, sys.stdout, sys.stderr)]
        descriptors = sorted(os.listdir("/proc/self/fd"))
        print(json.dumps([sys.path[0], ignored, streams, time.tzname, descriptors]))
    case ["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)
    case ["fails"]:
        raise RuntimeError("as told")
    case ["echoes"]:
        sys.stdout.write(sys.stdin.read())
"""
COMMANDS = (
    ("--version",),
    ("ask", "Hello"),
    ("chat", "Hello"),
    ("sessions", "import", "nowhere.json"),
    ("personas", "list"),
    ("models", "list"),
    ("config", "show"),
    ("ask", "--no-such-flag"),
)


def stand_in(folder: Path, code: str) -> Path:
    """Have `code` run in place of chatcli where `folder` is the working folder."""
    (folder / "chatcli").mkdir()
    (folder / "chatcli" / "__init__.py").touch()
    (folder / "chatcli" / "cli.py").write_text(code)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return stand_in(tmp_path, STAND_IN)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_prints_the_same_when_python_starts_anew(
    tmp_path: Path, chat_server: ChatServer, command: tuple[str, ...]
) -> None:
    done = []
    for anew in (False, True):
        home = tmp_path / "home"
        home.mkdir()
        done.append(run_chatcli(*command, env=surroundings(chat_server), home=home, anew=anew))
        home.rename(tmp_path / f"home {anew}")
    forked, started = done
    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert forked.stderr == started.stderr
    assert forked.stdout or forked.returncode


def test_a_fork_finds_what_a_python_that_starts_anew_finds(folder: Path) -> None:
    seen = [
        json.loads(run_chatcli("seen", home=folder, env={"TZ": "Asia/Tokyo"}, anew=anew).stdout)
        for anew in (False, True)
    ]
    assert seen[0] == seen[1]
    assert seen[0][0] == str(folder)
    assert seen[0][3][0] == "JST"


@pytest.mark.parametrize("anew", [False, True])
def test_how_it_ends_is_told(folder: Path, anew: bool) -> None:
    assert run_chatcli("dies", home=folder, anew=anew).returncode == -signal.SIGKILL
    failed = run_chatcli("fails", home=folder, anew=anew)
    assert failed.returncode == 1
    assert failed.stderr.endswith("RuntimeError: as told\n")


def test_many_run_at_once_and_each_gets_its_own(folder: Path) -> None:
    def echoed(number: int) -> bool:
        text = f"{number} é\n" * 20_000
        return run_chatcli("echoes", input=text, home=folder).stdout == text

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(echoed, range(8)))


@pytest.mark.parametrize("name", ["PYTHONIOENCODING", "LANG", "LC_ALL", "COVERAGE_PROCESS_START"])
def test_what_python_reads_at_its_start_wants_a_start(tmp_path: Path, name: str) -> None:
    assert server_for(clean_env(tmp_path, CHATCLI_MODEL="gpt-4o", NO_COLOR="1"))
    assert server_for(clean_env(tmp_path, **{name: "latin-1"})) is None


def test_a_chat_in_a_fork_hears_a_signal(tmp_path: Path, chat_server: ChatServer) -> None:
    chat = PipedChat(tmp_path, chat_server, "chat")
    chat.say("Hello")
    chat.wait_for("Echo: Hello")
    assert chat.process.poll() is None
    chat.process.send_signal(signal.SIGTERM)
    assert chat.leave() == 128 + signal.SIGTERM

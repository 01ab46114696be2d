"""A few of the faults of `fault_table.txt` with the whole program, and on a terminal."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from chatcli.conversation.seam import GO_ON
from tests.support.faults import FAULTS
from tests.support.mischief import Fault
from tests.support.mischief import answer as answer_with
from tests.support.piped import surroundings
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.protocol import Messages
from tests.support.server import ChatServer
from tests.support.statuses import TEXT
from tests.support.terminal import Terminal

REPLY = "One two three four five six seven."


def answer(messages: Messages) -> str:
    return "three four five six seven." if messages[-1]["content"] == GO_ON else REPLY


@pytest.mark.parametrize(
    ("fault", "out", "code", "told"),
    [
        ("reset-mid-stream", "One two thre\n", 1, "broke: connection reset by peer; what came is"),
        ("401-html", "", 1, "does not accept the key: 401 Unauthorized; chatcli doctor"),
        ("429-milliseconds", f"{REPLY}\n", 0, "sending again in 1 s (2 of 4)"),
        ("429-tomorrow", "", 1, "/retry in 24 h, at "),
        ("length", "Half of an ans\n", 0, "/continue goes on with it"),
        ("filtered", "", 1, "content filter let nothing"),
    ],
)
def test_ask_tells_a_fault_on_stderr_and_by_its_exit_code(
    fault: str, out: str, code: int, told: str, tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.reply_with(answer)
    chat_server.fail_next(FAULTS[fault])
    done = run_chatcli("ask", "Count", env=surroundings(chat_server), home=tmp_path)
    assert (done.stdout, done.returncode) == (out, code)
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert "sk-test" not in done.stderr


@pytest.mark.parametrize("saved", [True, False])
def test_ask_names_a_command_only_with_the_chat_that_takes_it(
    saved: bool, tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS["400-openai"])
    flags = ("-s", "trip") if saved else ("--no-save",)
    done = run_chatcli("ask", "Hi", *flags, env=surroundings(chat_server), home=tmp_path)
    assert ("/model" in done.stderr) == saved
    assert ("(in chatcli chat -s 'trip')" in done.stderr) == saved


def terminal(server: ChatServer, home: Path, *args: str) -> Terminal:
    env = clean_env(home, **surroundings(server))
    return Terminal(chatcli_argv(*args), env=env, cwd=home)


def test_the_wait_for_the_next_try_ticks_and_ctrl_c_ends_it(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    busy = answer_with(503, b"Busy", TEXT, lambda: {"retry-after": "3"})
    chat_server.fail_next(Fault("busy", "try again in 3 s", busy))
    with terminal(chat_server, tmp_path, "chat") as screen:
        screen.wait_for_prompt()
        screen.type("Hello").key("enter")
        for seconds in (3, 2):
            screen.wait_for(f"sending again in {seconds} s (2 of 4): the server failed (503)")
        screen.key("ctrl-c")
        screen.wait_for("stopped before anything came: /retry asks again")
        screen.type("/retry").key("enter")
        screen.wait_for("Echo: Hello")
        screen.key("ctrl-d")
        assert screen.wait_exit() == 0
    assert len(chat_server.requests) == 2


def test_a_reply_that_broke_off_is_gone_on_with(tmp_path: Path, chat_server: ChatServer) -> None:
    chat_server.reply_with(answer)
    chat_server.fail_next(FAULTS["reset-mid-stream"])
    with terminal(chat_server, tmp_path, "chat") as screen:
        screen.wait_for_prompt()
        screen.type("Count").key("enter")
        screen.wait_for(re.compile(r"✗ the connection to \S+ broke"))
        screen.type("/continue").key("enter")
        screen.wait_for("three four five six seven.")
        screen.type("/history").key("enter")
        screen.wait_for(REPLY)
        screen.key("ctrl-d")
        assert screen.wait_exit() == 0


def test_ask_on_a_terminal_takes_its_countdown_away_again(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS["429-seconds"])
    with terminal(chat_server, tmp_path, "ask", "Hello") as screen:
        screen.wait_for(re.compile(r"^sending again in [12] s \(2 of 4\)", re.MULTILINE))
        screen.wait_for("Echo: Hello")
        assert screen.wait_exit() == 0
        lines = screen.transcript().splitlines()
    assert not any(line.startswith("sending again") for line in lines)
    assert "Echo: Hello" in lines


def test_ctrl_c_while_ask_waits_ends_it(tmp_path: Path, chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS["503-text"], times=4)
    with terminal(chat_server, tmp_path, "ask", "Hello") as screen:
        screen.wait_for("sending again in")
        screen.key("ctrl-c")
        assert screen.wait_exit() == 130


@pytest.mark.parametrize(("closed", "out"), [("2>&-", "Echo: Hello\n"), (">&- 2>&-", "")])
def test_a_stream_that_was_closed_before_the_start_is_no_mistake(
    closed: str, out: str, tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS["429-milliseconds"])
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *chatcli_argv("ask", "Hello")]
    env = clean_env(tmp_path, **surroundings(chat_server))
    done = subprocess.run(shell, env=env, cwd=tmp_path, stdout=subprocess.PIPE, check=False)
    assert (done.stdout.decode(), done.returncode) == (out, 0)
    assert len(chat_server.requests) == 2

"""A window that is closed, and a `kill`: leaving like any other, with nothing lost."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.piped import PipedChat
from tests.support.server import ChatServer
from tests.test_chat_on_a_terminal import chat
from tests.test_tree_on_a_terminal import said

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def rescued(folder: Path) -> list[str]:
    (file,) = folder.glob("chatcli-rescued-*/conversation.json")
    return [str(record.get("content")) for record in json.loads(file.read_text())]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, None])
def test_what_is_not_saved_is_brought_to_safety_when_the_window_is_closed(
    tmp_path: Path, chat_server: ChatServer, number: signal.Signals | None
) -> None:
    safe = tmp_path / "safe"
    safe.mkdir()
    with chat(tmp_path, chat_server, "-s", "mine", TMPDIR=str(safe)) as terminal:
        said(terminal, "alpha", "Echo: alpha")
        terminal.wait_for("tokens/s")
        with (tmp_path / "chatcli" / "sessions" / "mine.json").open("a") as other:
            other.write("\n")
        said(terminal, "beta", "not saved")
        terminal.wait_for("Echo: beta")
        terminal.wait_for("NOT SAVED")
        if number is None:
            terminal.hang_up()
        else:
            terminal.send_signal(number)
        terminal.wait_exit()
    assert {"alpha", "Echo: alpha", "beta", "Echo: beta"} <= set(rescued(safe))


def test_a_chat_by_lines_that_is_ended_keeps_what_came(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.02
    chat_server.reply_with("all of these words count " * 100)
    talk = PipedChat(tmp_path, chat_server, "chat", "-s", "mine")
    talk.say("Tell me")
    talk.wait_for("all of these words")
    talk.process.send_signal(signal.SIGTERM)
    assert talk.leave() == 128 + signal.SIGTERM
    records = json.loads((tmp_path / "chatcli" / "sessions" / "mine.json").read_text())
    (reply,) = [r for r in records if r.get("role") == "assistant"]
    assert reply["finish"] == "interrupted"
    assert reply["content"].startswith("all of these words")
    assert not list((tmp_path / "chatcli" / "sessions").glob("*.partial"))

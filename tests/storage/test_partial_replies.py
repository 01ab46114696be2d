"""A reply that is still coming: on the disk within a moment, also when the server falls silent."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.edits import first
from tests.support.mischief import Fault, stream
from tests.support.piped import PipedChat, surroundings
from tests.support.program import run_chatcli
from tests.support.protocol import Reply
from tests.support.server import ChatServer
from tests.support.wire import Wire

WORDS = tuple(f"wörd{number} " for number in range(200))
MOMENT = 0.5
"""Seconds after which what was printed has to be on the disk: the promise, twice over."""


def kept(partial: Path) -> str:
    """What of the reply is on the disk, as far as it can be read there."""
    text = partial.read_bytes().decode(errors="ignore") if partial.exists() else ""
    found = ""
    for line in text.splitlines()[1:]:
        try:
            piece = json.loads(line)
        except ValueError:
            break
        found += piece if isinstance(piece, str) else ""
    return found


def stalled(deltas: int) -> Fault:
    """Answer with so many deltas, in one burst but for the first, and then fall silent."""
    return Fault("burst", "a burst, then silence", stream(first(deltas), Wire.hang))


@pytest.mark.parametrize("deltas", [1, 40])
def test_the_last_burst_before_a_silence_is_on_the_disk(
    tmp_path: Path, chat_server: ChatServer, deltas: int
) -> None:
    chat_server.reply_with(Reply(WORDS))
    chat_server.fail_next(stalled(deltas))
    partial = tmp_path / "chatcli" / "sessions" / "quiet.json.partial"
    chat = PipedChat(tmp_path, chat_server, "chat", "-s", "quiet")
    chat.say("Tell me")
    expected = "".join(WORDS[:deltas])
    chat.wait_for(expected)
    time.sleep(MOMENT)
    assert kept(partial) == expected
    chat.kill()

    done = run_chatcli("ask", "-c", "Go on", env=surroundings(chat_server), home=tmp_path)
    assert done.returncode == 0
    assert chat_server.requests[-1].messages[1] == {"role": "assistant", "content": expected}


def test_a_reply_that_streams_reaches_the_disk_four_times_a_second(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.015
    chat_server.reply_with(Reply(WORDS))
    partial = tmp_path / "chatcli" / "sessions" / "steady.json.partial"
    chat = PipedChat(tmp_path, chat_server, "chat", "-s", "steady")
    chat.say("Tell me")
    chat.wait_until(lambda: kept(partial))
    seen: list[tuple[float, int]] = [(time.monotonic(), 0)]
    end = seen[0][0] + 1.5
    while time.monotonic() < end:
        size = len(kept(partial))
        if size != seen[-1][1]:
            seen.append((time.monotonic(), size))
        time.sleep(0.01)
    chat.kill()
    assert len(seen) >= 6
    # The promise is a quarter of a second; a busy machine may add as much to our own looking.
    assert max(later - earlier for (earlier, _), (later, _) in pairwise(seen)) < MOMENT


def test_a_partial_file_goes_when_the_reply_is_whole(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.01
    chat_server.reply_with(Reply(WORDS[:60]))
    folder = tmp_path / "chatcli" / "sessions"
    chat = PipedChat(tmp_path, chat_server, "chat", "-s", "whole")
    chat.say("Tell me")
    chat.wait_until((folder / "whole.json.partial").exists)
    chat.wait_for(f"{''.join(WORDS[:60])}\n")
    chat.wait_until(lambda: not (folder / "whole.json.partial").exists())
    chat.kill()
    replies = [r for r in json.loads((folder / "whole.json").read_text()) if "finish" in r]
    assert [reply["content"] for reply in replies] == ["".join(WORDS[:60])]


def test_the_question_is_on_the_disk_before_the_request_leaves(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    path = tmp_path / "chatcli" / "sessions" / "first.json"
    seen = []

    def look(messages: list[dict[str, str]]) -> str:
        seen.append((messages[-1]["content"], path.read_text()))
        return "ok"

    chat_server.reply_with(look)
    lines = "one\ntwo\n/branch side\nthree\n/undo\nfour\n/clear\nfive\n/retry\n"
    args = ("chat", "-s", "first")
    run_chatcli(*args, input=lines, env=surroundings(chat_server), home=tmp_path)
    assert [question for question, _ in seen] == ["one", "two", "three", "four", "five", "five"]
    for question, text in seen:
        assert [r["content"] for r in json.loads(text) if r.get("role") == "user"].count(question)

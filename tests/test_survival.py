"""What a crash, a second process and a missing disk cost: nothing that was said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.piped import PipedChat, surroundings
from tests.support.program import run_chatcli
from tests.support.server import ChatServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def records(file: Path) -> list[dict[str, object]]:
    parsed: list[dict[str, object]] = json.loads(file.read_text())
    return parsed


def test_a_reply_survives_kill_nine_half_way_through(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.02
    chat_server.reply_with("all of these words count " * 100, "and on it goes")
    folder = tmp_path / "chatcli" / "sessions"
    partial = folder / "long.json.partial"
    chat = PipedChat(tmp_path, chat_server, "chat", "-s", "long")
    chat.say("Tell me")
    chat.wait_until(lambda: partial.exists() and partial.stat().st_size > 300)
    chat.kill()
    assert "Tell me" in (folder / "long.json").read_text(), "the question was there before"

    done = run_chatcli("ask", "-c", "Go on", env=surroundings(chat_server), home=tmp_path)
    assert done.stdout == "and on it goes\n"
    (kept,) = [r for r in records(folder / "long.json") if r.get("finish") == "interrupted"]
    assert str(kept["content"]).startswith("all of these words count")
    assert not partial.exists()
    roles = [message["role"] for message in chat_server.requests[-1].messages]
    assert roles == ["user", "assistant", "user"]


def test_a_second_process_is_told_and_goes_on_in_a_copy(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    folder = tmp_path / "chatcli" / "sessions"
    first = PipedChat(tmp_path, chat_server, "chat", "-s", "shared")
    first.say("My name is Alice.")
    first.wait_for("Echo: My name is Alice.\n")

    asked = ("ask", "-s", "shared", "What is my name?")
    second = run_chatcli(*asked, env=surroundings(chat_server), home=tmp_path)
    assert second.stdout == "Your name is Alice.\n"

    first.say("I am still here.")
    assert first.leave() == 0
    said = {
        file.stem: [r["content"] for r in records(file) if r.get("role") == "user"]
        for file in folder.glob("*.json")
    }
    assert said.pop("shared") == ["My name is Alice.", "I am still here."]
    assert list(said.values()) == [["My name is Alice.", "What is my name?"]]


def test_a_lock_that_a_dead_process_left_is_taken_over(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat = PipedChat(tmp_path, chat_server, "chat", "-s", "mine")
    chat.say("Hello")
    chat.wait_for("Echo: Hello\n")
    chat.kill()
    assert (tmp_path / "chatcli" / "sessions" / "mine.json.lock").exists(), "it was in use"

    asked = ("ask", "-s", "mine", "Again")
    done = run_chatcli(*asked, env=surroundings(chat_server), home=tmp_path)
    assert done.returncode == 0
    assert [each.name for each in (tmp_path / "chatcli" / "sessions").iterdir()] == ["mine.json"]


def test_a_folder_that_can_not_be_written_costs_a_line_and_not_the_talk(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    (tmp_path / "file").write_text("no folder")
    lines = "My name is Bob.\nWhat is my name?\n"
    args = ("chat", "--sessions-dir", "file/sessions")
    done = run_chatcli(*args, input=lines, env=surroundings(chat_server), home=tmp_path)
    assert "Your name is Bob." in done.stdout
    assert done.stderr.count("not saved") == 1

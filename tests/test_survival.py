"""What a crash, a second process and a missing disk cost: nothing that was said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.server import ChatServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def surroundings(server: ChatServer) -> dict[str, str]:
    return {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": "sk-test",
        "CHATCLI_MODEL": "gpt-4o",
    }


def start(home: Path, server: ChatServer, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        chatcli_argv(*args),
        env=clean_env(home, **surroundings(server)),
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait(until: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


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
    process = start(tmp_path, chat_server, "chat", "-s", "long")
    assert process.stdin is not None
    process.stdin.write("Tell me\n")
    process.stdin.flush()
    wait(lambda: partial.exists() and partial.stat().st_size > 300)
    process.kill()
    process.communicate()
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
    first = start(tmp_path, chat_server, "chat", "-s", "shared")
    assert first.stdin is not None
    first.stdin.write("My name is Alice.\n")
    first.stdin.flush()
    chat_server.wait_for_request()
    wait(lambda: "Echo" in (folder / "shared.json").read_text())

    asked = ("ask", "-s", "shared", "What is my name?")
    second = run_chatcli(*asked, env=surroundings(chat_server), home=tmp_path)
    assert second.stdout == "Your name is Alice.\n"

    first.stdin.write("I am still here.\n")
    first.stdin.close()
    first.stdin = None
    first.communicate(timeout=20)
    assert first.returncode == 0
    said = {
        file.stem: [r["content"] for r in records(file) if r.get("role") == "user"]
        for file in folder.glob("*.json")
    }
    assert said.pop("shared") == ["My name is Alice.", "I am still here."]
    assert list(said.values()) == [["My name is Alice.", "What is my name?"]]


def test_a_lock_that_a_dead_process_left_is_taken_over(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    process = start(tmp_path, chat_server, "chat", "-s", "mine")
    assert process.stdin is not None
    process.stdin.write("Hello\n")
    process.stdin.flush()
    chat_server.wait_for_request()
    process.send_signal(signal.SIGKILL)
    process.communicate()

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

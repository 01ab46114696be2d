"""A disk without room: what was there stays whole, and what is said meanwhile is not lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli.storage import wire
from tests.support.piped import PipedChat, surroundings
from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.support.tight import fill, tiny_disk, write_session

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

NOT_SAVED = re.compile(r"not saved", re.IGNORECASE)
EVERY_BYTE = """
import resource, signal, sys
sys.dont_write_bytecode = True  # the limit would cut that too, and for good
from pathlib import Path
from chatcli.conversation.records import Noted
from chatcli.errors import StorageError
from chatcli.storage.journal import FileJournal

path = Path(sys.argv[1])
journal, _, _ = FileJournal.open(path)
title = Noted("title", "a title of some length")
endless = resource.RLIM_INFINITY
while True:
    before = path.read_bytes()
    refused = 0
    for room in range(10_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, endless))
        try:
            journal.append(title)
        except StorageError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
        else:
            break
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (endless, endless))
        assert path.read_bytes() == before, room
    print(refused, flush=True)
    if refused > 20:
        break
journal.append(title)
journal.close()
"""


def messages(path: Path) -> list[object]:
    return [record["content"] for record in json.loads(path.read_bytes()) if "role" in record]


def test_a_write_that_stops_at_any_byte_leaves_the_file_as_it_was(quick_folder: Path) -> None:
    path = quick_folder / "s.json"
    before = write_session(path)
    done = subprocess.run(
        [sys.executable, "-c", EVERY_BYTE, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert path.read_bytes().startswith(before.removesuffix(wire.CLOSING))
    assert json.loads(path.read_bytes())[-2:] == [{"title": "a title of some length"}] * 2


def test_a_limit_on_files_costs_a_line_and_is_made_up_for(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    import resource

    path = tmp_path / "chatcli" / "sessions" / "full.json"
    before = write_session(path)
    # The limit would cut the bytecode of what is imported meanwhile too, and for good.
    env = {"PYTHONDONTWRITEBYTECODE": "1"}
    chat = PipedChat(tmp_path, chat_server, "chat", "-s", "full", env=env)
    endless = resource.RLIM_INFINITY
    resource.prlimit(chat.process.pid, resource.RLIMIT_FSIZE, (len(before) + 30, endless))
    chat.say("My name is Bob.")
    chat.wait_for("Echo: My name is Bob.\n")
    assert path.read_bytes() == before
    chat.say("What is my name?")
    chat.wait_for("Your name is Bob.\n")
    assert path.read_bytes() == before
    assert len(NOT_SAVED.findall(chat.errors())) == 1

    resource.prlimit(chat.process.pid, resource.RLIMIT_FSIZE, (endless, endless))
    chat.say("And now?")
    chat.wait_for("Echo: And now?\n")
    assert chat.leave() == 0 or "not saved" in chat.errors()
    assert path.read_bytes().startswith(before.removesuffix(wire.CLOSING))
    assert messages(path)[3:] == [
        *("My name is Bob.", "Echo: My name is Bob.", "What is my name?", "Your name is Bob."),
        *("And now?", "Echo: And now?"),
    ]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "chatcli" / "sessions") as place:
        yield place


def on_screen(home: Path, server: ChatServer, *args: str) -> Terminal:
    env = clean_env(home, **surroundings(server))
    return Terminal(chatcli_argv("chat", *args), env=env, cwd=home)


def toolbar(terminal: Terminal) -> str:
    return terminal.screen().rpartition("\n")[2]


@pytest.mark.parametrize("idle", [False, True])
def test_a_full_disk_is_on_the_screen_until_there_is_room(
    tmp_path: Path, disk: Path, chat_server: ChatServer, idle: bool
) -> None:
    path = disk / "full.json"
    before = write_session(path, spare=5)
    filler = fill(disk)
    with on_screen(tmp_path, chat_server, "-s", "full") as terminal:
        terminal.wait_for_prompt()
        for text in ("My name is Alice.", "I am from Tortuga."):
            terminal.type(text).key("enter")
            terminal.wait_for(f"Echo: {text}")
            terminal.wait_until(lambda: NOT_SAVED.search(toolbar(terminal)))
            assert path.read_bytes() == before
        filler.unlink()
        if not idle:
            terminal.type("What is my name?").key("enter")
            terminal.wait_for("Your name is Alice.")
        wanted = 7 + 2 * (not idle)
        terminal.wait_until(lambda: len(messages(path)) == wanted)
        terminal.wait_until(lambda: not NOT_SAVED.search(toolbar(terminal)))
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
    assert path.read_bytes().startswith(before.removesuffix(wire.CLOSING))
    assert messages(path)[3:7] == [
        *("My name is Alice.", "Echo: My name is Alice."),
        *("I am from Tortuga.", "Echo: I am from Tortuga."),
    ]


def test_a_session_that_begins_on_a_full_disk_is_saved_when_there_is_room(
    tmp_path: Path, disk: Path, chat_server: ChatServer
) -> None:
    filler = fill(disk)
    with on_screen(tmp_path, chat_server, "-s", "fresh") as terminal:
        terminal.wait_for_prompt()
        terminal.type("My name is Alice.").key("enter")
        terminal.wait_for("Echo: My name is Alice.")
        terminal.wait_until(lambda: NOT_SAVED.search(toolbar(terminal)))
        left = [place for place in disk.iterdir() if place != filler]
        assert all(place.suffix != ".json" for place in left), "half a file is none"
        filler.unlink()
        terminal.wait_until((disk / "fresh.json").exists)
        terminal.wait_until(lambda: not NOT_SAVED.search(toolbar(terminal)))
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
    assert messages(disk / "fresh.json") == ["My name is Alice.", "Echo: My name is Alice."]
    assert [place.name for place in disk.iterdir()] == ["fresh.json"]

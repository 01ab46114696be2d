"""Sessions where nothing can be written: they open, the talk goes on, and it ends up somewhere."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from tests.support.homes import tree_of
from tests.support.piped import PipedChat, surroundings
from tests.support.program import run_chatcli
from tests.support.server import ChatServer
from tests.support.tight import as_anybody, write_session

LINES = ("My name is Bob.", "What is my name?")
REPLIES = ("Echo: My name is Bob.", "Your name is Bob.")


def talk(chat: PipedChat) -> str:
    """Say the lines and leave; returns all that was printed."""
    for line, reply in zip(LINES, REPLIES, strict=True):
        chat.say(line)
        chat.wait_for(f"{reply}\n")
    chat.leave()
    return chat.text() + chat.errors()


def rescued(shown: str, temporary: Path) -> Path:
    """The one file in the temporary folder that the user was told of."""
    named = re.findall(rf"{re.escape(str(temporary))}/[^\s;,'`\"]+", shown)
    assert named, f"no rescue file in {shown}"
    (path,) = {Path(each) for each in named}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


def contents(path: Path) -> list[object]:
    return [record["content"] for record in json.loads(path.read_bytes()) if "role" in record]


def check_rescue(home: Path, server: ChatServer, path: Path) -> None:
    """It holds all that was said, and is a session that one can go on with."""
    assert contents(path)[-4:] == [LINES[0], REPLIES[0], LINES[1], REPLIES[1]]
    asked = ("ask", "-s", str(path), "Do you still know my name?")
    done = run_chatcli(*asked, env=surroundings(server), home=home)
    assert done.stdout == "Your name is Bob.\n", done.stderr


@pytest.mark.parametrize(("file", "folder"), [(0o400, 0o700), (0o600, 0o500)])
def test_a_session_that_is_read_only_opens_and_says_so(
    tmp_path: Path, chat_server: ChatServer, file: int, folder: int
) -> None:
    prefix = as_anybody()
    path = tmp_path / "chatcli" / "sessions" / "ro.json"
    before = write_session(path)
    path.chmod(file)
    path.parent.chmod(folder)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    was = tree_of(path.parent)
    chat = PipedChat(
        tmp_path, chat_server, "chat", "-s", "ro", prefix=prefix, env={"TMPDIR": str(temporary)}
    )
    shown = talk(chat)
    told = [line for line in chat.errors().splitlines() if re.search("read-only|writ|saved", line)]
    assert told, chat.errors()
    assert "Traceback" not in shown
    first = chat_server.requests[0].messages
    assert first[1]["content"] == "Who was here before?"

    path.parent.chmod(0o700)
    assert path.read_bytes() == before
    made = set(tree_of(path.parent)) - set(was)
    # Where the folder can be written, what is said may go into a copy there.
    copies = [path.parent / name for name in made if name.endswith(".json")]
    found = copies[0] if copies else rescued(shown, temporary)
    assert contents(found)[-4:] == [LINES[0], REPLIES[0], LINES[1], REPLIES[1]]
    assert {name for name in made if not name.endswith(".json")} == set(), "litter"


def test_what_could_not_be_saved_is_in_the_temporary_folder_afterwards(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    (tmp_path / "file").write_text("no folder")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    args = ("chat", "--sessions-dir", "file/sessions")
    chat = PipedChat(tmp_path, chat_server, *args, env={"TMPDIR": str(temporary)})
    shown = talk(chat)
    assert shown.count("not saved") >= 1
    check_rescue(tmp_path, chat_server, rescued(shown, temporary))
    assert [place.name for place in temporary.iterdir() if place.suffix == ".lock"] == []


def test_a_folder_that_goes_away_meanwhile_takes_nothing_along(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    folder = tmp_path / "chatcli" / "sessions"
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    args = ("chat", "-s", "gone")
    chat = PipedChat(tmp_path, chat_server, *args, env={"TMPDIR": str(temporary)})
    chat.say("My name is Bob.")
    chat.wait_for("Echo: My name is Bob.\n")
    folder.rename(tmp_path / "elsewhere")
    chat.say("What is my name?")
    chat.wait_for("Your name is Bob.\n")
    chat.leave()
    shown = chat.text() + chat.errors()
    places = [*folder.glob("*.json")] or [rescued(shown, temporary)]
    assert contents(places[0])[-4:] == [LINES[0], REPLIES[0], LINES[1], REPLIES[1]]
    assert contents(tmp_path / "elsewhere" / "gone.json") == [LINES[0], REPLIES[0]]

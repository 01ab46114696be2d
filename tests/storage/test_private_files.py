"""What chatcli writes is for the user's eyes only: 0600 and 0700, whatever the umask says."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from tests.support.homes import Entry, tree_of
from tests.support.piped import PipedChat, surroundings
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.server import ChatServer
from tests.support.terminal import Terminal

pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")

UMASK: tuple[str, ...] = ("sh", "-c", 'umask 0 && exec "$@"', "sh")


def open_to_others(home: Path) -> dict[str, str]:
    """What others may look into, with its permissions."""
    return {
        name: oct(entry.permissions)
        for name, entry in tree_of(home).items()
        if not is_private(entry)
    }


def is_private(entry: Entry) -> bool:
    return entry.permissions == (0o700 if entry.is_folder else 0o600)


def on_screen(home: Path, server: ChatServer, *args: str) -> Terminal:
    env = clean_env(home, **surroundings(server))
    return Terminal([*UMASK, *chatcli_argv("chat", *args)], env=env, cwd=home)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    return place


def test_a_whole_life_leaves_nothing_for_others(home: Path, chat_server: ChatServer) -> None:
    with on_screen(home, chat_server, "-s", "first") as terminal:
        terminal.wait_for_prompt()
        terminal.type("My name is Alice.").key("enter")
        terminal.wait_for("Echo: My name is Alice.")
        terminal.wait_for_prompt()
        terminal.type("/save voyage").key("enter")
        terminal.wait_for("saved as `voyage`")
        assert open_to_others(home) == {}
        terminal.wait_for_prompt()
        terminal.key("ctrl-d")
        terminal.wait_exit()
    assert (home / "chatcli" / "history").exists()

    chat_server.delay = 0.02
    chat_server.reply_with("all of these words count " * 100)
    chat = PipedChat(home, chat_server, "chat", "-s", "voyage", prefix=UMASK)
    chat.say("Tell me")
    folder = home / "chatcli" / "sessions"
    chat.wait_until((folder / "voyage.json.partial").exists)
    assert open_to_others(home) == {}
    chat.kill()
    assert open_to_others(home) == {}

    path = folder / "voyage.json"
    path.write_bytes(path.read_bytes()[:-30] + b"\0" * 50)
    done = run_chatcli("ask", "-s", "voyage", "Go on", env=surroundings(chat_server), home=home)
    assert done.returncode == 0
    assert (folder / "voyage.json.torn").exists()
    assert open_to_others(home) == {}


def test_what_others_could_read_is_closed(home: Path, chat_server: ChatServer) -> None:
    folder = home / "chatcli" / "sessions"
    folder.mkdir(parents=True)
    header = {"chatcli": 1, "id": "01K", "created": "2026-11-23T04:18:00Z"}
    path = folder / "old.json"
    path.write_text(f"[\n{json.dumps(header, separators=(',', ':'))}\n]\n")
    (home / "chatcli" / "history").write_text("\n# 2026-11-23 04:18:00\n+secret\n")
    for place in (path, home / "chatcli" / "history"):
        place.chmod(0o644)
    with on_screen(home, chat_server, "-s", "old") as terminal:
        terminal.wait_for_prompt()
        terminal.type("Hello").key("enter")
        terminal.wait_for("Echo: Hello")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE((home / "chatcli" / "history").stat().st_mode) == 0o600


def test_a_folder_of_the_users_own_keeps_its_permissions(
    home: Path, chat_server: ChatServer
) -> None:
    """`./sessions` may be shared on purpose; the files in it are private all the same."""
    (home / "sessions").mkdir(mode=0o755)
    (home / "sessions").chmod(0o755)
    run_chatcli("ask", "-s", "here", "Hello", env=surroundings(chat_server), home=home)
    assert stat.S_IMODE((home / "sessions").stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "sessions" / "here.json").stat().st_mode) == 0o600

"""What the tests of the tutorial share: a chat by lines, a Session, and what they sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatcli import Session
from tests.support.piped import surroundings
from tests.support.program import run_chatcli
from tests.support.server import ChatServer

HELPFUL = "You are a helpful assistant."
QUESTIONS = [
    f"Question {n}: where do ships with {n} masts sail, and who is aboard?" for n in "12345"
]

Chat = Callable[..., str]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the library to a home of the test's own."""
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def chat(tmp_path: Path, chat_server: ChatServer) -> Chat:
    """Has a chat with these lines and flags, as a process of its own, and returns what it says."""

    def run(*lines: str, flags: tuple[str, ...] = ()) -> str:
        typed = "".join(f"{line}\n" for line in lines)
        env = surroundings(chat_server)
        done = run_chatcli("chat", *flags, input=typed, env=env, home=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def session(server: ChatServer, prompt: str | None = HELPFUL, **options: object) -> Session:
    """A Session whose model is the server."""
    place = {"model": "gpt-4o", "base_url": server.url, "api_key": "sk-test"}
    return Session(prompt, **(place | options))  # type: ignore[arg-type]  # one dict for all


def sent(server: ChatServer, number: int = -1) -> list[tuple[str, str]]:
    """What a request held: role and text of each message."""
    return [(m["role"], m["content"]) for m in server.requests[number].messages]


def asked(server: ChatServer, number: int = -1) -> list[str]:
    """The questions that a request held."""
    return [text for role, text in sent(server, number) if role == "user"]

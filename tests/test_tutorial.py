"""The tutorial on multi-turn conversations: each of its examples, from Python and in a chat.

The server answers from nothing but what it is sent, so that its answers prove what that was.
`test_exercises.py` has the exercises, `test_tutorial_embedded.py` all of it on a real model.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatcli import Session, vocabularies
from chatcli.errors import Refused
from tests.support.faults import FAULTS
from tests.support.protocol import prompt_tokens
from tests.support.server import ChatServer
from tests.support.tutorial import HELPFUL, QUESTIONS, Chat, asked, chat, own_home, sent, session

__all__ = ["chat", "own_home"]


class TestTwoTurns:
    """The model knows the name that it was told, because it is sent again."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server)
        talk.send("My name is Alice.")
        assert talk.send("What is my name?") == "Your name is Alice."

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        shown = chat("My name is Alice.", "What is my name?", flags=("--system", HELPFUL))
        assert "Your name is Alice." in shown
        assert sent(chat_server) == [
            ("system", HELPFUL),
            ("user", "My name is Alice."),
            ("assistant", "Echo: My name is Alice."),
            ("user", "What is my name?"),
        ]


class TestTheManager:
    """It sends, has a history, and clears it but for the system prompt."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server)
        talk.send("My name is Alice.")
        assert [message["role"] for message in talk.history] == ["system", "user", "assistant"]
        talk.clear()
        assert talk.history == [{"role": "system", "content": HELPFUL}]
        assert talk.send("What is my name?") == "I do not know your name."

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        lines = ("My name is Alice.", "/history", "/clear", "What is my name?")
        shown = chat(*lines, flags=("--system", HELPFUL))
        assert shown.count("Echo: My name is Alice.") == 2, "as the reply, and in the history"
        assert "I do not know your name." in shown
        assert sent(chat_server) == [("system", HELPFUL), ("user", "What is my name?")]


class TestTheBudget:
    """Five turns under 200 tokens: the oldest leave, the system prompt and the newest stay."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server, max_tokens=200)
        for question in QUESTIONS:
            talk.send(question)
        within_budget(chat_server)
        assert len(talk.history) == 11
        assert talk.count_tokens() <= 200

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        shown = chat(*QUESTIONS, "/tokens", flags=("--system", HELPFUL, "--budget", "200"))
        within_budget(chat_server)
        assert "left out: budget" in shown


def within_budget(server: ChatServer) -> None:
    encode = vocabularies.load("o200k_base").encode_ordinary
    for number, request in enumerate(server.requests):
        assert prompt_tokens(request.messages, lambda text: len(encode(text))) <= 200
        assert request.messages[0] == {"role": "system", "content": HELPFUL}
        assert request.messages[-1]["content"] == QUESTIONS[number]
    assert QUESTIONS[0] not in dict(sent(server)).values()
    assert 4 <= len(sent(server)) < 11


class TestThePirate:
    """A personality that counts its turns."""

    def test_from_python(self, chat_server: ChatServer) -> None:
        talk = session(chat_server, None, persona="pirate")
        for turn in (1, 2, 3):
            talk.send("Ahoy!")
            assert talk.turn_count == turn
        role, prompt = sent(chat_server)[0]
        assert role == "system"
        assert "pirate" in prompt

    def test_in_a_chat(self, chat: Chat, chat_server: ChatServer) -> None:
        chat("Ahoy!", "/exit", flags=("--persona", "pirate", "--session", "swan"))
        chat("Ahoy again!", flags=("--session", "swan"))
        assert "pirate" in sent(chat_server)[0][1]
        assert ("user", "Ahoy!") in sent(chat_server)


class TestTheFile:
    """It is saved after every message, and a new process goes on with it."""

    def test_from_python(self, chat_server: ChatServer, tmp_path: Path) -> None:
        path = tmp_path / "talk.json"
        with session(chat_server) as talk:
            talk.save(path)
            for text in ("My name is Alice.", "I like tea."):
                talk.send(text)
                assert [text, f"Echo: {text}"] == contents(path)[-2:]
        place = {"model": "gpt-4o", "base_url": chat_server.url, "api_key": "sk-test"}
        with Session.open(path, **place) as again:  # type: ignore[arg-type]  # one dict for all
            assert again.send("What is my name?") == "Your name is Alice."

    def test_in_a_chat(self, chat: Chat, tmp_path: Path) -> None:
        chat("My name is Alice.", flags=("--session", "alice"))
        assert contents(tmp_path / "chatcli" / "sessions" / "alice.json") == [
            "My name is Alice.",
            "Echo: My name is Alice.",
        ]
        assert "Your name is Alice." in chat("What is my name?", flags=("--continue",))


def contents(path: Path) -> list[str]:
    """What a session's file holds at this moment, as any reader of JSON finds it."""
    return [record["content"] for record in json.loads(path.read_text()) if "content" in record]


class TestThreeWaysToKeepItShort:
    """Truncation is `TestTheBudget`; here are the sliding window and the periodic summary."""

    def test_a_window_slides(self, chat: Chat, chat_server: ChatServer) -> None:
        chat(*QUESTIONS, flags=("--strategy", "window", "--window", "2"))
        assert asked(chat_server) == QUESTIONS[-3:], "two pairs, and the question"

    @pytest.mark.parametrize("python", [True, False])
    def test_a_summary_takes_the_place_of_the_oldest(
        self, chat: Chat, chat_server: ChatServer, python: bool
    ) -> None:
        chat_server.reply_with(summarizing)
        if python:
            talk = session(chat_server, max_tokens=260, strategy="summarize")
            for question in QUESTIONS * 2:
                talk.send(question)
        else:
            flags = ("--system", HELPFUL, "--budget", "260", "--strategy", "summarize")
            chat(*QUESTIONS * 2, flags=flags)
        role, prompt = sent(chat_server)[0]
        assert role == "system"
        assert prompt.startswith(HELPFUL)
        assert "masts were counted" in prompt
        assert ("user", QUESTIONS[0]) not in sent(chat_server)


def summarizing(messages: list[dict[str, str]]) -> str:
    """Answer as a model that is asked for a summary now and then."""
    if "summar" in messages[-1]["content"].lower():
        return "Of many ships the masts were counted."
    return f"Echo: {messages[-1]['content']}"


class TestFaults:
    """What goes wrong costs a line; what may come right is asked again."""

    def test_a_busy_server_is_asked_again(self, chat: Chat, chat_server: ChatServer) -> None:
        chat_server.fail_next(FAULTS["429-openai"])
        assert "Echo: Hello" in chat("Hello")
        assert len(chat_server.requests) == 2

    def test_a_refusal_keeps_the_question(self, chat_server: ChatServer) -> None:
        chat_server.fail_next(FAULTS["401-openai"])
        talk = session(chat_server)
        with pytest.raises(Refused):
            talk.send("Hello")
        assert talk.history[-1] == {"role": "user", "content": "Hello"}
        assert talk.send("Still there?") == "Echo: Still there?"

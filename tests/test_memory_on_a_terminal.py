"""What is remembered, live facts and earlier questions, as one sees them on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.protocol import Messages
from tests.support.server import ChatServer
from tests.test_budget_on_a_terminal import do
from tests.test_chat_on_a_terminal import chat

ASKED_BESIDE = "Write at most 3 lines"


def answer(messages: Messages) -> str:
    asked: str = messages[-1]["content"]
    return "- The user's name is Alice" if ASKED_BESIDE in asked else f"Echo: {asked}"


def test_what_was_noticed_is_shown_and_sent_and_forgotten(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.reply_with(answer)
    with chat(tmp_path, chat_server, "--persona", "turnkeeper", rows=60, cols=100) as terminal:
        do(terminal, "/set memory auto", "memory is auto")
        do(terminal, "My name is Alice", "noticed in turn 1, and remembered everywhere")
        terminal.wait_for("turn 1 ")
        do(terminal, "And now?", "Echo: And now?")
        do(
            terminal,
            "/context",
            re.compile(r"memory +\S+ +sent[\s\S]*turn +\S+ +sent[\s\S]* itself"),
        )
        do(terminal, "/forget 1", "forgotten, everywhere: The user's name is Alice")
        do(terminal, "/memory", "nothing is remembered yet")
        do(terminal, "/questions", re.compile(r"2 +And now\?"))
        terminal.wait_for_prompt()
        terminal.type("/questions quote 1").key("enter")
        terminal.wait_for(re.compile(r"❯ > My name is Alice\n"))
    said = [each for each in chat_server.requests if ASKED_BESIDE not in str(each.messages)]
    assert "[Turn 2]" in said[1].messages[0]["content"]
    assert "- The user's name is Alice" in said[1].messages[0]["content"]


def test_the_next_question_does_not_wait_for_what_is_asked_beside(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, rows=40, cols=100) as terminal:
        do(terminal, "/set memory auto", "memory is auto")
        terminal.wait_for_prompt()
        chat_server.reply_with("Fine.", "- and on " * 2000)
        chat_server.delay = 0.02
        terminal.type("hello").key("enter")
        chat_server.wait_for_request(2)
        terminal.wait_for("remembering")
        do(terminal, "next", "Echo: next")
        chat_server.wait_for_disconnect()
        assert chat_server.requests[2].messages[-1]["content"] == "next"

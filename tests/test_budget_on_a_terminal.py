"""A budget of 200 tokens and five turns: what is sent stays below it, and nothing is forgotten."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chatcli import Session, vocabularies
from tests.support.program import run_chatcli
from tests.support.protocol import prompt_tokens
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.test_chat_on_a_terminal import chat

SYSTEM = "You are a helpful assistant."
QUESTIONS = [
    f"Question number {n}: what would you say about ships with {n} masts, and where do they sail?"
    for n in range(1, 6)
]
BUDGET = 200


def exact_tokens(text: str) -> int:
    """Count as gpt-4o does."""
    return len(vocabularies.load("o200k_base").encode_ordinary(text))


@pytest.fixture
def exact_server(chat_server: ChatServer) -> ChatServer:
    chat_server.tokenizer = exact_tokens
    return chat_server


def check_what_was_sent(server: ChatServer) -> None:
    """The count stays under the budget, the oldest leave, the system prompt and the newest stay."""
    assert len(server.requests) == len(QUESTIONS)
    for number, request in enumerate(server.requests, 1):
        assert prompt_tokens(request.messages, exact_tokens) <= BUDGET
        assert request.messages[0] == {"role": "system", "content": SYSTEM}
        asked = [m["content"] for m in request.messages if m["role"] == "user"]
        assert asked == QUESTIONS[number - len(asked) : number]
    everything = [question for question in QUESTIONS if question in asked]
    assert 1 < len(everything) < len(QUESTIONS)


def do(terminal: Terminal, line: str, seen: str | re.Pattern[str]) -> str:
    """Type a line and return what it showed, as far as `seen`."""
    terminal.wait_for_prompt()
    terminal.type(line).key("enter")
    return terminal.wait_for(seen)


def test_five_turns_stay_within_the_budget_and_history_has_them_all(
    tmp_path: Path, exact_server: ChatServer
) -> None:
    flags = ("--budget", str(BUDGET), "--system", SYSTEM)
    with chat(tmp_path, exact_server, *flags, rows=70, cols=100) as terminal:
        for question in QUESTIONS:
            do(terminal, question, f"Echo: {question[:30]}")
        do(terminal, "/tokens", "counted: exact")
        shown = do(terminal, "/context", re.compile(r"message by message[\s\S]* itself"))
        assert re.search(r"1 +user +\d+ +left out: budget +Question number 1", shown)
        assert re.search(r"9 +user +\d+ +sent +Question number 5", shown)
        do(terminal, "/history", re.compile(r"1 ❯ Question number 1[\s\S]*10 openai:gpt-4o"))
        bar = re.compile(r"^S█*H█+N█*Q?█*F?░*$", re.MULTILINE)
        assert 60 < len(terminal.wait_for(bar)) <= 100
    check_what_was_sent(exact_server)


def test_a_budget_of_a_session_in_python_is_kept_likewise(
    tmp_path: Path, exact_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path))
    options = {"model": "gpt-4o", "base_url": exact_server.url, "api_key": "sk-test"}
    with Session(SYSTEM, max_tokens=BUDGET, **options) as session:  # type: ignore[arg-type]  # all texts
        for question in QUESTIONS:
            session.send(question)
            assert exact_server.requests[-1].messages[-1]["content"] == question
        said = [message["content"] for message in session.history if message["role"] == "user"]
    assert said == QUESTIONS
    check_what_was_sent(exact_server)


def test_a_summary_is_edited_in_the_input_line(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server, rows=50) as terminal:
        do(terminal, "My name is Alice.", "Echo: My name is Alice.")
        chat_server.reply_with("Alice came by.")
        do(terminal, "/summarize", "by openai:gpt-4o")
        do(terminal, "/summarize edit", "❯ /summarize Alice came by.")
        terminal.type(" She sails.").key("enter")
        terminal.wait_for("as you have written it")
        do(terminal, "What is my name?", "What is my name?")
        request = chat_server.wait_for_request(3)
    assert "Alice came by. She sails." in request.messages[0]["content"]
    assert len(request.messages) == 2


def test_raw_context_through_a_pipe_is_json_and_nothing_else(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    env = {
        "OPENAI_BASE_URL": chat_server.url,
        "OPENAI_API_KEY": "sk-test",
        "CHATCLI_MODEL": "gpt-4o",
    }
    run = run_chatcli(
        "chat", "--system", "Hide \u202e nothing.", input="/context raw\n", home=tmp_path, env=env
    )
    assert run.returncode == 0
    assert "sk-test" not in run.stdout
    assert json.loads(run.stdout)["messages"] == [
        {"role": "system", "content": "Hide \u202e nothing."},
        {"role": "user", "content": ""},
    ]
    assert "\u202e" not in run.stdout

"""Every way in which a server can fail costs one line, and nothing that had come."""

from __future__ import annotations

import pytest

from chatcli.conversation.arriving import Patience
from chatcli.conversation.messages import FAILED, now
from chatcli.conversation.ports import Forgetful
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.session import Session
from chatcli.conversation.text import whole_text
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import Overflow, ProviderError, RateLimited, Refused, ServerFailed, Unreachable
from chatcli.providers import base
from chatcli.providers.base import Endpoint
from chatcli.providers.openai import OpenAIProvider
from tests.support.faults import FAULTS
from tests.support.loopback import closed_port
from tests.support.server import ChatServer

KEY = "sk-canary-0815"
REPLY = "All of this is the reply, from its first word to its last."


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "FIRST_TOKEN_WITHIN", 1.0)
    monkeypatch.setattr(base, "NEXT_TOKEN_WITHIN", 1.0)


def session(url: str, attempts: int = 1) -> Session:
    endpoint = Endpoint(url, KEY, "gpt-4o")
    provider = OpenAIProvider("openai:gpt-4o", lambda: endpoint)
    return Session(
        Conversation(Header("01K", now()), Tree()),
        provider,
        Forgetful(),
        TokenCounter("gpt-4o"),
        patience=Patience(attempts, first_delay=0.01),
    )


def ask(talk: Session, text: str = "Hello") -> ProviderError | None:
    try:
        for _ in talk.ask(text):
            pass
    except ProviderError as error:
        return error
    return None


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_costs_one_line_and_keeps_what_came(name: str, chat_server: ChatServer) -> None:
    fault = FAULTS[name]
    chat_server.reply_with(REPLY, REPLY)
    chat_server.fail_next(fault)
    talk = session(chat_server.url)

    error = ask(talk)

    question, *replies = talk.history
    assert question.content == "Hello"
    if name == "redirect":
        assert isinstance(error, Refused), "nobody sends the talk to a host that was not named"
    elif fault.harmless:
        assert error is None, str(error)
        whole = REPLY if fault.reply is None else fault.reply.content
        assert "".join(node.content for node in replies) == whole_text(whole)
    if error is not None:
        line = str(error)
        assert "\n" not in line
        assert len(line) < 500
        assert KEY not in line
        assert error.hint or error.retryable
        assert all(node.finish == FAILED for node in replies)
        said = fault.reply.content if fault.reply else REPLY
        assert all(said.startswith(node.content) for node in replies), "what came is kept"

    assert ask(talk, "And again?") is None, "the next request is as good as any"
    assert talk.history[-1].role == "assistant"
    chat_server.forgive()


@pytest.mark.parametrize(
    ("name", "kind", "retryable"),
    [
        ("401-openai", Refused, False),
        ("403-html", Refused, False),
        ("404-fastapi", Refused, False),
        ("429-openai", RateLimited, True),
        ("429-quota", RateLimited, False),
        ("500-text", ServerFailed, True),
        ("503-html", ServerFailed, True),
        ("529-fastapi", ServerFailed, True),
        ("reset-before-headers", Unreachable, True),
        ("hang-before-headers", Unreachable, True),
    ],
)
def test_an_error_says_what_kind_it_is(
    name: str, kind: type[ProviderError], retryable: bool, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS[name])
    error = ask(session(chat_server.url))
    assert type(error) is kind
    assert error.retryable == retryable


def test_the_server_is_waited_for_as_long_as_it_asks(chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS["429-seconds"])
    error = ask(session(chat_server.url))
    assert error is not None
    assert error.retry_after is not None
    assert error.retry_after > 0


def test_a_passing_fault_is_tried_again_and_answered(chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS["503-openai"], times=2)
    talk = session(chat_server.url, attempts=3)
    assert ask(talk) is None
    assert [node.role for node in talk.history] == ["user", "assistant"]
    assert len(chat_server.requests) == 3


def test_nothing_is_tried_again_once_text_has_come(chat_server: ChatServer) -> None:
    chat_server.reply_with(REPLY)
    chat_server.fail_next(FAULTS["reset-mid-stream"])
    talk = session(chat_server.url, attempts=3)
    assert ask(talk) is not None
    assert len(chat_server.requests) == 1
    assert REPLY.startswith(talk.history[-1].content)


def test_a_conversation_too_long_for_the_model_says_so() -> None:
    with ChatServer(context_window=50) as server:
        error = ask(session(server.url), "word " * 200)
    assert isinstance(error, Overflow)
    assert error.limit == 50


def test_no_server_at_all_is_one_line() -> None:
    with closed_port() as url:
        error = ask(session(url))
    assert isinstance(error, Unreachable)
    assert "\n" not in str(error)

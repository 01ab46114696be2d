"""What is wrong, whether it may pass, and how patiently that is waited for.

What a user reads of each fault is in `tests/fault_table.txt`.
"""

from __future__ import annotations

import re
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.conversation.arriving import Patience
from chatcli.conversation.events import Event, Retrying, TurnFinished
from chatcli.conversation.messages import INTERRUPTED, now
from chatcli.conversation.ports import Forgetful
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import (
    BadReply,
    Overflow,
    ProviderError,
    RateLimited,
    Refused,
    ServerFailed,
    Unreachable,
)
from chatcli.providers.base import Endpoint, Network, Waits
from chatcli.providers.openai import OpenAIProvider
from chatcli.providers.said import about_address, address, shown
from chatcli.terminal.status import sending_again
from tests.support.faults import FAULTS, PLACED
from tests.support.mischief import Fault, answer
from tests.support.piped import wait
from tests.support.protocol import encode, error_body
from tests.support.server import ChatServer

KEY = "sk-canary-0815"
SILENT = {"hang-before-headers", "comments-only"}
SHORT = Waits(0.3, 30)
REPLY = "All of this is the reply, from its first word to its last."


def session(url: str, attempts: int = 1, waits: Waits | None = None) -> Session:
    endpoint = Endpoint(url, KEY, "gpt-4o")
    provider = OpenAIProvider("openai:gpt-4o", lambda: endpoint, waits=waits)
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
        ("hang-before-headers", Unreachable, False),
        ("comments-only", Unreachable, False),
        ("402-html", RateLimited, False),
        ("402-openrouter", RateLimited, False),
        ("400-anthropic", RateLimited, False),
        ("429-gemini", RateLimited, True),
        ("503-no-use", ServerFailed, False),
        ("only-tool-call", BadReply, False),
        ("filtered", Refused, False),
        ("limit-in-stream@first", RateLimited, True),
        ("refusal-in-stream@first", Refused, False),
    ],
)
def test_an_error_says_what_kind_it_is(
    name: str, kind: type[ProviderError], retryable: bool, chat_server: ChatServer
) -> None:
    chat_server.fail_next((FAULTS | PLACED)[name])
    error = ask(session(chat_server.url, waits=SHORT if name in SILENT else None))
    assert type(error) is kind
    assert error.retryable == retryable


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("429-seconds", 1.0, 1.0),
        ("429-milliseconds", 0.05, 0.05),
        ("429-date", 0.5, 2.0),
        ("429-past", 0.0, 0.0),
        ("429-tomorrow", 86400.0, 86400.0),
    ],
)
def test_a_server_says_how_long_it_wants_to_be_left_alone(
    name: str, least: float, most: float, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS[name])
    error = ask(session(chat_server.url))
    assert error is not None
    assert error.retry_after is not None
    assert least <= error.retry_after <= most


@pytest.mark.parametrize("name", ["429-nonsense", "429-never"])
def test_a_wish_that_is_no_time_is_none(name: str, chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS[name])
    error = ask(session(chat_server.url))
    assert error is not None
    assert error.retry_after is None


def test_delays_grow_up_to_the_longest_and_half_of_each_is_chance() -> None:
    early, late = (
        Patience(longest_delay=5.0, chance=chance) for chance in (lambda: 0.0, lambda: 1)
    )
    assert [early.delay(attempt, None) for attempt in (1, 2, 3, 4, 5)] == [0.5, 1, 2, 2.5, 2.5]
    assert [late.delay(attempt, None) for attempt in (1, 2, 3, 4, 5)] == [1, 2, 4, 5, 5]


@given(st.integers(1, 60), st.floats(0, 1), st.none() | st.floats(0, 100))
def test_a_server_is_never_asked_earlier_than_it_wants(
    attempt: int, chance: float, wished: float | None
) -> None:
    patience = Patience(chance=lambda: chance)
    delay = patience.delay(attempt, wished)
    assert delay >= (wished or 0)
    assert delay <= (wished * 1.1 + 1e-9 if wished else patience.longest_delay)


@pytest.mark.parametrize("wished", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_server_that_wants_no_wait_is_given_time_all_the_same(
    wished: str, chat_server: ChatServer
) -> None:
    busy = answer(503, b"Busy", headers=lambda: {"retry-after": wished})
    chat_server.fail_next(Fault("busy", "wants no wait", busy), times=2)
    talk = session(chat_server.url, attempts=3)
    waits = [event.delay for event in talk.ask("Hello") if isinstance(event, Retrying)]
    assert waits[0] >= 0.005
    assert waits[1] >= 0.01


def test_the_user_sees_how_long_it_takes_and_for_which_time(chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS["503-openai"], times=2)
    talk = session(chat_server.url, attempts=3)
    waits = [event for event in talk.ask("Hello") if isinstance(event, Retrying)]
    assert [(wait.attempt, wait.attempts) for wait in waits] == [(1, 3), (2, 3)]
    assert all(0.005 <= wait.delay <= 0.02 for wait in waits)
    assert "overloaded" in waits[0].reason


def test_a_wish_that_is_too_long_is_told_and_not_waited_for(chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS["429-hour"])
    error = ask(session(chat_server.url, attempts=4))
    assert error is not None
    assert len(chat_server.requests) == 1
    assert re.fullmatch(r"/retry in 60 min, at \d\d:\d\d, or /model asks another", error.hint)


def test_stopping_ends_the_wait_for_the_next_try(chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS["429-seconds"])
    talk = session(chat_server.url, attempts=2)
    ended: Event | None = None
    for event in talk.ask("Hello"):
        if isinstance(event, Retrying):
            threading.Thread(target=stop_when_it_waits, args=(talk,)).start()
        ended = event
    assert isinstance(ended, TurnFinished)
    assert (ended.reply, ended.finish) == (None, INTERRUPTED)
    assert ended.seconds < 1
    assert talk.pause is None
    assert len(chat_server.requests) == 1


def stop_when_it_waits(talk: Session) -> None:
    wait(lambda: talk.pause)
    assert talk.pause is not None
    assert 0 < talk.pause.left() <= 1.1
    assert sending_again(talk.pause).startswith("sending again in ")
    talk.stop()


def test_a_reply_that_goes_silent_is_given_up_and_kept(chat_server: ChatServer) -> None:
    chat_server.reply_with(REPLY)
    chat_server.fail_next(FAULTS["hang-mid-stream"])
    talk = session(chat_server.url, attempts=3, waits=Waits(30, 0.3))
    error = ask(talk)
    assert error is not None
    assert error.message == "the server has sent nothing for 0.3 s"
    assert talk.history[-1].content == "All of this "
    assert len(chat_server.requests) == 1


def test_the_key_is_told_by_no_error_even_where_the_server_tells_it(
    chat_server: ChatServer,
) -> None:
    body = encode(error_body(f"Incorrect API key provided: {KEY}"))
    chat_server.fail_next(Fault("echo", "the key comes back", answer(401, body)))
    error = ask(session(chat_server.url))
    assert error is not None
    assert error.message.endswith("does not accept the key: Incorrect API key provided: …")


def test_a_password_in_the_address_is_not_told() -> None:
    endpoint = Endpoint("http://me:hunter2@[::1]:8080/v1")
    assert address(endpoint) == "http://[::1]:8080/v1"


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (
            "https://elsewhere.example/v2/chat/completions?key=secret",
            "redirects to https://elsewhere.example/v2/chat/completions?…; is the base URL right?",
        ),
        ("https://elsewhere.example/v2/chat/completions", "https://elsewhere.example/v2; make"),
        ("/v2/chat/completions", "redirects to http://127.0.0.1:PORT/v2; make that the base URL"),
        ("/login", "redirects to http://127.0.0.1:PORT/login; is the base URL right?"),
        ("", "redirects to http://127.0.0.1:PORT/v1; is the base URL right?"),
    ],
)
def test_a_redirect_is_told_as_the_base_url_that_would_lead_there(
    location: str, told: str, chat_server: ChatServer
) -> None:
    moved = answer(308, b"", headers=lambda: {"location": location} if location else {})
    chat_server.fail_next(Fault("moved", "to another address", moved))
    assert told.replace("PORT", str(chat_server.port)) in str(ask(session(chat_server.url)))


def test_only_an_address_without_its_end_is_told_what_a_base_url_ends_in() -> None:
    assert about_address(Endpoint("http://localhost:8000")) == "a base URL usually ends in /v1"
    assert "is the base URL right?" in about_address(Endpoint("http://localhost:8000/v1/"))


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


def test_a_host_that_can_t_be_looked_up_now_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object) -> object:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    error = ask(session("http://models.example/v1"))
    assert error is not None
    assert error.retryable
    assert str(error).startswith("the host models.example can't be looked up: temporary failure")


def test_a_servers_words_tell_no_header_that_only_the_profile_knows() -> None:
    network = Network(headers={"X-Team-Token": "hush-hush-42", "X-Team": "7"})
    endpoint = Endpoint("http://localhost:8000/v1", KEY, network=network)
    assert shown(f"bad token hush-hush-42 of 7, {KEY}", endpoint) == "bad token … of 7, …"

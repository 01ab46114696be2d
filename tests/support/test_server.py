"""The loopback server speaks the protocol as OpenAI does."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from tests.support.plain import SOUND, asked, get, post
from tests.support.protocol import (
    CHAT,
    Envelope,
    Messages,
    Reply,
    encode,
    remember,
    rough_tokens,
)
from tests.support.server import ChatServer

pytest_plugins = ["pytester"]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello"}]
STREAMED = SOUND | {"stream": True}


@pytest.fixture(scope="module")
def client() -> Iterator[OpenAI]:
    with OpenAI(base_url="http://127.0.0.1:1/v1", api_key="x", max_retries=0) as made:
        yield made


def stream(
    client: OpenAI, server: ChatServer, messages: list[ChatCompletionMessageParam] = HELLO
) -> list[ChatCompletionChunk]:
    chunks = client.with_options(base_url=server.url).chat.completions.create(
        model="test-model",
        messages=messages,
        stream=True,
        stream_options={"include_usage": True},
    )
    return list(chunks)


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    deltas = (chunk.choices[0].delta.content for chunk in chunks if chunk.choices)
    return "".join(filter(None, deltas))


def test_the_openai_client_streams_a_reply(chat_server: ChatServer, client: OpenAI) -> None:
    chunks = stream(client, chat_server)
    assert text_of(chunks) == "Echo: Hello"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].delta.content for c in chunks[1:4]] == ["Echo", ": He", "llo"]
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert not chunks[-1].choices
    assert chunks[-1].usage
    assert chunks[-1].usage.prompt_tokens == 3 + 4 + rough_tokens("Hello")
    assert chunks[-1].usage.completion_tokens == rough_tokens("Echo: Hello")


def test_the_openai_client_gets_a_whole_reply(chat_server: ChatServer, client: OpenAI) -> None:
    chat = client.with_options(base_url=chat_server.url).chat
    reply = chat.completions.create(model="test-model", messages=HELLO)
    assert reply.choices[0].message.content == "Echo: Hello"
    assert reply.usage
    assert reply.usage.total_tokens == 9 + 3


def test_a_request_is_recorded_as_it_came(chat_server: ChatServer, client: OpenAI) -> None:
    stream(client, chat_server, [{"role": "system", "content": "Be brief"}, *HELLO])
    (request,) = chat_server.requests
    assert (request.method, request.path) == ("POST", CHAT)
    assert request.headers["authorization"] == "Bearer x"
    assert request.body["model"] == "test-model"
    assert request.messages == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hello"},
    ]


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        (["My name is Alice.", "Nice!", "What's my name?"], "Your name is Alice."),
        (
            ["my name is Al", "Hi", "No, my name is Bo", "Hi", "What is my name?"],
            "Your name is Bo.",
        ),
        (["Hello", "Hi", "Do you know my name?"], "I do not know your name."),
        (["My name is Zoë."], "Echo: My name is Zoë."),
    ],
)
def test_it_remembers_only_what_it_is_sent(texts: list[str], answer: str) -> None:
    roles = ["user", "assistant"] * 3
    messages = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    assert remember(messages) == answer


def test_replies_come_from_a_queue_and_then_from_a_function(
    chat_server: ChatServer, client: OpenAI
) -> None:
    def count(messages: Messages) -> str:
        return f"{len(messages)} so far"

    chat_server.reply_with("One", Reply("Two", finish="length"), count)
    replies = [text_of(stream(client, chat_server)) for _ in range(4)]
    assert replies == ["One", "Two", "1 so far", "1 so far"]


def test_a_reply_can_fix_its_own_deltas_and_think_first(
    chat_server: ChatServer, client: OpenAI
) -> None:
    chat_server.reply_with(Reply(("One ", "and two"), reasoning="Hm, well"))
    deltas = [chunk.choices[0].delta for chunk in stream(client, chat_server) if chunk.choices]
    thought = [(d.model_extra or {}).get("reasoning_content") for d in deltas]
    assert thought == [None, "Hm, ", "well", None, None, None]
    assert [delta.content for delta in deltas] == ["", None, None, "One ", "and two", None]


def test_a_function_that_fails_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    with ChatServer() as server:
        server.reply_with(lambda messages: messages[7]["content"])
        with pytest.raises(http.client.RemoteDisconnected), asked(server.url):
            pass
    assert seen == [IndexError]


def test_the_fixture_proves_that_nobody_broke_the_protocol(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from tests.support.fixtures import chat_server
        from tests.support.plain import SOUND, post

        def test_sound(chat_server): post(chat_server.url, SOUND)
        def test_wrong(chat_server): post(chat_server.url, {"model": ""})
        def test_forgiven(chat_server): test_wrong(chat_server); chat_server.forgive()
    """)
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=3, errors=1)


def test_chunks_are_paced() -> None:
    with ChatServer(chunk=1, delay=0.02) as server:
        server.reply_with("abcde")
        started = time.monotonic()
        with asked(server.url, STREAMED) as response:
            response.read()
        assert time.monotonic() - started >= 0.02 * 7  # role, five letters, finish, [DONE]


def test_a_stream_without_usage_says_nothing_of_it(chat_server: ChatServer) -> None:
    with asked(chat_server.url, STREAMED) as response:
        data = response.read()
    assert b"usage" not in data
    assert data.endswith(b"\n\ndata: [DONE]\n\n")


def test_one_connection_carries_many_requests(chat_server: ChatServer) -> None:
    connection = http.client.HTTPConnection(urlsplit(chat_server.url).netloc, timeout=5)
    headers = {"content-type": "application/json"}
    for body in (STREAMED, SOUND, STREAMED):
        connection.request("POST", CHAT, json.dumps(body), headers)
        assert b'"object":"chat.completion' in connection.getresponse().read()
        assert connection.sock
    connection.close()
    assert len(chat_server.requests) == 3


def test_a_client_that_leaves_is_noticed_at_once() -> None:
    with ChatServer(delay=60) as server:
        with asked(server.url, STREAMED) as response:
            response.readline()
            assert server.disconnects == []
        assert server.wait_for_disconnect(timeout=5) == server.requests[0]


def test_a_server_that_stops_does_not_wait_and_blames_no_client() -> None:
    def read(url: str) -> None:
        with suppress(http.client.HTTPException, OSError), asked(url, STREAMED) as response:
            response.read()

    with ChatServer(delay=60) as server:
        reader = threading.Thread(target=read, args=(server.url,))
        reader.start()
        server.wait_for_request()
        started = time.monotonic()
    assert time.monotonic() - started < 2
    reader.join(timeout=5)
    assert not reader.is_alive()
    assert server.disconnects == []


def test_waiting_for_a_request_that_never_comes_says_so(chat_server: ChatServer) -> None:
    with pytest.raises(AssertionError, match=r"0 requests after 0\.01 s, not 1"):
        chat_server.wait_for_request(timeout=0.01)


def test_the_models_are_listed_and_no_other_answers(client: OpenAI) -> None:
    with ChatServer(models=("small", "large")) as server:
        listed = client.with_options(base_url=server.url).models.list()
        assert [model.id for model in listed] == ["small", "large"]
        with pytest.raises(openai.NotFoundError, match="`test-model` does not exist"):
            stream(client, server)
        assert server.violations == []


def test_a_key_is_asked_for_where_one_was_given(client: OpenAI) -> None:
    with ChatServer(api_key="sk-right") as server:
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
            stream(client, server)
        with pytest.raises(openai.AuthenticationError):
            client.with_options(base_url=server.url).models.list()
        status, answer = post(server.url, SOUND)
        assert (status, "didn't provide" in str(answer)) == (401, True)
        assert text_of(stream(client.with_options(api_key="sk-right"), server)) == "Echo: Hello"
        assert server.violations == []


def test_another_path_is_not_found(chat_server: ChatServer) -> None:
    status, answer = get(chat_server.url, "/api/tags")
    assert status == 404
    assert json.loads(answer)["error"]["message"] == "Invalid URL (GET /api/tags)"


def test_a_prompt_longer_than_the_window_is_refused_in_openais_words() -> None:
    with ChatServer(context_window=40, tokenizer=len) as server:
        fits = SOUND | {"messages": [{"role": "user", "content": "x" * 20}]}
        assert post(server.url, fits)[0] == 200
        longer = SOUND | {"messages": [{"role": "user", "content": "x" * 34}]}
        status, answer = post(server.url, longer)
        assert status == 400
        assert answer["error"] == {
            "message": "This model's maximum context length is 40 tokens. However, your messages "
            "resulted in 41 tokens. Please reduce the length of the messages.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
        _, answer = post(server.url, fits | {"max_tokens": 14})
        assert "41 tokens (27 in the messages, 14 in the completion)" in str(answer)
        assert server.violations == []


@pytest.mark.parametrize(("limit", "kept"), [({}, 13), ({"max_completion_tokens": 5}, 5)])
def test_a_reply_ends_where_the_limit_or_the_window_does(
    limit: dict[str, object], kept: int
) -> None:
    with ChatServer(context_window=25, tokenizer=len) as server:
        server.reply_with("0123456789" * 3)
        _, answer = post(server.url, SOUND | limit)
    assert f"'content': '{'0123456789' * 3:.{kept}}'" in str(answer)
    assert "'finish_reason': 'length'" in str(answer)


def test_many_clients_are_served_at_once(client: OpenAI) -> None:
    texts: dict[int, str] = {}

    def talk(number: int) -> None:
        chunks = stream(client, server, [{"role": "user", "content": f"I am {number}"}])
        texts[number] = text_of(chunks)

    with ChatServer(delay=0.02) as server:
        threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=10)
        assert len(server.requests) == 8
    assert texts == {number: f"Echo: I am {number}" for number in range(8)}


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.integers(1, 9))
def test_the_deltas_of_a_stream_are_the_text_whatever_it_is(text: str, size: int) -> None:
    chunks = Envelope("id", 0, "m").chunks(Reply(text), None, size=size)
    read = [json.loads(encode(chunk))["choices"][0]["delta"] for chunk in chunks]
    assert "".join(delta.get("content", "") for delta in read) == text


@settings(deadline=None)  # the machine may be busy
@given(st.text(), st.integers(0, 30))
def test_a_reply_is_cut_to_the_longest_beginning_that_fits(text: str, tokens: int) -> None:
    kept = Reply(text).cut_to(tokens, rough_tokens)
    if kept.finish == "stop":
        assert kept.content == text
    else:
        assert text.startswith(kept.content)
        assert rough_tokens(text[: len(kept.content) + 1]) > tokens

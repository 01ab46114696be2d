"""The server refuses whatever the protocol does not allow, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.support.plain import SOUND, asked, post
from tests.support.server import ChatServer

USER, SYSTEM, ASSISTANT = ({"role": r, "content": "x"} for r in ("user", "system", "assistant"))

PIXEL = "data:image/png;base64,iVBORw0KGgo="
JPEG, BMP = PIXEL.replace("png", "jpeg"), PIXEL.replace("png", "bmp")
DOT = {"url": PIXEL, "detail": "low"}


@pytest.mark.parametrize(
    "change",
    [
        {"model": ""},
        {"model": None},
        {"messages": []},
        {"messages": {}},
        {"messages": ["Hello"]},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": [{"role": "user", "content": 42}]},
        {"messages": [{"role": "user", "content": []}]},
        {"messages": [{"role": "user", "content": [{"type": "sound"}]}]},
        *(
            {"messages": [{"role": role, "content": [part]}, USER]}
            for role, part in (
                ("user", {"type": "text", "text": ""}),
                ("user", {"type": "text", "text": "x", "name": "y"}),
                ("user", {"type": "image_url", "image_url": PIXEL}),
                ("user", {"type": "image_url", "image_url": {"url": PIXEL, "name": "dot"}}),
                ("user", {"type": "image_url", "image_url": {"url": PIXEL, "detail": "most"}}),
                ("user", {"type": "image_url", "image_url": {"url": PIXEL}, "name": "dot"}),
                ("user", {"type": "image_url", "image_url": {"url": f"{PIXEL}?"}}),
                ("user", {"type": "image_url", "image_url": {"url": JPEG}}),
                ("user", {"type": "image_url", "image_url": {"url": BMP}}),
                ("user", {"type": "image_url", "image_url": {"url": "file:///dot.png"}}),
                ("assistant", {"type": "image_url", "image_url": {"url": PIXEL}}),
            )
        ),
        {"messages": [{"role": "user", "content": "x", "id": "b2"}]},
        {"messages": [{"role": "user", "content": "\ud800"}]},
        {"messages": [USER, SYSTEM, USER]},
        {"messages": [SYSTEM]},
        {"messages": [USER, ASSISTANT]},
        {"stream": "yes"},
        {"stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": {"usage": True}},
        {"stream": True, "stream_options": {"include_usage": 1}},
        {"temperature": 2.1},
        {"temperature": "hot"},
        {"top_p": -0.1},
        {"top_p": float("nan")},
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"max_completion_tokens": True},
        {"n": 2},
        {"stop": 7},
        {"stop": ["a", "b", "c", "d", "e"]},
        {"persona": "pirate"},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_a_request_that_breaks_the_protocol_is_refused_and_noted(change: dict[str, object]) -> None:
    with ChatServer() as server:
        status, answer = post(server.url, SOUND | change)
        assert status == 400
        assert isinstance(answer["error"], dict)
        assert server.violations == [answer["error"]["message"]]
        server.forgive()
        assert server.violations == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with ChatServer() as server:
        assert post(server.url, body)[0] == 400
        assert len(server.violations) == 1


def test_a_body_of_another_type_is_refused() -> None:
    with ChatServer() as server:
        assert post(server.url, SOUND, {"content-type": "text/plain"})[0] == 400
        assert server.violations == ["Content-Type must be application/json, not text/plain."]


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0, "top_p": 1, "max_tokens": 1, "seed": -1, "stop": ["END"]},
        {"messages": [SYSTEM, SYSTEM, USER, USER]},
        {"messages": [SYSTEM, ASSISTANT, USER]},
        {"messages": [{"role": "developer", "content": "x"}, USER]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": DOT}]}]},
        {"messages": [{"role": "user", "content": ""}]},
        {"stream": False, "stream_options": None, "user": "me"},
    ],
    ids=lambda change: json.dumps(change)[:60],
)
def test_a_request_within_the_protocol_is_answered(
    chat_server: ChatServer, change: dict[str, object]
) -> None:
    assert post(chat_server.url, SOUND | change)[0] == 200


def test_a_server_can_be_stricter_or_milder() -> None:
    with ChatServer(alternate=True, prefill=True, extra=frozenset({"top_k"})) as server:
        assert post(server.url, SOUND | {"messages": [USER, ASSISTANT], "top_k": 40})[0] == 200
        assert post(server.url, SOUND | {"messages": [SYSTEM, USER, ASSISTANT, USER]})[0] == 200
        for turns in ([USER, USER], [ASSISTANT, USER], [USER, ASSISTANT, ASSISTANT]):
            _, answer = post(server.url, SOUND | {"messages": turns})
            assert "Conversation roles must alternate" in str(answer)


def test_a_request_without_its_length_is_refused_whatever_follows_it() -> None:
    with ChatServer() as server:
        unread = b"x" * 8_000_000  # more than fits into the buffers of a connection
        with asked(server.url, unread, headers={"transfer-encoding": "chunked"}) as response:
            assert response.status == 400
        assert server.violations == ["a request must state its Content-Length"]

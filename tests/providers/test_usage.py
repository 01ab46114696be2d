"""Whatever a server says of tokens, its model and a reply's end, the session opens again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli import Session
from chatcli.conversation.arriving import Arriving, Asked
from chatcli.conversation.events import ReasoningDelta, TextDelta
from chatcli.conversation.messages import Message, Node, Usage, now
from chatcli.conversation.ports import Delta, Finish
from chatcli.conversation.records import Header
from chatcli.providers.base import Endpoint
from chatcli.providers.reading import deltas
from chatcli.storage import wire
from tests.support.edits import each
from tests.support.exchange import Exchange
from tests.support.mischief import Fault, stream
from tests.support.protocol import Json, encode
from tests.support.server import ChatServer

LONG = "x" * 5_000
COUNTS: tuple[Json, ...] = (
    {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": -1}},
    {"prompt_tokens": True, "completion_tokens": 2},
    {"prompt_tokens": 2**53, "completion_tokens": 2, "total_tokens": 2**60},
    {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 2**53},
    {"prompt_tokens": -1, "completion_tokens": "2", "prompt_tokens_details": []},
)


def odd(chunk: Json, counts: Json) -> Json:
    """Return a part of a reply with these counts, and with a model and an ending of no end."""
    spoiled = {**chunk, "model": LONG}
    if chunk.get("usage"):
        spoiled["usage"] = counts
    choices = chunk["choices"]
    assert isinstance(choices, list)
    spoiled["choices"] = [
        {**choice, "finish_reason": choice.get("finish_reason") and LONG} for choice in choices
    ]
    return spoiled


def streamed(counts: Json) -> Fault:
    return Fault("odd", "odd numbers in a stream", stream(each(lambda chunk: odd(chunk, counts))))


def at_once(counts: Json) -> Fault:
    def act(exchange: Exchange) -> None:
        exchange.wire.answer(200, encode(odd(exchange.completion(), counts)))

    return Fault("odd-whole", "odd numbers in one object", act)


@pytest.mark.parametrize("counts", COUNTS, ids=range(len(COUNTS)))
@pytest.mark.parametrize("fault", [streamed, at_once])
def test_a_session_with_a_server_s_odd_numbers_opens_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chat_server: ChatServer,
    fault: Callable[[Json], Fault],
    counts: Json,
) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path / "home"))
    path = tmp_path / "odd.json"
    chat_server.fail_next(fault(counts))
    with Session(model="gpt-4o", base_url=chat_server.url, api_key="sk-test") as talk:
        talk.save(path)
        assert talk.send("Hello") == "Echo: Hello"
        before = talk.history
    with Session.open(path, model="gpt-4o", base_url=chat_server.url, api_key="sk-test") as again:
        assert again.history == before
    reply = wire.read(path.read_bytes()).conversation.tree.head
    assert reply is not None
    assert (reply.finish or "").startswith("xxx")
    assert (reply.model or "").startswith("openai:xxx")


class Body:
    """The body of a response, as the client hands it on."""

    def __init__(self, kind: str, data: bytes) -> None:
        self.headers: Any = {"content-type": kind}
        self._data = data

    def iter_bytes(self) -> Iterator[bytes]:
        yield self._data


INTEGERS = st.integers() | st.sampled_from([0, -1, 1, 10**9, 2**53 - 1, 2**53, 2**63, 10**400])
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
)
USAGES = VALUES | st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": VALUES,
        "completion_tokens": VALUES,
        "total_tokens": VALUES,
        "prompt_tokens_details": VALUES
        | st.fixed_dictionaries(
            {}, optional={"cached_tokens": VALUES, "cache_write_tokens": INTEGERS | VALUES}
        ),
    },
)
LABELS = VALUES | st.text(min_size=500, max_size=600) | st.just("\ud83d" * 3)


SAYS = {"type": "text", "text": "Yes."}
THINKS = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}, 7, {"text": None}]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Yes.", [TextDelta("Yes.")]),
        ([THINKS, SAYS], [ReasoningDelta("Hm."), TextDelta("Yes.")]),
        ([{"type": "reference", "reference_ids": [1]}, SAYS], [TextDelta("Yes.")]),
        ([{"type": "text"}, {"type": "text", "text": 5}, "x", None, [SAYS], {"thinking": 1}], []),
        ({"type": "text", "text": "no list"}, []),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_content_may_come_in_parts_as_mistral_s_models_think(
    content: object, said: list[Delta], whole: bool
) -> None:
    choice = {"index": 0, "delta": {"content": content}, "message": {"content": content}}
    data = json.dumps({"choices": [choice | {"finish_reason": "stop"}]}).encode()
    body = Body("application/json", data) if whole else Body("", b"data: %b\n\n" % data)
    *came, last = deltas(body, Endpoint("http://127.0.0.1:1/v1"))
    assert isinstance(last, Finish)
    assert came == said


def finished(answer: Json, *, whole: bool) -> Finish:
    """Return the end of a reply that a server answers with, streamed or as a `whole`."""
    data = json.dumps(answer).encode()
    body = Body("application/json", data) if whole else Body("", b"data: %b\n\n" % data)
    *_, last = deltas(body, Endpoint("http://127.0.0.1:1/v1"))
    assert isinstance(last, Finish)
    return last


@settings(deadline=None, max_examples=200)
@given(USAGES, LABELS, LABELS.filter(bool), st.booleans())
def test_what_a_server_reports_is_read_from_the_file_as_it_was(
    usage: object, model: object, reason: object, whole: bool
) -> None:
    said = {"content": "Yes."}
    choice = {"index": 0, "delta": said, "message": said, "finish_reason": reason}
    finish = finished({"model": model, "choices": [choice], "usage": usage}, whole=whole)
    question = Node("a1", None, Message("user", "Well?"), now())
    arriving = Arriving(Asked(question, [question.message]), "openai:gpt-4o")
    arriving.take("Yes.")
    arriving.finish = finish
    reply = arriving.node(finish.reason)
    lines = [wire.encode(record) for record in (Header("01K", now()), question, reply)]
    reading = wire.read(wire.document(lines))
    head = reading.conversation.tree.head
    assert head is not None
    assert reading.sound
    assert (head.content, head.usage) == ("Yes.", reply.usage)
    assert (head.model, head.finish) == (reply.model, reply.finish)


def test_what_went_into_a_cache_is_known_of_a_sum_where_it_is_known_of_its_parts() -> None:
    told, silent = Usage(9, 1, 0, 4), Usage(9, 1)
    assert (told + told).written_tokens == 8
    assert (told + silent).written_tokens is None
    assert (Usage(0, 0) + told).written_tokens == 4
    assert (silent + Usage(0, 0)).written_tokens is None


def test_what_summaries_have_used_adds_up_to_what_a_file_may_hold() -> None:
    most = finished(
        {
            "choices": [{"message": {"content": "Yes."}}],
            "usage": {"prompt_tokens": 10**9 - 1, "completion_tokens": 10**9 - 1},
        },
        whole=True,
    ).usage
    assert most is not None
    used = Usage(0, 0)
    for _ in range(1_000):
        used += most
    node = Node("a1", None, Message("user", "Well?"), now())
    reply = replace(Node("b2", node, Message("assistant", "Yes."), now()), usage=used)
    lines = [wire.encode(record) for record in (Header("01K", now()), node, reply)]
    head = wire.read(wire.document(lines)).conversation.tree.head
    assert head is not None
    assert head.usage == used

"""Each fault does what its name says, as a client sees it that hides nothing."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from tests.support.edits import first
from tests.support.faults import BODIES, CONNECTIONS, FAULTS, QUIRKS, STREAMS
from tests.support.loopback import closed_port
from tests.support.mischief import Fault, stream
from tests.support.plain import get
from tests.support.protocol import CHAT, MODELS
from tests.support.seen import ASK, Seen, see
from tests.support.server import ChatServer
from tests.support.statuses import OVERFLOWS, RETRIES, WORDS, refusals
from tests.support.wire import Wire

REPLY = "Echo: tell me more"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


def ask(server: ChatServer, fault: Fault) -> Seen:
    """Send one request that will fail, and take down all that comes."""
    server.fail_next(fault)
    seen = see(server.url, patience=0.2 if fault.name.startswith("hang") else 10)
    if seen.status == 307:
        seen = see(seen.headers["location"])
    return replace(seen, body=gzip.decompress(seen.body)) if fault.name == "gzip" else seen


Expectation = Callable[[Seen], bool]


def ends(end: str, said: str | None = None) -> Expectation:
    """It ends so, after these words of the reply; None where no response came."""
    if said is None:
        return lambda seen: seen.end == end and not seen.status
    return lambda seen: seen.end == end and seen.status == 200 and seen.said == said


def breaks_off(with_event: bytes) -> Expectation:
    """After two deltas comes this event, and that is the last."""
    return lambda seen: (
        seen.end == "whole" and seen.said == "Echo: te" and with_event in seen.events[-1]
    )


def has(event: bytes) -> Expectation:
    """An event like this comes fourth, and the reply goes on."""
    return lambda seen: event in seen.events[3] and seen.said.endswith("ll me more")


def tells(**usage: object) -> Expectation:
    return lambda seen: json.loads(seen.events[-2])["usage"] == usage


def finishes(reason: str, said: str) -> Expectation:
    mark = b'"finish_reason":"%b"' % reason.encode()
    return lambda seen: mark in seen.events[-3] and seen.said == said


EXPECTED: dict[str, Expectation] = {
    "reset-before-headers": ends("reset"),
    "cut-before-headers": ends("cut"),
    "hang-before-headers": ends("hang"),
    "cut-mid-headers": lambda seen: seen.status == 200 and not seen.body,
    "not-http": ends("garbage"),
    "huge-header": ends("garbage"),
    "reset-before-body": ends("reset", ""),
    "reset-mid-stream": ends("reset", "Echo: tell m"),
    "hang-before-body": ends("hang", ""),
    "hang-mid-stream": ends("hang", "Echo: tell m"),
    "comments-only": lambda seen: seen.body == b": keep-alive\n\n" * 3,
    "cut-before-body": ends("cut", ""),
    "cut-mid-stream": ends("cut", "Echo: tell m"),
    "cut-mid-event": lambda seen: seen.end == "cut" and not seen.body.endswith(b"\n"),
    "cut-mid-frame": lambda seen: seen.end == "cut" and seen.body.endswith(b'{"id": '),
    "cut-unframed": ends("whole", "Echo: tell m"),
    "short-body": lambda seen: seen.end == "cut" and seen.body.startswith(b'{"id"'),
    "bad-frame": ends("cut", "Echo: tell m"),
    "ends-early": ends("whole", "Echo: tell m"),
    "half-event": lambda seen: seen.end == "whole" and not seen.body.endswith(b"\n"),
    "only-done": lambda seen: seen.events == [b"[DONE]"],
    "error-at-once": lambda seen: b'{"error":{' in seen.events[0],
    "early-done": breaks_off(b"[DONE]"),
    "error-in-stream": breaks_off(b'{"error":{"message":"The server had'),
    "error-text": breaks_off(b'{"error":"overloaded"}'),
    "error-event": lambda seen: b"\n\nevent: error\ndata: {" in seen.body,
    "error-in-choice": breaks_off(b'"finish_reason":"error"'),
    "endless-line": lambda seen: len(seen.body) > 10**6 and not seen.body.endswith(b"\n"),
    "refusal-in-stream": breaks_off(b'"code":"invalid_api_key"'),
    "limit-in-stream": breaks_off(b'"code":"rate_limit_exceeded"'),
    "model-length": finishes("model_length", "Half of an ans"),
    "overloaded": finishes("insufficient_system_resource", "We are"),
    "filtered": finishes("content_filter", ""),
    "tool-finish": finishes("tool_calls", "Well"),
    "only-tool-call": finishes("tool_calls", ""),
    "bad-json": has(b'"choices": ['),
    "bad-utf8": has(b"\xff\xfe"),
    "deep-json": has(b"[" * 100_000),
    "json-null": has(b"null"),
    "json-number": has(b"42"),
    "json-list": has(b"[]"),
    "choices-object": has(b'"choices":{'),
    "choice-null": has(b'"choices":[null]'),
    "delta-text": has(b'"delta":"lo"'),
    "content-number": has(b'"content":42'),
    "content-parts": has(b'"content":[{'),
    "tool-call": has(b'"tool_calls":[{'),
    "usage-text": tells(prompt_tokens="9"),
    "usage-negative": tells(prompt_tokens=-9),
    "usage-number": lambda seen: json.loads(seen.events[-2])["usage"] == 9,
    "no-finish": lambda seen: b'"finish_reason":"' not in seen.body and seen.said == REPLY,
    "length": finishes("length", "Half of an ans"),
    "content-filter": finishes("content_filter", "I will"),
    "unknown-finish": finishes("tired", "Well"),
    "silence": finishes("stop", ""),
    "only-reasoning": lambda seen: b"reasoning_content" in seen.body and not seen.said,
    "only-thoughts": lambda seen: b"reasoning_content" in seen.body and b'"length"' in seen.body,
    "html": lambda seen: seen.status == 200 and b"<html>" in seen.body,
    "text": lambda seen: seen.status == 200 and seen.body == b"It works!",
    "empty": lambda seen: (seen.status, seen.body, seen.end) == (200, b"", "whole"),
    "no-content": lambda seen: seen.status == 204 and not seen.body,
    "error-as-success": lambda seen: seen.status == 200 and b'"error"' in seen.body,
    "list": lambda seen: seen.status == 200 and seen.body == b"[]",
    "half-json": lambda seen: seen.end == "whole" and seen.body.endswith(b"[{"),
    "cut-in-gzip": lambda seen: seen.end == "whole" and seen.body.startswith(b"\x1f\x8b"),
    "noise-in-gzip": lambda seen: seen.body.startswith(b"\x1f\x8b") and seen.body.endswith(b"\xff"),
    "bad-gzip": lambda seen: seen.headers["content-encoding"] == "gzip" and seen.body == b"Hi",
}


def test_every_fault_that_harms_has_its_expectation() -> None:
    harmful = (*CONNECTIONS, *STREAMS, *BODIES)
    assert EXPECTED.keys() == {fault.name for fault in harmful}
    assert not any(fault.harmless for fault in harmful)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_does_what_it_says(server: ChatServer, name: str) -> None:
    seen = ask(server, FAULTS[name])
    assert EXPECTED[name](seen), seen


HARMLESS = [fault for fault in FAULTS.values() if fault.harmless]


@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: fault.name)
def test_a_harmless_fault_still_brings_the_whole_reply(server: ChatServer, fault: Fault) -> None:
    seen = ask(server, fault)
    said = fault.reply.content if fault.reply else REPLY
    assert seen.end == "whole"
    assert seen.said == said.encode("utf-16", "surrogatepass").decode("utf-16")


# What makes each harmless stream different from a plain one, as a mark in its bytes.
MARKS: dict[str, Expectation] = {
    "no-done": lambda seen: b"[DONE]" not in seen.body,
    "after-done": lambda seen: seen.events[-2] == b"[DONE]",
    "no-role": lambda seen: b'"role"' not in seen.body,
    "null-choices": lambda seen: b'"choices":null' in seen.events[3],
    "no-choices": lambda seen: b"choices" not in seen.events[3],
    "empty-choices": lambda seen: b'"choices":[]' in seen.events[0],
    "null-delta": lambda seen: b'"delta":null' in seen.events[3],
    "no-delta": lambda seen: b'"choices":[{"index":0}]' in seen.events[3],
    "null-content": lambda seen: b'"content":null' in seen.events[3],
    "two-choices": lambda seen: b'"index":1' in seen.body,
    "no-usage": lambda seen: b'"prompt_tokens"' not in seen.body,
    "null-usage": lambda seen: b'"choices":[],"usage":null' in seen.events[-2],
    "running-usage": lambda seen: seen.body.count(b'"prompt_tokens":') == len(seen.events) - 1,
    "comments": lambda seen: seen.body.count(b": still") == len(seen.events),
    "crlf": lambda seen: seen.body.count(b"\n") == seen.body.count(b"\r\n"),
    "no-space": lambda seen: b"data: " not in seen.body,
    "other-fields": lambda seen: b"retry: 3000\ndata:" in seen.body,
    "many-lines": lambda seen: b"data: {\ndata: " in seen.body,
    "bom": lambda seen: seen.body.startswith(b"\xef\xbb\xbf"),
    "unframed": lambda seen: "transfer-encoding" not in seen.headers,
    "gzip": lambda seen: seen.headers["content-encoding"] == "gzip",
    "whole-reply": lambda seen: seen.headers["content-type"] == "application/json",
    "wrong-charset": lambda seen: "iso-8859-1" in seen.headers["content-type"],
    "wrong-type": lambda seen: seen.headers["content-type"] == "application/octet-stream",
    "huge-chunk": lambda seen: len(seen.events[1]) > 10**6,
    "tiny-chunks": lambda seen: len(seen.events) > 10_000,
    "split-surrogates": lambda seen: b"\\ud83d" in seen.body and b"\\ude00" in seen.body,
}


@pytest.mark.parametrize("name", MARKS)
def test_a_quirk_is_there(server: ChatServer, name: str) -> None:
    assert MARKS[name](ask(server, FAULTS[name]))


def test_every_quirk_has_its_mark_or_a_test_of_its_own() -> None:
    assert {fault.name for fault in HARMLESS} - MARKS.keys() == {
        "at-once",
        "byte-by-byte",
        "redirect",
    }


def test_a_stream_can_come_at_once_or_byte_by_byte(server: ChatServer) -> None:
    server.fail_next(FAULTS["at-once"])
    server.fail_next(FAULTS["byte-by-byte"])
    whole, bytewise = (bare(server).partition(b"\r\n\r\n")[2] for _ in range(2))
    assert whole.count(b"data: ") > 6
    assert whole.count(b"\r\n") == 4  # around one frame and the last, empty one
    assert bytewise.startswith(b"1\r\nd\r\n1\r\na\r\n1\r\nt\r\n1\r\na\r\n")


def bare(server: ChatServer) -> bytes:
    """All bytes of one response, read without a notion of HTTP."""
    body = json.dumps(ASK).encode()
    head = f"POST {CHAT} HTTP/1.1\r\ncontent-type: application/json\r\nconnection: close\r\n"
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), 5) as connection:
        connection.sendall(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        with connection.makefile("rb") as incoming:
            return incoming.read()


def test_headers_can_be_cut_or_no_http_at_all(server: ChatServer) -> None:
    server.fail_next(FAULTS["cut-mid-headers"])
    server.fail_next(FAULTS["not-http"])
    assert bare(server).endswith(b"\r\ntransfer-enc")
    assert bare(server) == b"SSH-2.0-OpenSSH_9.6\r\n"


def test_a_redirect_leads_to_the_same_server_under_another_name(server: ChatServer) -> None:
    before = len(server.requests)
    ask(server, FAULTS["redirect"])
    first_host, second_host = (r.headers["host"] for r in server.requests[before:])
    assert first_host.startswith("127.0.0.1:")
    assert second_host == first_host.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("status", WORDS)
def test_a_status_comes_in_four_shapes(server: ChatServer, status: int) -> None:
    said = {}
    for shape in ("openai", "fastapi", "text", "html"):
        seen = ask(server, FAULTS[f"{status}-{shape}"])
        assert (seen.status, seen.end) == (status, "whole")
        said[shape] = seen.headers.get_content_type(), seen.body
    kind, code, message = WORDS[status]
    error = {"message": message, "type": kind, "param": None, "code": code}
    assert json.loads(said["openai"][1]) == {"error": error}
    assert json.loads(said["fastapi"][1]).keys() == {"detail"}
    assert said["text"] == ("text/plain", message.encode())
    assert said["html"][0] == "text/html"
    assert f"<h1>{status} ".encode() in said["html"][1]


def test_a_rate_limit_says_when_to_come_back(server: ChatServer) -> None:
    headers = {
        name: ask(server, FAULTS[f"429-{name}"]).headers
        for name in ("seconds", "milliseconds", "nonsense", "tomorrow", "date")
    }
    assert headers["seconds"]["retry-after"] == "1"
    assert headers["milliseconds"]["retry-after-ms"] == "50"
    assert headers["nonsense"]["retry-after"] == "soon"
    assert headers["tomorrow"]["retry-after"] == str(24 * 60 * 60)
    moment = parsedate_to_datetime(headers["date"]["retry-after"]).timestamp()
    assert -1 < moment - time.time() <= 2


def test_an_empty_account_is_a_rate_limit_of_another_kind(server: ChatServer) -> None:
    seen = ask(server, FAULTS["429-quota"])
    assert seen.status == 429
    assert json.loads(seen.body)["error"]["code"] == "insufficient_quota"


@pytest.mark.parametrize("fault", OVERFLOWS, ids=lambda fault: fault.name)
def test_an_overflow_states_its_numbers_unless_it_has_none(
    server: ChatServer, fault: Fault
) -> None:
    seen = ask(server, fault)
    assert seen.status == (500 if fault.name == "overflow-500" else 400)
    assert (b"5000" in seen.body and b"4096" in seen.body) == (seen.status == 400)


def test_a_fault_can_be_put_together_for_one_test(server: ChatServer) -> None:
    seen = ask(server, Fault("reset-after-one", "RST after a delta", stream(first(1), Wire.reset)))
    assert (seen.end, seen.said) == ("reset", "Echo")


def test_a_fault_strikes_as_often_as_asked_and_only_where_asked(server: ChatServer) -> None:
    server.fail_next(FAULTS["503-text"], times=2)
    server.fail_next(FAULTS["500-text"], path=MODELS)
    assert [see(server.url).status for _ in range(3)] == [503, 503, 200]
    assert [get(server.url, MODELS)[0] for _ in range(2)] == [500, 200]


def test_a_fault_spoils_a_reply_and_leaves_it_for_the_next_try(server: ChatServer) -> None:
    server.reply_with("twelve chars and more")
    seen = ask(server, FAULTS["cut-mid-stream"])
    assert seen.said == "twelve chars"
    assert see(server.url).said == "twelve chars and more"


def test_a_closed_port_refuses() -> None:
    with closed_port() as url, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(url).port or 0), timeout=5)


def test_no_two_faults_share_a_name() -> None:
    groups = (CONNECTIONS, STREAMS, QUIRKS, BODIES, (*refusals(),), RETRIES, OVERFLOWS)
    assert len(FAULTS) == sum(map(len, groups))

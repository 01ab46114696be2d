"""The ways in which servers fail, each under a name: `server.fail_next(FAULTS["429-html"])`.

A stream that goes wrong half-way does so after two or three deltas; for another number, put a
Fault together from the parts in `mischief` and `edits`. Those marked harmless must not keep a
client from showing the whole reply.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.support import edits as e
from tests.support import mischief as m
from tests.support.edits import Place
from tests.support.exchange import Ending
from tests.support.mischief import Fault, placed, stream
from tests.support.protocol import (
    DONE,
    Json,
    Reply,
    choice_of,
    encode,
    error_body,
    event,
    whole,
)
from tests.support.statuses import HTML, OVERFLOWS, RETRIES, TEXT, refusals
from tests.support.wire import Wire

NO_RESOURCES = "insufficient_system_resource"
GZIP = {"content-encoding": "gzip"}
HALF_A_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-enc"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
PAGE = b"<!doctype html><html><title>Sign in</title><body>Welcome to HotelNet</body></html>"
DEEP = b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
FAILED = error_body("The server had an error while processing your request", "server_error")
NO_KEY = error_body("Incorrect API key provided", "invalid_request_error", code="invalid_api_key")
TOO_MANY = error_body("Rate limit reached", "requests", code="rate_limit_exceeded")
TOOL_CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}


def chunk(**fields: object) -> bytes:
    """An event with a chunk that has these fields besides the usual ones."""
    return event(
        {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m"} | fields
    )


def delta(value: object, finish: str | None = None) -> bytes:
    return chunk(choices=[choice_of(value, finish=finish)])


def odd(name: str, what: str, *frames: bytes) -> Fault:
    """A stream with something odd after two deltas; what follows is sound."""
    return placed(name, what, lambda place: e.slip(*frames, at=place))


def fatal(name: str, what: str, *frames: bytes) -> Fault:
    """A stream in which two deltas are followed by something odd, and that is all."""
    return placed(name, what, lambda place: e.break_off(*frames, at=place))


def harmless(name: str, what: str, *frames: bytes) -> Fault:
    """A stream with something odd in it that changes nothing."""
    return placed(name, what, lambda place: e.slip(*frames, at=place), harmless=True)


def cut(name: str, what: str, ending: Ending) -> Fault:
    """A stream that stops at some place, after three deltas if nothing else is said."""
    return placed(name, what, lambda place: e.until(place, 3), ending)


def changed(name: str, what: str, change: Callable[[Json], Json | None]) -> Fault:
    """A stream in which every chunk is changed."""
    return Fault(name, what, stream(e.each(change)))


def said(name: str, what: str, reply: Reply) -> Fault:
    """A fault in what the model says, not in how it is sent."""
    return Fault(name, what, reply=reply)


def quirk(name: str, what: str, edit: e.Edit) -> Fault:
    """A stream that is unusual, and allowed or at least understood."""
    return Fault(name, what, stream(edit), harmless=True)


CONNECTIONS = (
    Fault("reset-before-headers", "RST before a byte", m.send(b"", Wire.reset)),
    Fault("cut-before-headers", "FIN before a byte", m.send(b"", Wire.cut)),
    Fault("hang-before-headers", "not a byte, ever", m.send(b"", Wire.hang)),
    Fault("cut-mid-headers", "FIN within a header's name", m.send(HALF_A_HEAD, Wire.cut)),
    Fault("not-http", "an SSH server", m.send(b"SSH-2.0-OpenSSH_9.6\r\n", Wire.cut)),
    Fault("huge-header", "1 MB of header", m.answer(200, b"", headers=lambda: {"x": "x" * 10**6})),
    Fault("reset-before-body", "headers, then RST", stream(e.nothing, Wire.reset)),
    cut("reset-mid-stream", "three deltas, then RST", Wire.reset),
    Fault("hang-before-body", "headers, then silence", stream(e.nothing, Wire.hang)),
    cut("hang-mid-stream", "three deltas, then silence", Wire.hang),
    Fault("comments-only", "keep-alive comments for ever", m.keep_alive),
    Fault("cut-before-body", "headers, then FIN", stream(e.nothing, Wire.cut)),
    cut("cut-mid-stream", "three deltas, then FIN", Wire.cut),
    placed("cut-mid-event", "half an event, then FIN", e.half_an_event, Wire.cut),
    Fault("cut-mid-frame", "FIN within a frame of the body", m.cut_mid_frame),
    Fault("cut-unframed", "three deltas of a body that ends by FIN", m.unframed(e.first(3))),
    Fault("short-body", "FIN before the stated length", m.short_body),
    Fault("bad-frame", "a frame whose length is no number", m.bad_frame),
)

STREAMS = (
    cut("ends-early", "three deltas, then a proper end of the body", Wire.end),
    placed("half-event", "half an event, then a proper end", e.half_an_event),
    Fault("only-done", "[DONE] and nothing else", stream(e.only(DONE))),
    Fault("error-at-once", "an error object and nothing else", stream(e.only(event(FAILED)))),
    fatal("early-done", "[DONE] with no finish reason before it", DONE),
    fatal("error-in-stream", "an error object as an event", event(FAILED)),
    fatal("error-text", "an error that is a bare string", event({"error": "overloaded"})),
    fatal("error-event", "an event of the type error", b"event: error\n" + event(FAILED)),
    fatal(
        "error-in-choice",
        "a chunk with an error and that finish reason, as OpenRouter has it",
        chunk(
            error={"code": 502, "message": "Provider disconnected"},
            choices=[choice_of({"content": ""}, finish="error")],
        ),
    ),
    fatal("refusal-in-stream", "the key is refused in the stream", event(NO_KEY)),
    fatal("limit-in-stream", "too many requests, said in the stream", event(TOO_MANY)),
    fatal("endless-line", "1 MB without an end of line", b"data: " + b"a" * 10**6),
    odd("bad-json", "an event that is half an object", b'data: {"id": "x", "choices": [\n\n'),
    odd("bad-utf8", "an event with bytes of no character", b'data: {"x": "\xff\xfe\xc3"}\n\n'),
    odd("deep-json", "brackets 100,000 deep", b"data: " + DEEP + b"\n\n"),
    odd("json-null", "null for a chunk", event(None)),
    odd("json-number", "a number for a chunk", event(42)),
    odd("json-list", "a list for a chunk", event([])),
    odd("choices-object", "an object for the list of choices", chunk(choices={"0": {}})),
    odd("choice-null", "null for a choice", chunk(choices=[None])),
    odd("delta-text", "a string for a delta", delta("lo")),
    odd("content-number", "a number for a text", delta({"content": 42})),
    odd("content-parts", "parts without a text", delta({"content": [{"type": "reference"}]})),
    odd("tool-call", "a call of a tool that nobody offered", delta({"tool_calls": [TOOL_CALL]})),
    changed("usage-text", "usage in strings", e.with_usage({"prompt_tokens": "9"})),
    changed("usage-negative", "usage below zero", e.with_usage({"prompt_tokens": -9})),
    changed("usage-number", "a number for usage", e.with_usage(9)),
    changed("no-finish", "no chunk with a finish reason", e.without_finish),
    said("length", "stopped by the limit of tokens", Reply("Half of an ans", finish="length")),
    said("content-filter", "stopped by a filter", Reply("I will", finish="content_filter")),
    said("unknown-finish", "a finish reason that nobody knows", Reply("Well", finish="tired")),
    said(
        "model-length", "length, as Mistral says it", Reply("Half of an ans", finish="model_length")
    ),
    said("overloaded", "no resources, as DeepSeek says it", Reply("We are", finish=NO_RESOURCES)),
    said("filtered", "nothing passed the filter", Reply("", finish="content_filter")),
    said("tool-finish", "text, and then a call of a tool", Reply("Well", finish="tool_calls")),
    said("only-tool-call", "a call of a tool and no word", Reply("", finish="tool_calls")),
    said("silence", "a reply without a word", Reply("")),
    said("only-reasoning", "thought, and nothing said", Reply("", reasoning="Let me see")),
    said(
        "only-thoughts",
        "thought until there was no room for more",
        Reply("", reasoning="Let me see", finish="length"),
    ),
)

QUIRKS = (
    quirk("no-done", "no [DONE]", e.without_done),
    quirk("after-done", "an event after [DONE]", e.enclose(after=delta({"content": "?"}))),
    quirk("no-role", "no delta with the role", e.each(e.without_role)),
    harmless("null-choices", "null for the choices", chunk(choices=None)),
    harmless("no-choices", "a chunk without choices", chunk()),
    quirk("empty-choices", "no choice in the first chunk", e.enclose(before=chunk(choices=[]))),
    harmless("null-delta", "null for a delta", delta(None)),
    harmless("no-delta", "a choice without a delta", chunk(choices=[{"index": 0}])),
    harmless("null-content", "null for a text", delta({"content": None})),
    quirk("two-choices", "a second choice that was not asked for", e.each(e.second_choice)),
    quirk("no-usage", "no usage, though asked for", e.each(e.without_usage)),
    quirk("null-usage", "null for usage", e.each(e.with_usage(None))),
    quirk("running-usage", "usage in every chunk", e.each(e.running_usage)),
    quirk("comments", "comments between the events", e.rewrite(e.with_comment)),
    quirk("crlf", "CRLF for an end of line", e.rewrite(e.with_crlf)),
    quirk("no-space", "no space after `data:`", e.rewrite(e.without_space)),
    quirk("other-fields", "lines of id, event and retry", e.rewrite(e.with_other_fields)),
    quirk("many-lines", "an event's JSON in many lines of data", e.rewrite(e.many_lines)),
    quirk("bom", "a byte order mark first", e.enclose(before=b"\xef\xbb\xbf")),
    quirk("at-once", "the whole stream as one piece", e.at_once),
    quirk("byte-by-byte", "every byte on its own", e.byte_by_byte),
    Fault("unframed", "a body that ends by FIN", m.unframed(whole), harmless=True),
    Fault("gzip", "a compressed body", m.compressed, harmless=True),
    Fault("redirect", "307 to another host", m.redirect_elsewhere, harmless=True),
    Fault("whole-reply", "one object for a stream", m.answer_whole, harmless=True),
    Fault(
        "wrong-charset",
        "UTF-8 under the name of another",
        stream(whole, content_type="text/event-stream; charset=iso-8859-1"),
        harmless=True,
    ),
    Fault(
        "wrong-type",
        "a stream under the name of something else",
        stream(whole, content_type="application/octet-stream"),
        harmless=True,
    ),
    Fault("huge-chunk", "1 MB in one delta", reply=Reply(("x" * 10**6,)), harmless=True),
    Fault("tiny-chunks", "10,000 deltas", reply=Reply(("x",) * 10_000), harmless=True),
    Fault(
        "split-surrogates",
        "an emoji in two halves",
        reply=Reply(("a \ud83d", "\ude00 b")),
        harmless=True,
    ),
)

BODIES = (
    Fault("html", "200 with a page", m.answer(200, PAGE, HTML)),
    Fault("text", "200 with plain text", m.answer(200, b"It works!", TEXT)),
    Fault("empty", "200 with an empty body", m.answer(200, b"")),
    Fault("no-content", "204", m.send(NO_CONTENT, Wire.cut)),
    Fault("error-as-success", "200 with an error object", m.answer(200, encode(FAILED))),
    Fault("list", "200 with a list", m.answer(200, b"[]")),
    Fault("half-json", "200 with half an object", m.answer(200, b'{"id": "x", "choices": [{')),
    Fault("cut-in-gzip", "FIN within a compressed body", m.cut_in_gzip),
    Fault("noise-in-gzip", "no gzip any more after three deltas", m.noise_in_gzip),
    Fault("bad-gzip", "plain text said to be gzip", m.answer(200, b"Hi", headers=lambda: GZIP)),
)

PLACES: tuple[Place, ...] = ("first", "last")

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (*CONNECTIONS, *STREAMS, *QUIRKS, *BODIES, *refusals(), *RETRIES, *OVERFLOWS)
}

PLACED: dict[str, Fault] = {
    fault.name: fault
    for anywhere in FAULTS.values()
    if anywhere.anywhere is not None
    for fault in map(anywhere.at, PLACES)
}
"""The faults in the middle of a stream once more, before its first word and after its last."""

"""Reading the body of a reply, line by line.

That costs a tenth of what the openai client's own typed stream does, and keeps half a reply
whatever ends it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from chatcli.conversation.events import ReasoningDelta, TextDelta
from chatcli.conversation.messages import Usage
from chatcli.conversation.ports import Delta, Finish
from chatcli.conversation.text import whole_text
from chatcli.errors import BadReply, Unreachable
from chatcli.providers.base import Endpoint
from chatcli.providers.said import ToldInReply, about_address, address
from chatcli.providers.sse import MOST_AT_ONCE, events, too_much

MOST_TOKENS: Final = 10**9
LONGEST_LABEL: Final = 200


class HTTPResponse(Protocol):
    """As much of an httpx2 response as is needed to read a reply from it."""

    @property
    def headers(self) -> Any: ...

    def iter_bytes(self) -> Iterator[bytes]: ...


def kind_of(response: HTTPResponse) -> str:
    """Return the media type of a response, in lower case and without its parameters."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def deltas(response: HTTPResponse, endpoint: Endpoint) -> Iterator[Delta]:
    """Read a reply from the body of a successful response.

    Yields at most one Finish, and that last. Raises BadReply, or ToldInReply for an error that the
    server sends in its place, after whatever text could be read.
    """
    if (kind := kind_of(response)) == "application/json":
        yield from _whole_reply(bounded(response.iter_bytes(), endpoint), endpoint)
        return
    if kind == "text/html":
        raise web_page(endpoint)
    stream = _Stream(endpoint)
    for data in events(response.iter_bytes()):
        if data == b"[DONE]":
            stream.done = True
            break
        yield from stream.read(data)
    yield stream.end()


def web_page(endpoint: Endpoint) -> BadReply:
    """Return the error for an answer that is meant for a browser."""
    told = f"{address(endpoint)} answered with a web page, not a reply"
    return BadReply(told, about_address(endpoint))


def no_reply(endpoint: Endpoint) -> BadReply:
    """Return the error for an answer that has nothing in it."""
    told = f"{address(endpoint)} answered without a reply"
    return BadReply(told, "check the base URL, or /retry", retryable=True)


def bounded(chunks: Iterable[bytes], endpoint: Endpoint, most: int = MOST_AT_ONCE) -> bytes:
    """Return a whole body. Raises BadReply where it has more than `most` bytes."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > most:
            raise too_much(address(endpoint))
    return bytes(body)


class _Stream:
    """The state of a streamed reply: what its chunks have said so far beside the text."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._any = False
        self.done = False

    def read(self, data: bytes) -> Iterator[Delta]:
        """Yield what one chunk adds. Chunks may lack any of their parts."""
        chunk = parsed(data, self._endpoint)
        self._any = True
        if model := chunk.get("model"):
            self._model = _label(model)
        if usage := chunk.get("usage"):
            self._usage = _usage(usage) or self._usage
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict) or choice.get("index"):
                continue
            self._reason = choice.get("finish_reason") or self._reason
            yield from _pieces(choice.get("delta"))

    def end(self) -> Finish:
        """Return how the reply ended, or raise where it broke off."""
        if not self._any and not self.done:
            raise no_reply(self._endpoint)
        if not self.done and self._reason is None:
            raise Unreachable(
                "the reply broke off: the server closed the connection",
                "/retry asks again",
                retryable=True,
            )
        return Finish(_label(self._reason or "stop"), self._usage, self._model)


def _pieces(delta: object) -> Iterator[Delta]:
    if not isinstance(delta, dict):
        return
    thought = delta.get("reasoning_content") or delta.get("reasoning")
    if isinstance(thought, str) and thought:
        yield ReasoningDelta(thought)
    text = delta.get("content") or delta.get("refusal")
    if isinstance(text, str) and text:
        yield TextDelta(text)
    for part in text if isinstance(text, list) else ():
        yield from _of_part(part)


def _of_part(part: object) -> Iterator[Delta]:
    """Yield what a part of a content says, as Mistral's models send it when they think."""
    match part:
        case {"type": "text", "text": str(text)} if text:
            yield TextDelta(text)
        case {"type": "thinking", "thinking": list(thoughts)}:
            for thought in thoughts:
                match thought:
                    case {"text": str(text)} if text:
                        yield ReasoningDelta(text)


def _whole_reply(body: bytes, endpoint: Endpoint) -> Iterator[Delta]:
    """Read the answer of a server that does not stream."""
    if not body.strip():
        raise no_reply(endpoint)
    answer = parsed(body, endpoint)
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        told = f"{address(endpoint)} answered with JSON that holds no reply"
        raise BadReply(told, "/retry asks again")
    yield from _pieces(first.get("message"))
    model = _label(answer["model"]) if answer.get("model") else None
    reason = _label(first.get("finish_reason") or "stop")
    yield Finish(reason, _usage(answer.get("usage")), model)


def parsed(data: bytes, endpoint: Endpoint) -> dict[str, Any]:
    """Return a JSON object that a server sent. Raises BadReply, ToldInReply for an error in it."""
    value = json_in(data, endpoint)
    if not isinstance(value, dict):
        told = f"{address(endpoint)} sent JSON that is no part of a reply"
        raise BadReply(told, "/retry asks again")
    if value.get("error"):
        raise ToldInReply(value)
    return value


def json_in(data: bytes, endpoint: Endpoint) -> object:
    """Return what a server sent as JSON. Raises BadReply where it is none."""
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        told = f"{address(endpoint)} sent something that is no JSON"
        raise BadReply(told, "/retry asks again") from error


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt, completion = _count(value, "prompt_tokens"), _count(value, "completion_tokens")
    if prompt is None or completion is None:
        return None
    # xAI leaves what the model thinks out of the completion, but not out of the sum.
    completion = max(completion, (_count(value, "total_tokens") or 0) - prompt)
    details = value.get("prompt_tokens_details")
    cached, written = (_count(details, name) for name in ("cached_tokens", "cache_write_tokens"))
    return Usage(prompt, completion, cached or 0, written)


def _count(fields: object, name: str) -> int | None:
    """Return a number of tokens that a server reports, None where it is none."""
    match fields.get(name) if isinstance(fields, dict) else None:
        case bool():
            return None
        case int(count) if 0 <= count < MOST_TOKENS:
            return count
        case _:
            return None


def _label(value: object) -> str:
    """Return a name of the server's choosing, as long as one can be."""
    return whole_text(str(value))[:LONGEST_LABEL]

"""Any endpoint that speaks the chat-completions protocol, through the openai client.

The client makes the request: address, headers, connection, errors. The body of the reply is read
here line by line, which costs a tenth of what the client's own typed stream does, and keeps half
a reply whatever ends it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

from chatcli.conversation.events import ReasoningDelta, TextDelta
from chatcli.conversation.messages import Message, Usage
from chatcli.conversation.ports import Delta, Finish
from chatcli.conversation.text import whole_text
from chatcli.errors import BadReply, Unreachable
from chatcli.providers.base import Emit, Endpoint, Parameters, PumpedReply
from chatcli.providers.faults import from_body, from_exception

if TYPE_CHECKING:
    import httpx2
    import openai

CONNECT_WITHIN = 20.0
MOST_TOKENS: Final = 10**9
LONGEST_LABEL: Final = 200


class OpenAIProvider:
    """A model behind a chat-completions endpoint.

    `connect` returns the endpoint and may take its time: it is called in the thread of the first
    reply. `name` is the model as the user names it, `PROFILE:MODEL`.
    """

    def __init__(
        self, name: str, connect: Callable[[], Endpoint], parameters: Parameters | None = None
    ) -> None:
        self.model = name
        self.parameters = parameters or Parameters()
        self._connect = connect
        self._client: openai.OpenAI | None = None
        self._lines: list[socket.socket] = []
        self._asked_model: str | None = None

    def stream(self, messages: Sequence[Message]) -> PumpedReply:
        request = self.request(messages)
        return PumpedReply(lambda emit: self._receive(request, emit), self._hang_up)

    def request(self, messages: Sequence[Message]) -> dict[str, object]:
        """Return the body of the request for the next message.

        Its `model` is None as long as it is whichever the endpoint lists first.
        """
        return {
            "model": self.model.partition(":")[2] or self._asked_model,
            "messages": [message.as_dict() for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.parameters.as_request(),
        }

    def warm_up(self) -> None:
        """Import and build what the first request needs, so that it need not wait for that."""
        import openai
        import openai.resources.chat  # noqa: F401 - likewise

    def models(self) -> list[str]:
        """Return the ids of the models that the endpoint lists. Raises ProviderError."""
        endpoint = self._connect()
        try:
            return [model.id for model in self._open(endpoint).models.list()]
        except Exception as error:
            raise from_exception(error, endpoint) from error

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _receive(self, body: dict[str, object], emit: Emit) -> None:
        endpoint = self._connect()
        try:
            client = self._open(endpoint)
            request = {**body, "model": endpoint.model or self._first_model(client)}
            # The client's types want a TypedDict for each role; these are the same dicts.
            create: Any = client.chat.completions.with_streaming_response.create
            with create(**request) as response:
                for delta in deltas(response.http_response, endpoint):
                    emit(delta)
        except Exception as error:
            raise from_exception(error, endpoint) from error

    def _open(self, endpoint: Endpoint) -> openai.OpenAI:
        if self._client is None or str(self._client.base_url).rstrip("/") != endpoint.base_url:
            import httpx2
            import openai

            http = openai.DefaultHttpx2Client(
                # A redirect could carry the conversation to a host that the user never named.
                follow_redirects=False,
                # A proxy from the environment has no business between two ends of one machine.
                trust_env=not _is_loopback(endpoint.base_url),
                timeout=httpx2.Timeout(None, connect=CONNECT_WITHIN),
                event_hooks={"request": [self._watch]},
            )
            self._client = openai.OpenAI(
                base_url=endpoint.base_url,
                api_key=endpoint.api_key or "none",
                max_retries=0,
                http_client=http,
            )
        return self._client

    def _first_model(self, client: openai.OpenAI) -> str:
        if self._asked_model is None:
            first = next(iter(client.models.list()), None)
            if first is None:
                raise BadReply("the endpoint lists no model", "name one: --model PROFILE:MODEL")
            self._asked_model = first.id
        return self._asked_model

    def _watch(self, request: httpx2.Request) -> None:
        """Have the transport tell which socket a request goes out on."""
        request.extensions["trace"] = self._note_line

    def _note_line(self, event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            line = info["return_value"].get_extra_info("socket")
            self._lines = [known for known in self._lines if known.fileno() >= 0]
            if isinstance(line, socket.socket):
                self._lines.append(line)

    def _hang_up(self) -> None:
        """Break the connection under a reply that nobody wants: only that wakes its thread."""
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


class HTTPResponse(Protocol):
    """As much of an httpx2 response as is needed to read a reply from it."""

    @property
    def headers(self) -> Any: ...

    def iter_bytes(self) -> Iterator[bytes]: ...


def deltas(response: HTTPResponse, endpoint: Endpoint) -> Iterator[Delta]:
    """Read a reply from the body of a successful response.

    Yields at most one Finish, and that last. Raises BadReply or another ProviderError after
    whatever text could be read.
    """
    kind = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
    if kind == "application/json":
        yield from _whole_reply(b"".join(response.iter_bytes()), endpoint)
        return
    if kind == "text/html":
        raise BadReply(
            f"{endpoint.base_url} answered with a web page, not a reply",
            "a base URL usually ends in /v1",
        )
    stream = _Stream(endpoint)
    for data in events(response.iter_bytes()):
        if data == b"[DONE]":
            stream.done = True
            break
        yield from stream.read(data)
    yield stream.end()


def events(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the data of each server-sent event in a body that comes in pieces.

    The format is the WHATWG's: lines end in LF, CRLF or CR; an empty line ends an event; an event
    that the body's end cuts short is no event.
    """
    pending = b""
    data: list[bytes] = []
    for chunk in chunks:
        lines = (pending + chunk).replace(b"\r\n", b"\n").split(b"\n")
        pending = lines.pop()
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data = []
    if pending.startswith(b"data:"):
        data.append(pending[5:].strip())
    # Some servers end the body without the empty line after the last event.
    if data and (data == [b"[DONE]"] or _is_json(data)):
        yield b"\n".join(data)


def _is_json(data: list[bytes]) -> bool:
    try:
        json.loads(b"\n".join(data))
    except ValueError:
        return False
    return True


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
        chunk = _parsed(data, self._endpoint)
        self._any = True
        if model := chunk.get("model"):
            self._model = _label(model)
        if usage := chunk.get("usage"):
            self._usage = _usage(usage) or self._usage
        for choice in chunk.get("choices") or ():
            if not isinstance(choice, dict) or choice.get("index"):
                continue
            self._reason = choice.get("finish_reason") or self._reason
            yield from _pieces(choice.get("delta"))

    def end(self) -> Finish:
        """Return how the reply ended, or raise where it broke off."""
        if not self._any and not self.done:
            raise BadReply(
                f"{self._endpoint.base_url} answered with nothing",
                "check the base URL, or /retry",
                retryable=True,
            )
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


def _whole_reply(body: bytes, endpoint: Endpoint) -> Iterator[Delta]:
    """Read the answer of a server that does not stream."""
    answer = _parsed(body, endpoint)
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        raise BadReply(
            f"{endpoint.base_url} answered with JSON that holds no reply", "/retry asks again"
        )
    yield from _pieces(first.get("message"))
    model = _label(answer["model"]) if answer.get("model") else None
    reason = _label(first.get("finish_reason") or "stop")
    yield Finish(reason, _usage(answer.get("usage")), model)


def _parsed(data: bytes, endpoint: Endpoint) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise BadReply(
            f"{endpoint.base_url} sent something that is no JSON", "/retry asks again"
        ) from error
    if not isinstance(value, dict):
        raise BadReply(
            f"{endpoint.base_url} sent JSON that is no part of a reply", "/retry asks again"
        )
    if value.get("error"):
        raise from_body(value, endpoint)
    return value


def _usage(value: object) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt, completion = _count(value, "prompt_tokens"), _count(value, "completion_tokens")
    if prompt is None or completion is None:
        return None
    # xAI leaves what the model thinks out of the completion, but not out of the sum.
    completion = max(completion, (_count(value, "total_tokens") or 0) - prompt)
    cached = _count(value.get("prompt_tokens_details"), "cached_tokens")
    return Usage(prompt, completion, cached or 0)


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

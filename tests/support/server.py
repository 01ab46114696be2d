"""A real chat-completions server on loopback, strict about what it is sent.

    with ChatServer() as server:
        client = OpenAI(base_url=server.url, api_key="any")
        ...
        assert server.requests[0].messages == [{"role": "user", "content": "Hello"}]
        assert server.violations == []

It answers from nothing but what each request carries (`protocol.remember`), says what it was told
to say (`reply_with`), or fails in one of the ways of `faults.FAULTS` (`fail_next`).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Self

from tests.support.checks import Problem, Rules, overflow, problem_in, unauthorized
from tests.support.exchange import Exchange
from tests.support.ledger import Ledger
from tests.support.loopback import HOST, Loopback
from tests.support.mischief import Fault
from tests.support.protocol import (
    CHAT,
    MODELS,
    Envelope,
    Messages,
    Recorded,
    Reply,
    Responder,
    Tokenizer,
    encode,
    prompt_tokens,
    remember,
    rough_tokens,
    usage,
)
from tests.support.wire import ClientLeft, NotARequest, Wire, read_request


class ChatServer:
    """Serves `url` from entry to exit; every connection has a thread of its own.

    `api_key`, `models`, `prefill`, `alternate` and `extra` are the fields of `checks.Rules`.
    `chunk` is the length of a delta in characters, `delay` the time between two in seconds.
    `context_window` is in tokens as `tokenizer` counts them, None for no limit; what a request and
    a reply cost is computed by `protocol.prompt_tokens` and `protocol.usage`.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        models: tuple[str, ...] | None = None,
        prefill: bool = False,
        alternate: bool = False,
        extra: frozenset[str] = frozenset(),
        chunk: int = 4,
        delay: float = 0.0,
        tokenizer: Tokenizer = rough_tokens,
        context_window: int | None = None,
    ) -> None:
        self.rules = Rules(api_key, models, prefill, alternate, extra)
        self.chunk = chunk
        self.delay = delay
        self.tokenizer = tokenizer
        self.context_window = context_window
        self._script = threading.Lock()
        self._responder: Responder = remember
        self._replies: deque[str | Reply] = deque()
        self._faults: dict[str, deque[Fault]] = {CHAT: deque(), MODELS: deque()}
        self._requests: Ledger[Recorded] = Ledger("requests")
        self._disconnects: Ledger[Recorded] = Ledger("disconnects")
        self._violations: Ledger[str] = Ledger("violations")
        self._numbers = itertools.count(1)
        self._loopback = Loopback(self._serve)

    def __enter__(self) -> Self:
        self._loopback.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loopback.stop()

    @property
    def url(self) -> str:
        """The base URL that a client is given."""
        return f"http://{HOST}:{self._loopback.port}/v1"

    @property
    def port(self) -> int:
        return self._loopback.port

    @property
    def requests(self) -> list[Recorded]:
        """Every request so far, refused ones included, in the order of their arrival."""
        return self._requests.all()

    @property
    def disconnects(self) -> list[Recorded]:
        """The requests whose client left before the answer was complete."""
        return self._disconnects.all()

    @property
    def violations(self) -> list[str]:
        """What clients did that the protocol does not allow.

        A key, a model, a path or a length that is refused is no violation.
        """
        return self._violations.all()

    def tokens_of(self, messages: Messages) -> int:
        """What a prompt of these messages costs here."""
        return prompt_tokens(messages, self.tokenizer)

    def forgive(self) -> None:
        """Forget the violations, in a test that provokes them."""
        self._violations.clear()

    def reply_with(self, *replies: str | Reply | Responder) -> None:
        """Queue replies, one for each request to come; a function answers when the queue is empty.

        Replies are used up by answers alone: a request that is refused or fails takes none.
        """
        with self._script:
            for reply in replies:
                if isinstance(reply, str | Reply):
                    self._replies.append(reply)
                else:
                    self._responder = reply

    def fail_next(self, fault: Fault, times: int = 1, *, path: str = CHAT) -> None:
        """Answer the next `times` well-formed requests to `path` with a fault."""
        with self._script:
            self._faults[path].extend([fault] * times)

    def calm_down(self) -> None:
        """Forget the faults that are still to come."""
        with self._script:
            for queued in self._faults.values():
                queued.clear()

    def wait_for_request(self, number: int = 1, timeout: float = 10.0) -> Recorded:
        """The request of that number, counted from one, as soon as it is here."""
        return self._requests.wait_for(number, timeout)

    def wait_for_disconnect(self, number: int = 1, timeout: float = 10.0) -> Recorded:
        """The request whose client was the first, second, … to leave early."""
        return self._disconnects.wait_for(number, timeout)

    def _serve(self, wire: Wire, incoming: BinaryIO) -> None:
        try:
            while wire.open and (request := read_request(incoming)):
                self._requests.add(request)
                self._answer(request, wire)
                if request.headers.get("connection") == "close":
                    return
        except NotARequest as error:
            with suppress(ClientLeft):
                self._refuse(Problem(str(error)), wire)
            wire.dismiss()

    def _answer(self, request: Recorded, wire: Wire) -> None:
        try:
            match request.method, request.path:
                case "POST", path if path == CHAT:
                    self._chat(request, wire)
                case "GET", path if path == MODELS:
                    self._list_models(request, wire)
                case method, path:
                    text = f"Invalid URL ({method} {path})"
                    self._refuse(Problem(text, status=404, malformed=False), wire)
        except ClientLeft:
            wire.open = False
            if not self._loopback.stopping:
                self._disconnects.add(request)

    def _chat(self, request: Recorded, wire: Wire) -> None:
        prompt = prompt_tokens(request.messages, self.tokenizer)
        problem = problem_in(request, self.rules) or overflow(request, prompt, self.context_window)
        if problem:
            self._refuse(problem, wire)
            return
        reply, fault = self._next_in_script(CHAT, request)
        exchange = self._exchange(request, reply, prompt, wire)
        if fault:
            fault.act(exchange)
        else:
            exchange.answer()

    def _list_models(self, request: Recorded, wire: Wire) -> None:
        if problem := unauthorized(request, self.rules):
            self._refuse(problem, wire)
            return
        _, fault = self._next_in_script(MODELS, request)
        if fault:
            fault.act(self._exchange(request, Reply(), 0, wire))
            return
        names = self.rules.models or ("test-model",)
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "us"} for name in names]
        wire.answer(200, encode({"object": "list", "data": models}))

    def _next_in_script(self, path: str, request: Recorded) -> tuple[Reply, Fault | None]:
        """What comes next: a fault speaks the reply that it spoils, and leaves it in the queue."""
        with self._script:
            fault = self._faults[path].popleft() if self._faults[path] else None
            if fault and fault.reply:
                return fault.reply, fault
            if path == MODELS:
                return Reply(), fault
            if self._replies:
                said = self._replies[0] if fault else self._replies.popleft()
            else:
                said = self._responder(request.messages)
        return (said if isinstance(said, Reply) else Reply(said)), fault

    def _exchange(self, request: Recorded, reply: Reply, prompt: int, wire: Wire) -> Exchange:
        room = request.token_limit
        if self.context_window is not None:
            room = min(room or self.context_window, self.context_window - prompt)
        if room is not None:
            reply = reply.cut_to(room, self.tokenizer)
        model = request.body.get("model")
        name = model if isinstance(model, str) else "test-model"
        return Exchange(
            request=request,
            reply=reply,
            wire=wire,
            envelope=Envelope(f"chatcmpl-{next(self._numbers):06}", int(time.time()), name),
            usage=usage(prompt, reply, self.tokenizer),
            chunk=self.chunk,
            delay=self.delay,
            port=self._loopback.port,
        )

    def _refuse(self, problem: Problem, wire: Wire) -> None:
        if problem.malformed:
            self._violations.add(problem.message)
        wire.answer(problem.status, encode(problem.body))

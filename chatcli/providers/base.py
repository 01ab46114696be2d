"""What providers share: where a request goes, how it is sampled, and giving up a reply at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeAlias

from chatcli.conversation.ports import Delta
from chatcli.errors import Unreachable

FIRST_TOKEN_WITHIN: Final = 120.0
NEXT_TOKEN_WITHIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL to send requests to, with its key, ready to be asked.

    `model` None: whichever the endpoint lists first. `context_window` is in tokens.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    context_window: int | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a reply is sampled; None leaves it to the endpoint. `max_reply` is in tokens."""

    temperature: float | None = None
    top_p: float | None = None
    max_reply: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def updated(self, values: Mapping[str, Any]) -> Parameters:
        """Return these parameters with those of `values` in their place that bear their names."""
        known = {each.name for each in fields(self)}
        return replace(self, **{name: values[name] for name in known & values.keys()})

    def as_request(self) -> dict[str, object]:
        """Return the parameters that are set, in the names of the chat-completions API."""
        asked: dict[str, object] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_completion_tokens": self.max_reply,
            "seed": self.seed,
            "stop": list(self.stop) or None,
        }
        return {name: value for name, value in asked.items() if value is not None}


Emit: TypeAlias = Callable[[Delta], None]


class PumpedReply:
    """A reply that a thread of its own receives, so that it can be given up at any moment.

    Whatever the thread is held up by (a name look-up, a handshake, a silent server), `close` ends
    the iteration at once; `hang_up` then ends the request itself. A server from which nothing has
    come for too long counts as unreachable.
    """

    def __init__(self, receive: Callable[[Emit], None], hang_up: Callable[[], None]) -> None:
        """`receive` makes the request and emits its deltas; it runs in the thread."""
        self._receive = receive
        self._hang_up = hang_up
        self._items: queue.SimpleQueue[Delta | BaseException | None] = queue.SimpleQueue()
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Delta]:
        threading.Thread(target=self._run, name="reply", daemon=True).start()
        patience = FIRST_TOKEN_WITHIN
        while True:
            try:
                item = self._items.get(timeout=patience)
            except queue.Empty:
                self.close()
                raise Unreachable(
                    f"the server has sent nothing for {patience:.0f} s", retryable=True
                ) from None
            if item is None or self._closed.is_set():
                return
            if isinstance(item, BaseException):
                raise item
            patience = NEXT_TOKEN_WITHIN
            yield item

    def close(self) -> None:
        if not self._closed.is_set():
            self._closed.set()
            self._items.put(None)
            self._hang_up()

    def _run(self) -> None:
        try:
            self._receive(self._items.put)
        except BaseException as error:  # noqa: BLE001 - whoever iterates raises it again
            self._items.put(error)
        else:
            self._items.put(None)

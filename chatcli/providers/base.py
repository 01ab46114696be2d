"""What providers share: where a request goes, how it is sampled, and giving up a reply at once."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from chatcli.conversation.ports import Delta
from chatcli.errors import Unreachable

FIRST_TOKEN_WITHIN: Final = 120.0
NEXT_TOKEN_WITHIN: Final = 60.0


@dataclass(frozen=True, slots=True)
class Network:
    """How an endpoint is reached, where that is not as usual.

    `headers` go with every request, in the place of our own of the same names. `proxy` is a URL; ""
    means none, None leaves it to the environment. `ca_bundle` is a file or a folder of
    certificates to trust instead of the system's; `client_cert` and `client_key` are PEM files.
    `listing_key` names the header that holds the key where the endpoint's list of models wants it
    in one of its own.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    listing_key: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL to send requests to, with its key, ready to be asked.

    `model` None: whichever the endpoint lists first. `context_window` is in tokens.
    """

    base_url: str
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    context_window: int | None = None
    network: Network = field(default_factory=Network)


def is_loopback(base_url: str) -> bool:
    """Tell whether an endpoint is on this very machine."""
    try:
        host = urlsplit(base_url).hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def is_openai(base_url: str) -> bool:
    """Tell whether an endpoint is OpenAI's own, in whatever region."""
    try:
        address = urlsplit(base_url)
        host = address.hostname or ""
    except ValueError:
        return False
    return address.scheme == "https" and f".{host}".endswith(".api.openai.com")


@dataclass(frozen=True, slots=True)
class Parameters:
    """How a reply is sampled; None leaves it to the endpoint. `max_reply` is in tokens.

    `extra_body` is what else the request says, in the endpoint's own words.
    """

    temperature: float | None = None
    top_p: float | None = None
    max_reply: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    reasoning_effort: str | None = None
    extra_body: Mapping[str, object] = field(default_factory=dict, hash=False)

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
            "reasoning_effort": self.reasoning_effort,
        }
        return {name: value for name, value in asked.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Waits:
    """How many seconds of silence a reply may have: before its first token, and between two."""

    first: float = FIRST_TOKEN_WITHIN
    next: float = NEXT_TOKEN_WITHIN


class Asked:
    """That a request is about to leave; what came before it was not the server's time."""


ASKED: Final = Asked()
Emit: TypeAlias = Callable[[Delta | Asked], None]


class PumpedReply:
    """A reply that a thread of its own receives, so that it can be given up at any moment.

    Whatever the thread is held up by (a name look-up, a handshake, a silent server), `close` ends
    the iteration at once; `hang_up` then ends the request itself. A server from which nothing has
    come for too long counts as unreachable.
    """

    def __init__(
        self,
        receive: Callable[[Emit], None],
        hang_up: Callable[[], None],
        waits: Waits | None = None,
    ) -> None:
        """`receive` makes the request and emits ASKED, then its deltas; it runs in the thread."""
        self._receive = receive
        self._hang_up = hang_up
        self._waits = waits or Waits(FIRST_TOKEN_WITHIN, NEXT_TOKEN_WITHIN)
        self._items: queue.SimpleQueue[Delta | Asked | BaseException | None] = queue.SimpleQueue()
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Delta]:
        threading.Thread(target=self._run, name="reply", daemon=True).start()
        # Fetching weights, or asking for a key, takes its time.
        patience: float | None = None
        setting = ""
        while True:
            try:
                item = self._items.get(timeout=patience)
            except queue.Empty:
                self.close()
                # Not sent again unasked: a server that is slow would begin from the start.
                raise Unreachable(
                    f"the server has sent nothing for {patience:g} s",
                    f"/retry asks again; {setting} in config.toml waits longer",
                ) from None
            if item is None or self._closed.is_set():
                return
            if isinstance(item, BaseException):
                raise item
            if isinstance(item, Asked):
                patience, setting = self._waits.first, "first_token_timeout"
                continue
            patience, setting = self._waits.next, "token_timeout"
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

"""The ways to answer wrongly: each an Action on one exchange.

Fault("reset-late", "RST after 40 deltas", stream(first(40), Wire.reset))
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from tests.support.edits import Edit, Place, first
from tests.support.exchange import Ending, Exchange
from tests.support.protocol import Reply, encode, whole
from tests.support.wire import EVENTS, JSON, Wire

Action = Callable[[Exchange], None]
Headers = Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """One way in which an answer goes wrong.

    `what` says what the client meets. `reply` is said instead of the server's own, where the fault
    lies in what is said. `harmless` means that the whole reply does arrive, by the letter of the
    protocol or near enough that a good client shows it without a word. `anywhere` is the same at
    another place in the stream, if it can be at more than one.
    """

    name: str
    what: str
    act: Action = field(default=Exchange.answer, repr=False)
    reply: Reply | None = field(default=None, repr=False)
    harmless: bool = False
    anywhere: Callable[[Place], Action] | None = field(default=None, repr=False)

    def at(self, place: Place) -> Fault:
        """Return the same fault at that place of the stream, named like `bad-json@first`."""
        assert self.anywhere is not None, f"{self.name} has one place only"
        return replace(self, name=f"{self.name}@{place}", act=self.anywhere(place))


def stream(edit: Edit, ending: Ending = Wire.end, content_type: str = EVENTS) -> Action:
    """Stream the reply as `edit` has it, then end the body, or the connection."""
    return lambda exchange: exchange.stream(edit(exchange.chunks()), ending, content_type)


def placed(
    name: str,
    what: str,
    edit: Callable[[Place], Edit],
    ending: Ending = Wire.end,
    *,
    harmless: bool = False,
) -> Fault:
    """A fault of a stream that can be at any place of it, and is in the middle unless `at` says."""

    def anywhere(place: Place) -> Action:
        return stream(edit(place), ending)

    return Fault(name, what, anywhere("middle"), harmless=harmless, anywhere=anywhere)


def unframed(edit: Edit) -> Action:
    """Stream a body that neither states its length nor comes in frames: FIN is its end."""

    def act(exchange: Exchange) -> None:
        exchange.wire.head(200, {"content-type": EVENTS, "connection": "close"})
        for piece in edit(exchange.chunks()):
            exchange.wire.send(piece)
        exchange.wire.cut()

    return act


def compressed(exchange: Exchange) -> None:
    """Stream the reply in gzip, each event flushed."""
    packer = zlib.compressobj(wbits=31)
    exchange.wire.head(
        200,
        {"content-type": EVENTS, "content-encoding": "gzip", "transfer-encoding": "chunked"},
    )
    for piece in whole(exchange.chunks()):
        exchange.wire.frame(packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH))
    exchange.wire.frame(packer.flush())
    exchange.wire.end()


def cut_in_gzip(exchange: Exchange) -> None:
    """End a compressed body in the middle of what it holds."""
    packer = zlib.compressobj(wbits=31)
    exchange.wire.head(200, {"content-type": EVENTS, "content-encoding": "gzip"})
    sent = b"".join(first(3)(exchange.chunks()))
    exchange.wire.send(packer.compress(sent) + packer.flush(zlib.Z_SYNC_FLUSH))
    exchange.wire.cut()


def noise_in_gzip(exchange: Exchange) -> None:
    """Go on, after three deltas in gzip, with bytes that are none."""
    packer = zlib.compressobj(wbits=31)
    exchange.wire.head(200, {"content-type": EVENTS, "content-encoding": "gzip"})
    sent = b"".join(first(3)(exchange.chunks()))
    exchange.wire.send(packer.compress(sent) + packer.flush(zlib.Z_SYNC_FLUSH) + b"\xff" * 64)
    exchange.wire.cut()


def cut_mid_frame(exchange: Exchange) -> None:
    """Announce more bytes of a frame than come."""
    _three_deltas(exchange)
    exchange.wire.send(b'40\r\ndata: {"id": ')
    exchange.wire.cut()


def bad_frame(exchange: Exchange) -> None:
    """Announce a frame whose length is no number."""
    _three_deltas(exchange)
    exchange.wire.send(b"zz\r\ndata: {}\n\n\r\n")
    exchange.wire.cut()


def _three_deltas(exchange: Exchange) -> None:
    exchange.wire.head_of_frames()
    for piece in first(3)(exchange.chunks()):
        exchange.wire.frame(piece)


def keep_alive(exchange: Exchange) -> None:
    """Send nothing but comments, for as long as the client will listen."""
    exchange.wire.head_of_frames()
    while True:
        exchange.wire.frame(b": keep-alive\n\n")
        exchange.wire.pause(0.05)


def send(data: bytes, ending: Ending) -> Action:
    """These bytes on the bare connection, and an ending."""

    def act(exchange: Exchange) -> None:
        exchange.wire.send(data)
        ending(exchange.wire)

    return act


def answer(
    status: int, body: bytes, content_type: str = JSON, headers: Callable[[], Headers] = dict
) -> Action:
    """One whole response; `headers` is called when it is sent."""
    return lambda exchange: exchange.wire.answer(status, body, content_type, headers())


def answer_whole(exchange: Exchange) -> None:
    """Send the reply as one object, though a stream was asked for."""
    exchange.wire.answer(200, encode(exchange.completion()))


def short_body(exchange: Exchange) -> None:
    """End the body before its stated length."""
    body = encode(exchange.completion())
    exchange.wire.head(200, {"content-type": JSON, "content-length": str(len(body))})
    exchange.wire.send(body[: len(body) // 2])
    exchange.wire.cut()


def redirect_elsewhere(exchange: Exchange) -> None:
    """Point to another host, which is this server under its other name."""
    there = f"http://localhost:{exchange.port}{exchange.request.path}"
    exchange.wire.answer(307, b"", headers={"location": there})

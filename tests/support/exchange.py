"""One request that has been accepted, and the honest way to answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.support.protocol import Envelope, Json, Recorded, Reply, encode, whole
from tests.support.wire import EVENTS, Wire

Ending = Callable[[Wire], None]


@dataclass(frozen=True)
class Exchange:
    """What is known when an answer begins.

    `chunk` is in characters and `delay`, the time between two chunks, in seconds. `port` is the
    server's own.
    """

    request: Recorded
    reply: Reply
    wire: Wire
    envelope: Envelope
    usage: Json
    chunk: int
    delay: float
    port: int

    @property
    def streams(self) -> bool:
        return self.request.body.get("stream") is True

    def chunks(self) -> list[Json]:
        """The objects of the streamed reply, with usage where the client asked for it."""
        options = self.request.body.get("stream_options")
        counted = isinstance(options, dict) and options.get("include_usage")
        return self.envelope.chunks(self.reply, self.usage if counted else None, size=self.chunk)

    def completion(self) -> Json:
        return self.envelope.completion(self.reply, self.usage)

    def answer(self) -> None:
        """Answer as the protocol wants it."""
        if self.streams:
            self.stream(whole(self.chunks()))
        else:
            self.wire.answer(200, encode(self.completion()))

    def stream(
        self, frames: Iterable[bytes], ending: Ending = Wire.end, content_type: str = EVENTS
    ) -> None:
        """Send frames at the server's pace, each as one piece of a chunked body."""
        self.wire.head_of_frames(content_type)
        for number, frame in enumerate(frames):
            self.wire.pause(self.delay if number else 0)
            self.wire.frame(frame)
        ending(self.wire)

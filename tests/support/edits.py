"""What can be done to a stream before it is sent.

An Edit turns the chunks of the honest reply into the frames that go out. Small functions on one
chunk or on the bytes become an Edit through `each` or `rewrite`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal

from tests.support.protocol import Json, choice_of, event, whole

Edit = Callable[[list[Json]], list[bytes]]
Place = Literal["first", "middle", "last"]
"""Where in a stream something goes wrong: before the first word, between two, after the last."""


def first(deltas: int) -> Edit:
    """The role and so many deltas, and no word about an end."""
    return lambda chunks: [event(chunk) for chunk in chunks if _speaks(chunk)][: deltas + 1]


def until(place: Place, deltas: int = 2) -> Edit:
    """The role and the deltas that come before a place; before the middle there are `deltas`."""

    def edit(chunks: list[Json]) -> list[bytes]:
        spoken = [event(chunk) for chunk in chunks if _speaks(chunk)]
        return spoken[: {"first": 1, "middle": deltas + 1, "last": len(spoken)}[place]]

    return edit


def nothing(chunks: list[Json]) -> list[bytes]:
    return []


def only(*frames: bytes) -> Edit:
    """These instead of the reply."""
    return lambda chunks: [*frames]


def slip(*odd: bytes, at: Place = "middle") -> Edit:
    """The whole stream with something odd in it, after the second delta if nothing else is said."""

    def edit(chunks: list[Json]) -> list[bytes]:
        before = until(at)(chunks)
        return [*before, *odd, *whole(chunks)[len(before) :]]

    return edit


def break_off(*odd: bytes, at: Place = "middle") -> Edit:
    """Some deltas, two if nothing else is said, then something odd, and no more."""
    return lambda chunks: [*until(at)(chunks), *odd]


def enclose(before: bytes = b"", after: bytes = b"") -> Edit:
    return lambda chunks: [frame for frame in (before, *whole(chunks), after) if frame]


def each(change: Callable[[Json], Json | None]) -> Edit:
    """Every chunk changed; those that become None are left out."""
    return lambda chunks: whole(new for chunk in chunks if (new := change(chunk)) is not None)


def rewrite(change: Callable[[bytes], bytes]) -> Edit:
    """Every event's bytes changed, [DONE] included."""
    return lambda chunks: [change(frame) for frame in whole(chunks)]


def half_an_event(place: Place) -> Edit:
    """What comes before a place, and half of the event there."""

    def edit(chunks: list[Json]) -> list[bytes]:
        before = until(place)(chunks)
        half = whole(chunks)[len(before)]
        return [*before, half[: len(half) // 2]]

    return edit


def without_done(chunks: list[Json]) -> list[bytes]:
    return whole(chunks)[:-1]


def at_once(chunks: list[Json]) -> list[bytes]:
    return [b"".join(whole(chunks))]


def byte_by_byte(chunks: list[Json]) -> list[bytes]:
    return [bytes([byte]) for byte in b"".join(whole(chunks))]


def without_role(chunk: Json) -> Json | None:
    """Leave out the first delta, which names the role and says nothing."""
    return None if '"role"' in json.dumps(chunk) else chunk


def without_finish(chunk: Json) -> Json | None:
    """Leave out the chunk that says why the reply ends."""
    return chunk if _speaks(chunk) or not chunk["choices"] else None


def without_usage(chunk: Json) -> Json | None:
    return chunk if chunk["choices"] else None


def with_usage(usage: object) -> Callable[[Json], Json]:
    """Say this of usage, in the chunk that is there for it."""
    return lambda chunk: chunk if chunk["choices"] else chunk | {"usage": usage}


def running_usage(chunk: Json) -> Json:
    """A count in every chunk, as some servers send it; the last one is right."""
    running = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
    return chunk | {"usage": running} if chunk["choices"] else chunk


def second_choice(chunk: Json) -> Json:
    """A second answer beside the first, which comes after it in each list."""
    other = choice_of({"content": "Another! "}, index=1)
    choices = chunk["choices"]
    return chunk | {"choices": [*choices, other]} if isinstance(choices, list) else chunk


def many_lines(frame: bytes) -> bytes:
    """The event's JSON over several lines of `data:`."""
    text = frame.removeprefix(b"data: ").strip()
    if text.startswith(b"{"):
        text = json.dumps(json.loads(text), indent=1).encode()
    return b"".join(b"data: %b\n" % line for line in text.split(b"\n")) + b"\n"


def with_comment(frame: bytes) -> bytes:
    return b": still thinking\n\n" + frame


def with_crlf(frame: bytes) -> bytes:
    return frame.replace(b"\n", b"\r\n")


def without_space(frame: bytes) -> bytes:
    return frame.replace(b"data: ", b"data:", 1)


def with_other_fields(frame: bytes) -> bytes:
    return b"id: 7\nevent: message\nretry: 3000\n" + frame


def _speaks(chunk: Json) -> bool:
    choices = chunk["choices"]
    return isinstance(choices, list) and any(c["finish_reason"] is None for c in choices)

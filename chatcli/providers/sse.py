"""Server-sent events: the form in which a reply streams.

It is the WHATWG's: https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from typing import Final

from chatcli.errors import BadReply

MOST_AT_ONCE: Final = 64 * 1024 * 1024
"""Bytes of one event, or of a body that is no stream: more than any reply has."""

_MARKED: Final = codecs.BOM_UTF8 + b"data:"


def events(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the data of each server-sent event in a body that comes in pieces.

    An empty line ends an event; an event that the body's end cuts short is no event.
    """
    data: list[bytes] = []
    size = 0
    for line in lines(chunks):
        if line.startswith((b"data:", _MARKED)):
            data.append(line.partition(b":")[2].removeprefix(b" "))
            size += len(line)
            if size > MOST_AT_ONCE:
                raise too_much("the server")
        elif not line and data:
            yield b"\n".join(data)
            data, size = [], 0
    # Some servers end the body without the empty line after the last event.
    rest = b"\n".join(data).strip()
    if rest == b"[DONE]" or _is_json(rest):
        yield rest


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a body that comes in pieces; they end in LF, CRLF or CR.

    What follows the last of these counts as a line too.
    """
    begun: list[bytes] = []
    size = 0
    after_cr = False
    for chunk in filter(None, chunks):
        piece = chunk
        if after_cr or b"\r" in piece:
            piece = piece.removeprefix(b"\n") if after_cr else piece
            after_cr = chunk.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = piece.split(b"\n")
        if whole:
            whole[0] = b"".join((*begun, whole[0]))
            yield from whole
            begun, size = [], 0
        if rest:
            begun.append(rest)
            size += len(rest)
            if size > MOST_AT_ONCE:
                raise too_much("the server")
    if begun:
        yield b"".join(begun)


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def too_much(who: str) -> BadReply:
    """Return the error for a server that sends without an end."""
    return BadReply(f"{who} sends more than any reply has", "check the base URL")

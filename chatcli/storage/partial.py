"""The reply that is still coming, on disk: what `kill -9` can't take.

NAME.json.partial holds one JSON value a line: first whose reply it is, then the text in pieces,
in the order in which they came. It is only ever added to, so that the cost of keeping a reply
grows with its length and no faster.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatcli.conversation.messages import Node
from chatcli.conversation.text import whole_text
from chatcli.errors import StorageError
from chatcli.storage import files, wire

MAX_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Partial:
    """What had come of a reply: its id, the id of the question, and the text so far."""

    id: str
    parent: str
    time: str
    model: str | None
    text: str


def partial_beside(path: Path) -> Path:
    """Return where the unfinished reply of the session at `path` is kept."""
    return path.with_name(f"{path.name}.partial")


class PartialFile:
    """The file of one reply while it streams. A full disk is no reason to end the stream."""

    def __init__(self, path: Path, reply: Node) -> None:
        self._path = path
        self._written = 0
        self._fd: int | None = None
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
            self._fd = os.open(path, flags, files.PRIVATE_FILE)
            parent = reply.parent.id if reply.parent else None
            self._put({"id": reply.id, "parent": parent, "time": reply.time, "model": reply.model})

    def write(self, text: str) -> None:
        """Keep what `text`, the reply so far, has more than the last time."""
        with suppress(OSError):
            self._put(text[self._written :])
            self._written = len(text)

    def remove(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _put(self, value: object) -> None:
        if self._fd is not None:
            text = json.dumps(value, ensure_ascii=False)
            files.write_all(self._fd, whole_text(text).encode() + b"\n")


def read_partial(path: Path) -> Partial | None:
    """Return what a crash left of a reply, None where there is nothing to be had."""
    try:
        head, *pieces = files.read_bytes(path, MAX_BYTES).split(b"\n")
        about = wire.strict_json(head)
    except (StorageError, ValueError):
        return None
    text = "".join(_whole(pieces))
    if not isinstance(about, dict) or not text:
        return None
    name, parent, time, model = (about.get(key) for key in ("id", "parent", "time", "model"))
    if not (isinstance(name, str) and isinstance(parent, str) and isinstance(time, str)):
        return None
    return Partial(name, parent, time, model if isinstance(model, str) else None, text)


def _whole(pieces: list[bytes]) -> list[str]:
    """Return the pieces up to the first that was not written to its end."""
    texts: list[str] = []
    for piece in pieces:
        try:
            text = wire.strict_json(piece)
        except ValueError:
            break
        if not isinstance(text, str):
            break
        texts.append(text)
    return texts

"""The reply that is still coming, on disk: what `kill -9` can't take.

NAME.json.partial holds one JSON value a line: first whose reply it is, then the text in pieces,
in the order in which they came. It is only ever added to, so that the cost of keeping a reply
grows with its length and no faster. A thread of its own brings what has come to the disk, so that
the last words before a server stalls are as safe as all others.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from chatcli.conversation.messages import INTERRUPTED, Node
from chatcli.conversation.text import whole_text
from chatcli.errors import StorageError
from chatcli.storage import files, wire
from chatcli.storage.wire import MAX_BYTES

SUFFIX: Final = ".partial"

KEPT_EVERY: Final = 0.15
"""Seconds between two writes of a reply: with the write itself, less than a quarter of a second."""

_MOST_PIECES: Final = 200_000


def partial_beside(path: Path) -> Path:
    """Return where the unfinished reply of the session at `path` is kept."""
    return path.with_name(f"{path.name}{SUFFIX}")


def drop_partial(path: Path) -> None:
    """Take the unfinished reply of the session at `path` away: it is kept elsewhere, or is none."""
    with suppress(OSError):
        partial_beside(path).unlink(missing_ok=True)


class PartialFile:
    """The file of one reply while it streams. A full disk is no reason to end the stream."""

    def __init__(self, path: Path, reply: Node) -> None:
        self._path = path
        self._fd: int | None = None
        self._size = 0
        self._head = _line(_about(reply))
        self._pieces: list[str] = [reply.content] if reply.content else []
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="partial", daemon=True)
        self._keeper.start()

    def add(self, text: str) -> None:
        """Take the next piece of the reply; it is on disk within a quarter of a second."""
        with self._guard:
            self._pieces.append(text)

    def flush(self) -> None:
        """Bring what has come to the disk now."""
        with self._guard:
            pieces, self._pieces = self._pieces, []
        if not pieces:
            return
        try:
            self._append(_line("".join(pieces)))
        except OSError:
            with self._guard:
                self._pieces[:0] = ["".join(pieces)]

    def close(self) -> None:
        """Keep what came and leave it there, for whoever opens the session next."""
        self._stop()
        self.flush()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def remove(self) -> None:
        """Take the file away: the reply is kept elsewhere."""
        self._stop()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _stop(self) -> None:
        self._ended.set()
        self._keeper.join()

    def _keep(self) -> None:
        while not self._ended.wait(KEPT_EVERY):
            self.flush()

    def _append(self, line: bytes) -> None:
        """Write a line at the end of what is whole. Raises OSError with no half of it left."""
        if self._fd is None:
            with suppress(StorageError):
                self._fd = files.open_spare(self._path)
            if self._fd is None:
                raise OSError(f"{self._path} can't be made")
            line = self._head + line
        try:
            files.write_at(self._fd, line, self._size)
            os.fsync(self._fd)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            if self._size == 0:
                os.close(self._fd)
                self._fd = None
            raise
        self._size += len(line)


def read_partial(path: Path) -> dict[str, object] | None:
    """Return what a crash left of a reply, as the fields of its record.

    None where nothing is to be had. They come from a file that anybody may have written, and
    whoever takes them checks them.
    """
    try:
        data = files.read_bytes(path, MAX_BYTES, links=False)
        if data.count(b"\n") > _MOST_PIECES:
            return None
        head, *pieces = data.split(b"\n")
        about = wire.strict_json(head)
    except (StorageError, ValueError):
        return None
    text = whole_text("".join(_whole(pieces)))
    if not isinstance(about, dict) or not text:
        return None
    return {**about, "role": "assistant", "content": text, "finish": INTERRUPTED}


def _about(reply: Node) -> dict[str, object]:
    parent = reply.parent.id if reply.parent else None
    return {"id": reply.id, "parent": parent, "time": reply.time, "model": reply.model}


def _line(value: object) -> bytes:
    # The two halves of a character may lie in two pieces, where only escapes keep them.
    return json.dumps(value).encode() + b"\n"


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

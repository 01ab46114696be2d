"""The reply that is still coming, on disk: what `kill -9` can't take.

NAME.json.partial holds one JSON value a line: an object that says whose reply it is, then the text
in pieces, in the order in which they came. It is only ever added to, so that the cost of keeping a
reply grows with its length and no faster. A thread of its own brings what has come to the disk, so
that the last words before a server stalls are as safe as all others.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatcli.conversation.messages import INTERRUPTED, Node
from chatcli.conversation.text import whole_text
from chatcli.errors import StorageError
from chatcli.storage import files
from chatcli.storage.strictjson import strict_json
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
    """The file of replies while they stream. A full disk is no reason to end the stream.

    There is mostly one; a second joins it where the first could not be saved yet.
    """

    def __init__(self, place: Callable[[], Path | None], *, after: bool = False) -> None:
        """`place` tells where the session is, as soon as it is anywhere.

        `after` says that the replies which a crash has left there are still to be saved.
        """
        self._place = place
        self._after = after
        self._path: Path | None = None
        self._fd: int | None = None
        self._size = 0
        self._reply: Node | None = None
        self._lines: list[bytes] = []
        self._pieces: list[str] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="partial", daemon=True)
        self._keeper.start()

    def add(self, reply: Node, text: str) -> None:
        """Take the next piece of a reply; it is on disk within a quarter of a second.

        `reply` is as it was at its beginning.
        """
        with self._guard:
            if reply is not self._reply:
                self._to_lines()
                self._reply = reply
                self._lines.append(_line(_about(reply)))
                self._pieces = [reply.content] if reply.content else []
            self._pieces.append(text)

    def flush(self) -> None:
        """Bring what has come to the disk now."""
        with self._writing:
            self._flush()

    def _flush(self) -> None:
        with self._guard:
            self._to_lines()
            lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            self._append(b"".join(lines))
        except OSError:
            with self._guard:
                self._lines[:0] = lines

    def _to_lines(self) -> None:
        if self._pieces:
            self._lines.append(_line("".join(self._pieces)))
            self._pieces = []

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
            self._unlink()

    def _unlink(self) -> None:
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _stop(self) -> None:
        self._ended.set()
        self._keeper.join()

    def _keep(self) -> None:
        while not self._ended.wait(KEPT_EVERY):
            self.flush()

    def _append(self, lines: bytes) -> None:
        """Write lines at the end of what is whole. Raises OSError with no half of them left."""
        fd = self._fd if self._fd is not None else self._open()
        try:
            files.write_at(fd, lines, self._size)
            os.fsync(fd)
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, self._size)
            if self._size == 0:
                os.close(fd)
                self._fd = None
                self._unlink()
            raise
        self._size += len(lines)

    def _open(self) -> int:
        session = self._place()
        if session is None:
            raise OSError("the session is nowhere yet")
        self._path = partial_beside(session)
        try:
            self._fd = files.reopen(self._path) if self._after else files.open_spare(self._path)
        except StorageError as error:
            raise OSError(error.message) from error
        self._size = os.fstat(self._fd).st_size
        if self._size:
            # What a crash has left may end in the middle of a line.
            self._lines.insert(0, b"\n")
        return self._fd


@dataclass(frozen=True, slots=True)
class Left:
    """What a crash has left: replies as the fields of their records, and what could not be read.

    They come from a file that anybody may have written, and whoever takes them checks them.
    """

    replies: tuple[dict[str, object], ...] = ()
    rest: bytes = b""


def read_partial(path: Path) -> Left:
    """Return what a crash has left of replies; nothing where there is nothing to be read."""
    try:
        data = files.read_bytes(path, MAX_BYTES, links=False)
    except StorageError:
        return Left()
    if data.count(b"\n") > _MOST_PIECES:
        return Left(rest=data)
    replies: list[dict[str, object]] = []
    pieces: list[list[str]] = []
    rest: list[bytes] = []
    for line in data.split(b"\n"):
        match _parsed(line):
            case str(text) if pieces and not rest:
                pieces[-1].append(text)
            case dict(about):
                replies.append(about)
                pieces.append([])
                rest = []
            case _ if line.strip(b"\0 "):
                rest.append(line)
    texts = [whole_text("".join(each)) for each in pieces]
    return Left(
        tuple(
            {**about, "role": "assistant", "content": text, "finish": INTERRUPTED}
            for about, text in zip(replies, texts, strict=True)
            if text
        ),
        b"\n".join(rest),
    )


def _parsed(line: bytes) -> object:
    try:
        return strict_json(line)
    except ValueError:
        return None


def _about(reply: Node) -> dict[str, object]:
    parent = reply.parent.id if reply.parent else None
    return {"id": reply.id, "parent": parent, "time": reply.time, "model": reply.model}


def _line(value: object) -> bytes:
    # The two halves of a character may lie in two pieces, where only escapes keep them.
    return json.dumps(value).encode() + b"\n"

"""The file of a session while it is open: one JSON document, which is only ever appended to.

An append writes over the closing bracket in one go, so its cost does not grow with the session,
and the file is one valid JSON document whenever nobody is writing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from chatcli.errors import StorageError
from chatcli.storage import files, wire

MOST_BYTES: Final = wire.MAX_BYTES * 7 // 8
MOST_RECORDS: Final = wire.MAX_RECORDS * 7 // 8
"""A session that grows any further could not be copied with what is said last and opened again."""

ELSEWHERE: Final = "/save NAME keeps all of it in a new file"

_NONE: Final = -1


class Document:
    """The sound document of so many `records` in the file at `path`, and its open descriptor."""

    def __init__(self, path: Path, fd: int, records: int) -> None:
        self.path = path
        self._fd = fd
        self._records = records
        self._end = os.fstat(fd).st_size
        self._torn = False

    @property
    def room(self) -> int:
        """How many more bytes it takes."""
        return max(MOST_BYTES - self._end, 0)

    def append(self, lines: Sequence[bytes]) -> None:
        """Add records to the file, to the disk. Raises StorageError with none of them added."""
        data = wire.addition(lines)
        start = self._end - len(wire.CLOSING)
        self.check()
        if start + len(data) > MOST_BYTES or self._records + len(lines) > MOST_RECORDS:
            raise StorageError(
                f"{self.path.name} is as long as a session can be", "/new begins another"
            )
        try:
            files.write_at(self._fd, data, start)
            if self._torn:
                os.ftruncate(self._fd, start + len(data))
            os.fsync(self._fd)
        except OSError as error:
            self._restore(start)
            raise files.failed("write", self.path, error) from error
        except BaseException:
            # Ctrl-C in a notebook: whoever gave the records does not take them for kept.
            self._restore(start)
            raise
        self._torn = False
        self._end = start + len(data)
        self._records += len(lines)

    def _restore(self, start: int) -> None:
        """Close the document again after a write that did not come through.

        Where that fails too, the file stays torn behind what it holds, and the next write mends it.
        """
        self._torn = True
        with suppress(OSError):
            files.write_at(self._fd, wire.CLOSING, start)
            os.ftruncate(self._fd, self._end)
            os.fsync(self._fd)
            self._torn = False

    def check(self) -> None:
        """Raise StorageError unless the file is still the one that was written here."""
        try:
            ours, there = os.fstat(self._fd), self.path.stat()
        except OSError as error:
            raise StorageError(f"{self.path} is not there any more", ELSEWHERE) from error
        same_size = self._torn or ours.st_size == self._end
        if not same_size or (ours.st_dev, ours.st_ino) != (there.st_dev, there.st_ino):
            raise StorageError(f"another program has changed {self.path}", ELSEWHERE)

    def move(self, target: Path) -> None:
        """Rename the file, closed meanwhile, to `target`.

        Raises FileExistsError where that is taken, or StorageError.
        """
        self.close()
        try:
            files.move_new(self.path, target)
            self.path = target
        finally:
            self._fd = files.reopen(self.path)

    def close(self) -> None:
        """Let the file go; where it can't be opened again, `check` says that it is not there."""
        fd, self._fd = self._fd, _NONE
        if fd != _NONE:
            os.close(fd)

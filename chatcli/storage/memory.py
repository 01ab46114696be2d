"""What is remembered beyond one conversation, in one file that people can read and edit.

The file is read again whenever it has changed, and changed under a lock: another chatcli, or an
editor, may be at it as well.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatcli.conversation.remembering import Memory
from chatcli.errors import NoSuchSession, SessionInUse, StorageError, UsageError
from chatcli.storage import files
from chatcli.storage.locking import lock_beside, release
from chatcli.storage.memorypage import MOST, Page, bytes_of, page_of

FILE: Final = "memory.md"
MAX_BYTES: Final = 1024 * 1024

WAIT: Final = 2.0
"""Seconds to wait for another process that is writing the file."""

LOOK_AGAIN: Final = 0.02
_MISSING: Final = (0, 0, 0)


class Memories:
    """The memory in the file at `path`; with None, it lasts as long as the process.

    `lasting` is False where the file is read and never written. Several threads may use it.
    """

    def __init__(self, path: Path | None, *, lasting: bool = True) -> None:
        self.path = path
        self.lasting = lasting and path is not None
        self.trouble = ""
        self._page = Page()
        self._seen: tuple[int, int, int] | None = None
        self._guard = threading.RLock()

    def all(self) -> tuple[Memory, ...]:
        """Return what is remembered, the oldest first.

        Where the file can't be read, `trouble` says why, and what was known before is still known.
        """
        with self._guard:
            try:
                self._look()
                self.trouble = ""
            except StorageError as error:
                self.trouble = str(error)
            return self._page.memories

    @property
    def strange(self) -> int:
        """How many lines of the file begin like a thing to remember and can't be read as one."""
        return self._page.strange

    def add(self, memory: Memory) -> int:
        """Remember one thing more, and return its number, counted from 1.

        Raises UsageError where it is remembered already, and StorageError.
        """

        def added(page: Page) -> Page:
            known = page.memories
            if any(each.says_as(memory) for each in known):
                raise UsageError("that is remembered already", "/memory lists it")
            if len(known) >= MOST:
                raise UsageError(f"{MOST:,} things are remembered: that is all there is room for")
            return page.plus(memory)

        return len(self._change(added).memories)

    def drop(self, memory: Memory) -> None:
        """Forget a thing. Raises UsageError where it is not remembered any more; StorageError."""

        def dropped(page: Page) -> Page:
            less = page.minus(memory)
            if less is page:
                raise UsageError("that is forgotten already", "/memory lists what is remembered")
            return less

        self._change(dropped)

    def _change(self, how: Callable[[Page], Page]) -> Page:
        with self._guard:
            if self.path is None or not self.lasting:
                self._look()
                self._page = how(self._page)
                return self._page
            files.make_folder(self.path.parent)
            with _locked(self.path):
                self._seen = None
                self._look()
                page = how(self._page)
                # Where it is a link, what it leads to is replaced, as the user's own page.
                files.replace_file(self.path.resolve(), bytes_of(page))
                self._page, self._seen = page, self._stamp()
            return page

    def _look(self) -> None:
        """Read the file if it is another than before. Raises StorageError."""
        if self.path is None or (self._seen is not None and not self.lasting):
            return
        stamp = self._stamp()
        if stamp == self._seen:
            return
        try:
            self._page = page_of(files.read_bytes(self.path, MAX_BYTES))
        except NoSuchSession:
            self._page = Page()
        self._seen = stamp

    def _stamp(self) -> tuple[int, int, int]:
        """Return what is different when the file is another, or was changed."""
        try:
            about = self.path.stat() if self.path else None
        except OSError:
            return _MISSING
        return (about.st_mtime_ns, about.st_size, about.st_ino) if about else _MISSING


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep other processes from writing the file. Raises SessionInUse where one does not end."""
    end = time.monotonic() + WAIT
    while True:
        try:
            lock = lock_beside(path)
            break
        except SessionInUse:
            if time.monotonic() > end:
                told = f"another chatcli is writing {path}"
                raise SessionInUse(told, "try again in a moment") from None
            time.sleep(LOOK_AGAIN)
    try:
        yield
    finally:
        release(lock)

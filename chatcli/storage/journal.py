"""A session on the disk: appended to, locked against a second writer, mended when it was torn.

A reply that is still coming goes to NAME.json.partial and is taken up again after a crash. What
can't be written now, because the disk is full or the folder read-only, is asked for again by every
append until it can.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from chatcli.conversation.messages import Node
from chatcli.conversation.records import Conversation, Record, moves
from chatcli.errors import SessionInUse, StorageError
from chatcli.storage import document, files, wire
from chatcli.storage.document import ELSEWHERE, Document
from chatcli.storage.locking import lock_beside, release
from chatcli.storage.mending import mend, read_session, taken_up, torn_beside, unwritable
from chatcli.storage.partial import PartialFile, drop_partial

if TYPE_CHECKING:
    from filelock import FileLock

SUFFIX: Final = ".json"

Places: TypeAlias = Callable[[Iterable[Record]], Iterator[Path]]
"""Where a session's file may be made, from its first records, the best place first."""


def at(path: Path) -> Places:
    """Return `path` as the one place where a session's file may be made."""
    return lambda _records: iter([path])


class FileJournal:
    """The journal of one session file, which this process alone writes while it is open.

    A journal whose file is still to be named has no `path`; the first append makes the file at
    the first of its places that nobody else has. Where that is not the best one, it is told,
    unless the name was `made_up` and nobody waits for it.
    """

    def __init__(self, places: Places, *, made_up: bool = False) -> None:
        self._places = places
        self._made_up = made_up
        self.path: Path | None = None
        self._document: Document | None = None
        self._lock: FileLock | None = None
        self._seen: bytes | None = None
        self._left: list[bytes] = []
        self._partial: PartialFile | None = None

    # Records

    @property
    def room(self) -> int:
        return document.MOST_BYTES if self._document is None else self._document.room

    def append(self, *records: Record) -> tuple[str, ...]:
        lines = [*self._left, *map(wire.encode, records)]
        if any(len(line) > wire.MAX_LINE for line in lines):
            raise StorageError(f"a message has more than {wire.MAX_LINE // 2**20} MiB")
        told: tuple[str, ...] = ()
        if lines and self.path is None:
            told = self._create(records, lines)
        elif lines:
            self._attached().append(lines)
        if self._left and self.path is not None:
            self._left = []
            if self._partial is None:
                drop_partial(self.path)
        return told

    def _create(self, records: Iterable[Record], lines: list[bytes]) -> tuple[str, ...]:
        data = wire.document(lines)
        wanted: Path | None = None
        for path in self._places(records):
            wanted = wanted or path
            files.make_folder(path.parent)
            try:
                lock = lock_beside(path)
            except SessionInUse:
                continue
            try:
                fd = files.write_new(path, data)
            except FileExistsError:
                release(lock)
                continue
            except BaseException:
                release(lock)
                raise
            self.path, self._lock = path, lock
            self._document = Document(path, fd, len(lines))
            other = f"there is a session {wanted.stem} already: this one is {path.stem}"
            return () if path == wanted or self._made_up else (other,)
        raise StorageError(f"there is a session at {wanted} already", "choose another name")

    # The reply that is still coming

    def partial(self, reply: Node, text: str) -> None:
        if self._partial is None:
            self._partial = PartialFile(lambda: self.path, after=bool(self._left))
        self._partial.add(reply, text)

    def settle(self) -> None:
        if self._partial is not None:
            self._partial.remove()
            self._partial = None

    # The place

    def rename(self, target: Path) -> None:
        """Move the session to `target`, which must be free. Raises StorageError."""
        if self.path is None:
            if target.exists():
                raise StorageError(f"there is a session at {target} already")
            self._places, self._made_up = at(target), False
            return
        if target == self.path:
            return
        open_file = self._attached()
        open_file.check()
        files.make_folder(target.parent)
        lock = lock_beside(target)
        try:
            open_file.move(target)
        except FileExistsError:
            release(lock)
            raise StorageError(f"there is a session at {target} already") from None
        except StorageError:
            release(lock)
            raise
        with suppress(StorageError, FileExistsError):
            files.move_new(torn_beside(self.path), torn_beside(target))
        release(self._lock)
        self.path, self._lock = target, lock

    def close(self) -> None:
        """Let the file go. An unfinished reply that is not settled stays beside it."""
        if self._partial is not None:
            self._partial.close()
            self._partial = None
        if self._document is not None:
            self._document.close()
            self._document = None
        release(self._lock)
        self._lock = None

    # Opening what is there

    @classmethod
    def open(cls, path: Path) -> tuple[FileJournal, Conversation, list[str]]:
        """Open the session file at `path` for writing.

        Returns the journal, the conversation, and a line for each thing that the user should know:
        what was mended, and whether it can't be written now. Raises SessionInUse, BadSession,
        NoSuchSession or another StorageError.
        """
        # Two names of one file must not have two locks.
        journal = cls(at(path))
        journal.path = path.resolve() if path.is_symlink() else path
        try:
            talk, told = journal._open(journal.path)
        except BaseException:
            journal.close()
            raise
        return journal, talk, told

    def _open(self, path: Path) -> tuple[Conversation, list[str]]:
        told: list[str] = []
        try:
            self._lock = lock_beside(path)
        except SessionInUse:
            raise
        except StorageError as error:
            told.append(unwritable(path, error))
        reading = read_session(path)
        told += reading.told
        if self._lock is not None:
            try:
                told += self._attach(path, reading)
            except StorageError as error:
                told.append(unwritable(path, error))
        if self._document is None:
            self._seen = _digest(reading)
        talk, lines = self._take_up(path, reading)
        return talk, [*told, *lines]

    def _attach(self, path: Path, reading: wire.Reading) -> list[str]:
        """Make ready to write the file that was read."""
        told = [] if reading.sound else mend(path, reading)
        self._document = Document(path, files.reopen(path), len(reading.lines))
        with suppress(OSError):
            files.spare_beside(path).unlink(missing_ok=True)
        return told

    def _attached(self) -> Document:
        """Return the open file, opening it if that was not possible before."""
        assert self.path is not None, "only a file that is there is written"
        if self._document is None:
            if self._lock is None:
                self._lock = lock_beside(self.path)
            reading = read_session(self.path)
            if _digest(reading) != self._seen:
                raise StorageError(f"another program has changed {self.path}", ELSEWHERE)
            self._attach(self.path, reading)
        assert self._document is not None, "attaching opens the file"
        return self._document

    def _take_up(self, path: Path, reading: wire.Reading) -> tuple[Conversation, list[str]]:
        """Return the conversation with the reply that a crash cut short, if it left one."""
        talk, replies, told = taken_up(path, reading)
        if replies:
            moved = moves(reading.conversation.tree, talk.tree)
            self._left = [wire.encode(record) for record in (*replies, *moved)]
            with suppress(StorageError):
                self.append()
        return talk, told


def _digest(reading: wire.Reading) -> bytes:
    return hashlib.blake2b(wire.document(reading.lines)).digest()

"""A session on the disk: appended to, locked against a second writer, mended when it was torn.

An append writes over the closing bracket in one go, so its cost does not grow with the session,
and the file is one valid JSON document whenever nobody is writing. A reply that is still coming
goes to NAME.json.partial and is offered again after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import INTERRUPTED, Message, Node
from chatcli.conversation.records import Conversation, Record, moves
from chatcli.errors import BadSession, SessionInUse, StorageError
from chatcli.storage import files, wire
from chatcli.storage.partial import Partial, PartialFile, partial_beside, read_partial

if TYPE_CHECKING:
    from filelock import FileLock

SUFFIX: Final = ".json"


class FileJournal:
    """The journal of one session file, which this process alone writes while it is open.

    A journal whose file is still to be named has no `path`; the first append makes the file, at
    the place that `place` picks from the records and that nobody else has.
    """

    def __init__(self, place: Callable[[Iterable[Record]], Path]) -> None:
        self._place = place
        self.path: Path | None = None
        self._fd: int | None = None
        self._end = 0
        self._lock: FileLock | None = None
        self._partial: PartialFile | None = None

    # Records

    def append(self, *records: Record) -> None:
        if not records:
            return
        lines = [wire.encode(record) for record in records]
        if self._fd is None:
            self._create(records, lines)
        else:
            self._write(wire.addition(lines))

    def _create(self, records: Iterable[Record], lines: list[bytes]) -> None:
        data = wire.document(lines)
        while True:
            path = self._place(records)
            files.make_folder(path.parent)
            lock = lock_beside(path)
            try:
                self._fd = files.write_new(path, data)
            except FileExistsError:
                release(lock)
                continue
            except BaseException:
                release(lock)
                raise
            self.path, self._lock, self._end = path, lock, len(data)
            return

    def _write(self, data: bytes) -> None:
        assert self._fd is not None, "only an open journal is written"
        assert self.path is not None, "an open journal has a path"
        start = self._end - len(wire.CLOSING)
        self._check_untouched()
        try:
            os.lseek(self._fd, start, os.SEEK_SET)
            files.write_all(self._fd, data)
            os.fsync(self._fd)
        except OSError as error:
            self._restore(start)
            raise files.failed("write", self.path, error) from error
        self._end = start + len(data)

    def _restore(self, start: int) -> None:
        """Close the document again after a write that did not come through."""
        assert self._fd is not None, "only an open journal is written"
        with suppress(OSError):
            os.lseek(self._fd, start, os.SEEK_SET)
            files.write_all(self._fd, wire.CLOSING)
            os.ftruncate(self._fd, self._end)
            os.fsync(self._fd)

    def _check_untouched(self) -> None:
        assert self._fd is not None, "only an open journal is written"
        assert self.path is not None, "an open journal has a path"
        try:
            ours, there = os.fstat(self._fd), self.path.stat()
        except OSError as error:
            hint = "/save NAME keeps all of it in a new file"
            raise StorageError(f"{self.path} is not there any more", hint) from error
        if there.st_ino != ours.st_ino or ours.st_size != self._end:
            raise StorageError(
                f"another program has changed {self.path}",
                "/save NAME keeps all of it in a new file",
            )

    # The reply that is still coming

    def partial(self, reply: Node) -> None:
        if self.path is None:
            return
        if self._partial is None:
            self._partial = PartialFile(partial_beside(self.path), reply)
        self._partial.write(reply.content)

    def settle(self) -> None:
        if self._partial is not None:
            self._partial.remove()
            self._partial = None

    # The place

    def rename(self, target: Path) -> None:
        """Move the session to `target`, which must be free. Raises StorageError."""
        if self.path is None:
            self._place = lambda _records: target
            return
        assert self._fd is not None, "a journal with a path is open"
        files.make_folder(target.parent)
        lock = lock_beside(target)
        os.close(self._fd)
        self._fd = None
        try:
            files.move_new(self.path, target)
        except FileExistsError:
            release(lock)
            raise StorageError(f"there is a session at {target} already") from None
        except OSError as error:
            release(lock)
            raise files.failed("rename", self.path, error) from error
        else:
            release(self._lock)
            self.path, self._lock = target, lock
        finally:
            self._fd = files.reopen(self.path)

    def close(self) -> None:
        self.settle()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        release(self._lock)
        self._lock = None

    # Opening what is there

    @classmethod
    def open(cls, path: Path) -> tuple[FileJournal, Conversation, list[str]]:
        """Open the session file at `path` for writing.

        Returns the journal, the conversation, and a line for each thing that was mended. Raises
        SessionInUse, BadSession, NoSuchSession or another StorageError.
        """
        journal = cls(lambda _records: path)
        journal._lock = lock_beside(path)
        try:
            talk, told = journal._open(path)
        except BaseException:
            journal.close()
            raise
        return journal, talk, told

    def _open(self, path: Path) -> tuple[Conversation, list[str]]:
        reading, told = read_session(path), []
        if not reading.sound:
            told += mend(path, reading)
        self._fd = files.reopen(path)
        self._end = os.fstat(self._fd).st_size
        self.path = path
        talk, left = adopt(reading, read_partial(partial_beside(path)))
        if left is not None:
            self.append(left, *moves(reading.conversation.tree, talk.tree))
            told.append("the last reply was cut short; what had come of it is kept")
        with suppress(OSError):
            partial_beside(path).unlink(missing_ok=True)
        return talk, told


def read_session(path: Path) -> wire.Reading:
    """Read the session file at `path`. Raises StorageError."""
    try:
        return wire.read(files.read_bytes(path, wire.MAX_BYTES))
    except BadSession as error:
        raise BadSession(f"{path} can't be read: {error.message}", error.hint) from None


def mend(path: Path, reading: wire.Reading) -> list[str]:
    """Write a torn file anew with its whole records; what is left over goes beside it."""
    told = []
    if reading.rest:
        torn = path.with_name(f"{path.name}.torn")
        files.append_private(torn, reading.rest + b"\n")
        told.append(f"{path.name} was torn: every whole record is back, the rest is in {torn.name}")
    files.replace_file(path, wire.document(reading.lines))
    return told


def adopt(reading: wire.Reading, partial: Partial | None) -> tuple[Conversation, Node | None]:
    """Return the conversation with a reply that a crash left unfinished, and that reply.

    The reply is None where the file holds it whole, or nothing of it had come.
    """
    talk = reading.conversation
    if partial is None or partial.id in reading.ids or partial.parent not in reading.ids:
        return talk, None
    reply = Node(
        partial.id,
        reading.ids[partial.parent],
        Message("assistant", partial.text),
        partial.time,
        model=partial.model,
        finish=INTERRUPTED,
    )
    tree = talk.tree
    if tree.head is reply.parent:
        return replace(talk, tree=trees.add(tree, reply)), reply
    found = {**tree.heads, trees.free_name(tree, "found"): reply}
    return replace(talk, tree=replace(tree, heads=found)), reply


def lock_beside(path: Path) -> FileLock:
    """Take the lock of the session at `path`, or raise SessionInUse."""
    from filelock import FileLock, Timeout

    name = path.with_name(f"{path.name}.lock")
    # Not thread-local: the thread that makes the file is not the one that closes it.
    lock = FileLock(name, mode=files.PRIVATE_FILE, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise SessionInUse(f"another chatcli is writing {path.stem}") from None
    except OSError as error:
        raise files.failed("lock", path, error) from error
    return lock


def release(lock: FileLock | None) -> None:
    """Give a lock back. Its file goes first, which whoever waits for it notices."""
    if lock is not None and lock.is_locked:
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release(force=True)

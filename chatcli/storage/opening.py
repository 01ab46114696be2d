"""Opening what a user points at: a session to go on with, or something to go on from in a copy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from chatcli.conversation.ports import Forgetful, Journal
from chatcli.conversation.records import Conversation
from chatcli.errors import BadSession, NoSuchSession, SessionInUse
from chatcli.storage import files, wire
from chatcli.storage.ids import new_session_id
from chatcli.storage.journal import SUFFIX, FileJournal
from chatcli.storage.library import Library, is_path, numbered
from chatcli.storage.mending import read_session


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation and where it rests from now on.

    `stored` says that the journal holds it already; `told` are lines on what the user should know.
    """

    conversation: Conversation
    journal: Journal
    stored: bool
    told: tuple[str, ...] = ()


def open_stored(library: Library, path: Path, *, save: bool = True) -> Opened:
    """Open the file at `path`.

    A session that another process is writing, and a list of messages of another program, are
    opened as the beginning of a new session. Without `save`, nothing is ever written. Raises
    StorageError.
    """
    if not _is_own(path):
        return _opened_elsewhere(path, new_journal(library, save=save))
    if not save:
        reading = read_session(path)
        return Opened(reading.conversation, Forgetful(), True, reading.told)
    try:
        journal, talk, mended = FileJournal.open(path)
    except SessionInUse as error:
        reading = read_session(path)
        theirs = reading.conversation
        copy = replace(theirs, header=replace(theirs.header, id=new_session_id()), title=None)
        told = f"{error.message}: you read it here, and what you say goes into a copy"
        return Opened(copy, new_journal(library, save=save), False, (told, *reading.told))
    return Opened(talk, journal, True, tuple(mended))


def new_journal(library: Library, name: str | None = None, *, save: bool = True) -> Journal:
    """Return where a session to come will rest, under a name, at a path, or as it turns out."""
    if not save:
        return Forgetful()
    if name is not None and is_path(name):
        path = files.place(name)
        if path.suffix != SUFFIX or not path.parent.is_dir():
            raise NoSuchSession(
                f"there is no file {name}", f"a new session's path ends in {SUFFIX}, in a folder"
            )
        return FileJournal(lambda _records: numbered(path))
    return library.new_journal(name)


def _is_own(path: Path) -> bool:
    with files.failing("open", path):
        size = path.stat().st_size
    return size <= wire.MAX_BYTES and wire.looks_like_session(
        files.read_bytes(path, wire.MAX_BYTES)
    )


def _opened_elsewhere(path: Path, journal: Journal) -> Opened:
    """Open another program's file as the beginning of a session of its own."""
    from chatcli.storage import foreign, formats

    try:
        found = formats.read_one(path)
    except BadSession as error:
        raise BadSession(f"{path} can't be read: {error.message}", error.hint) from None
    told = [f"{path.name} stays as it is: what you say goes into a session of its own"]
    if found.left_out:
        told.append(foreign.told(found.left_out))
    return Opened(found.conversation, journal, False, tuple(told))

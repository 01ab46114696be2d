"""Taking conversations in: each one in a file becomes a session of the library."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from chatcli.conversation.records import Conversation, whole
from chatcli.errors import BadSession, StorageError
from chatcli.storage import files, foreign, formats
from chatcli.storage.ids import new_session_id
from chatcli.storage.journal import SUFFIX, FileJournal
from chatcli.storage.library import Library, name_for, numbered


@dataclass(slots=True)
class Taken:
    """What came of taking one file in: how many conversations, what was left out, what failed."""

    count: int = 0
    empty: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    errors: list[StorageError] = field(default_factory=list)

    def told(self, path: Path) -> list[str]:
        """Return lines on what the user should know."""
        lines = [str(error) for error in self.errors]
        if self.empty:
            lines.append(f"{path}: nothing was said in {self.empty} of its conversations")
        if told := foreign.told(self.left_out):
            lines.append(f"{path}: {told}")
        if not (self.count or lines):
            lines.append(f"{path}: there is no conversation in it")
        return lines


def take_in(library: Library, path: Path, taken: Taken) -> Iterator[str]:
    """Store the conversations of a file, and yield the name of each session.

    What can't be read or stored is an error in `taken`; what was stored before it stays.
    """
    try:
        for found in formats.read_all(files.place(path)):
            if isinstance(found, BadSession):
                told = f"{path}: a conversation can't be read: {found.message}"
                taken.errors.append(BadSession(told, found.hint))
            elif next(found.conversation.tree.nodes(), None) is None:
                taken.empty += 1
            else:
                taken.left_out.update(found.left_out)
                yield _stored(library, found.conversation)
                taken.count += 1
    except BadSession as error:
        taken.errors.append(BadSession(f"{path} can't be read: {error.message}", error.hint))
    except StorageError as error:
        taken.errors.append(error)


def _stored(library: Library, talk: Conversation) -> str:
    """Store a conversation under its date and first words, as old as its last message is."""
    # It may be a copy of a session that is here.
    talk = replace(talk, header=replace(talk.header, id=new_session_id()))
    # A thousand of them must not look through a thousand files each, as a name of the user's does.
    wanted = library.folder / f"{name_of(talk)}{SUFFIX}"
    journal = FileJournal(lambda _records: (p for p in numbered(wanted) if not p.exists()))
    try:
        journal.append(*whole(talk))
        path = journal.path
    finally:
        journal.close()
    assert path is not None, "a journal that was written has a path"
    last = max((node.time for node in talk.tree.nodes()), default="") or talk.header.created
    # So that the shelf stays in order, and `--continue` goes on where the user was.
    with suppress(OSError, OverflowError, ValueError):
        said = datetime.fromisoformat(last).timestamp()
        os.utime(path, (said, said))
    return path.stem


def name_of(talk: Conversation) -> str:
    """Return a session's name for a conversation: its date, and its title or first words."""
    asked = next((node.content for node in talk.tree.path if node.role == "user"), "")
    try:
        begun = datetime.fromisoformat(talk.header.created).astimezone()
    except (OverflowError, ValueError):
        begun = datetime.now().astimezone()
    return name_for(talk.title or asked, begun)

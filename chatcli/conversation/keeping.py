"""Handing records to the journal: in their order, none left out, whatever the disk does."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from chatcli.conversation.events import Notice
from chatcli.conversation.messages import Node
from chatcli.conversation.ports import Journal
from chatcli.conversation.records import Record
from chatcli.errors import StorageError


class Keeper:
    """Keeps what is said; what the journal can't take it is given again the next time.

    A conversation in which nothing was said yet leaves no file: `begin` says that it has begun.
    Records may be kept from several threads, one after the other.
    """

    def __init__(self, journal: Journal, unsaved: Iterable[Record], *, began: bool) -> None:
        self.journal = journal
        self.trouble = ""
        self._unsaved = list(unsaved)
        self._began = began
        self._unsettled = False
        self._guard = threading.Lock()

    def begin(self) -> None:
        self._began = True

    def keep(self, *records: Record) -> list[Notice]:
        """Keep the records after those that still wait, and return what there is to say of it.

        `trouble` says why something is not kept; it is empty when all is.
        """
        with self._guard:
            self._unsaved += records
            if not self._began:
                return []
            try:
                told = self.journal.append(*self._unsaved)
            except StorageError as error:
                return self._failed(error)
            self._unsaved = []
            if self._unsettled:
                self._settle()
            notices = [Notice(line, level="warning") for line in told]
            if self.trouble:
                notices.append(Notice("saved again: everything said meanwhile is in the file"))
            self.trouble = ""
            return notices

    def partial(self, beginning: Node, text: str) -> None:
        """Keep the next piece of a reply that is coming."""
        with self._guard:
            self._unsettled = False
            self.journal.partial(beginning, text)

    def settle(self) -> None:
        """Forget the partial reply as soon as the whole of it is kept."""
        with self._guard:
            self._unsettled = bool(self._unsaved)
            if not self._unsettled:
                self._settle()

    def move(self, journal: Journal, records: Iterable[Record]) -> list[Notice]:
        """Keep everything in another place from now on: `records`, and what comes after them.

        Raises StorageError, and then the old place is still the one.
        """
        with self._guard:
            try:
                told = journal.append(*records)
            except StorageError:
                journal.close()
                raise
            self._settle()
            self.journal.close()
            self.journal, self._unsaved = journal, []
            self._began, self.trouble = True, ""
            return [Notice(line, level="warning") for line in told]

    def _failed(self, error: StorageError) -> list[Notice]:
        known, self.trouble = self.trouble, error.message
        return [] if known else [Notice(f"not saved: {error.message}", error.hint, "error")]

    def _settle(self) -> None:
        self._unsettled = False
        self.journal.settle()

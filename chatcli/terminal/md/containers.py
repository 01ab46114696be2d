"""The block quotes and list items that are open, and how a line continues them or opens more."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatcli.terminal.md.blocks import Container, Item, Quote
from chatcli.terminal.md.leaves import BLANK, CODE_INDENT, Cursor, is_rule

#: Deeper quotes and lists are read as text: no screen shows them, and a line costs its depth.
MAX_DEPTH = 16

_MARKER = re.compile(r"(?:[*+-]|([0-9]{1,9})[.)])(?=[ \t]|$)")


@dataclass
class Containers:
    """The open containers, outermost first; the current line continues `depth` of them."""

    path: tuple[Container, ...] = ()
    depth: int = 0
    _empty: Container | None = None  # the innermost one, as long as nothing is in it
    _spent: Container | None = None  # an item that was still empty when a blank line came
    _lists: int = 0

    @property
    def all_match(self) -> bool:
        return self.depth == len(self.path)

    def match(self, cursor: Cursor) -> None:
        """Find out which ones a new line continues, and take their share of it."""
        self.depth = 0
        for container in self.path:
            if isinstance(container, Quote):
                if not _take_quote_marker(cursor):
                    return
            elif not cursor.blank:
                if cursor.indent < container.indent or container is self._spent:
                    return
                cursor.skip(container.indent)
            self.depth += 1

    def read(self, cursor: Cursor, *, in_paragraph: bool) -> Container | None:
        """The container that the rest of the line opens, if any. It isn't open yet."""
        if self.depth == MAX_DEPTH:
            return None
        if _take_quote_marker(cursor):
            return Quote()
        marker = _MARKER.match(cursor.text)
        if not marker or cursor.indent >= CODE_INDENT or is_rule(cursor.text):
            return None
        number = int(marker[1]) if marker[1] else None
        content = cursor.text[marker.end() :].strip(BLANK)
        if in_paragraph and (number not in {None, 1} or not content):
            return None  # prose that happens to begin a line with a number or a dash
        indent = cursor.indent + marker.end()
        cursor.drop(marker.end())
        padding = 1 if cursor.blank or cursor.indent > CODE_INDENT else cursor.indent
        cursor.skip(padding)
        return self._item(marker[0][-1], number, indent + padding)

    def _item(self, delimiter: str, number: int | None, indent: int) -> Item:
        """The next item of the list that the line leaves the last item of, or one of a new list."""
        last = None if self.all_match else self.path[self.depth]
        if isinstance(last, Item) and last.delimiter == delimiter:
            number = None if last.number is None else last.number + 1
            return Item(last.list_id, delimiter, number, indent)
        self._lists += 1
        return Item(self._lists, delimiter, number, indent)

    def push(self, container: Container) -> None:
        self.path += (container,)
        self.depth += 1
        self._empty = container

    def fill(self) -> None:
        """Something is put into the innermost one."""
        self._empty = None

    def end_empty_item(self) -> bool:
        """A blank line came: an item that has nothing in it stays so. Returns if there is one."""
        if not isinstance(self._empty, Item):
            return False
        self._spent, self._empty = self._empty, None
        return True

    def close(self) -> tuple[Container, ...]:
        """Close what the line doesn't continue; returns the path of an empty one among these."""
        path, self.path = self.path, self.path[: self.depth]
        if path[self.depth :] and path[-1] is self._empty:
            self._empty = None
            return path
        return ()


def _take_quote_marker(cursor: Cursor) -> bool:
    if cursor.indent >= CODE_INDENT or not cursor.text.startswith(">"):
        return False
    cursor.drop(1)
    cursor.skip(1)
    return True

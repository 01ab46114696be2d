"""The line that is being read, and the leaf blocks that may go on with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from markdown_it.rules_block.html_block import HTML_SEQUENCES

from chatcli.terminal.md.blocks import CodeLine, Place

BLANK = " \t"
CODE_INDENT = 4

_FENCE = re.compile(r"(`{3,}+)([^`]*)$|(~{3,}+)(.*)$")
_LANGUAGE = re.compile(r"[\w+#-][\w+#.-]{0,39}")


class Cursor:
    """What is left of a line when containers have taken their share.

    `indent` is in columns, with a tab stop every four; `text` is what follows it.
    """

    def __init__(self, line: str) -> None:
        self._rest = line
        self._column = 0
        self._measure()

    def skip(self, columns: int) -> None:
        """Take up to so many columns of white space, and of a tab only the part that is needed."""
        end = self._column + columns
        taken = 0
        while self._column < end and self._rest[taken : taken + 1] in {" ", "\t"}:
            self._column += _columns(self._rest[taken], self._column)
            taken += 1
        excess = max(0, self._column - end)
        self._column -= excess
        self._rest = " " * excess + self._rest[taken:]
        self._measure()

    def drop(self, count: int) -> None:
        """Take the indentation and the `count` characters behind it."""
        self._column += self.indent + count
        self._rest = self.text[count:]
        self._measure()

    def after(self, columns: int) -> str:
        """The rest of the line without so many columns of its indentation."""
        self.skip(columns)
        return self._rest

    def _measure(self) -> None:
        self.text = self._rest.lstrip(BLANK)
        column = self._column
        for char in self._rest[: len(self._rest) - len(self.text)]:
            column += _columns(char, column)
        self.indent = column - self._column
        self.blank = not self.text


def _columns(char: str, column: int) -> int:
    return 4 - column % 4 if char == "\t" else 1


@dataclass
class OpenText:
    """A paragraph or a table."""

    place: Place
    lines: list[str]
    is_table: bool = False

    def tail(self, size: int, rows: int) -> OpenText:
        """A copy with about the last `size` characters; of a table, its head and last `rows`."""
        start = 2 if self.is_table else 0
        kept: list[str] = []
        for line in reversed(self.lines[start:]):
            if size <= 0 or (self.is_table and len(kept) == rows):
                break
            kept.append(line[-size:])
            size -= len(line)
        return replace(self, lines=self.lines[:start] + kept[::-1])


class Reading(NamedTuple):
    """What a code block makes of a line: the code in it, if it is its own, if it is its last."""

    code: str | None
    own: bool = True
    last: bool = False


class CodeKind(Protocol):
    """How a code block reads its lines."""

    @property
    def language(self) -> str: ...

    def read(self, cursor: Cursor) -> Reading: ...


@dataclass(frozen=True)
class Fence:
    marker: str
    indent: int
    language: str

    def read(self, cursor: Cursor) -> Reading:
        text = cursor.text.rstrip(BLANK)
        if (
            cursor.indent < CODE_INDENT
            and len(text) >= len(self.marker)
            and text == self.marker[0] * len(text)
        ):
            return Reading(None, last=True)
        return Reading(cursor.after(self.indent))


@dataclass(frozen=True)
class Indented:
    language: str = ""

    def read(self, cursor: Cursor) -> Reading:
        if cursor.blank or cursor.indent >= CODE_INDENT:
            return Reading(cursor.after(CODE_INDENT))
        return Reading(None, own=False, last=True)


@dataclass(frozen=True)
class Html:
    """Raw HTML, shown as its source."""

    end: re.Pattern[str]
    language: str = "html"

    def read(self, cursor: Cursor) -> Reading:
        if cursor.blank and self.end.search(""):
            return Reading(None, own=False, last=True)
        return Reading(cursor.after(0), last=bool(self.end.search(cursor.text)))


def open_fence(cursor: Cursor) -> Fence | None:
    fence = _FENCE.match(cursor.text)
    if not fence:
        return None
    language = _LANGUAGE.search(fence[2] or fence[4] or "")
    return Fence(fence[1] or fence[3], cursor.indent, language[0] if language else "")


def open_html(text: str, *, in_text: bool) -> Html | None:
    """`in_text` says that the line would have to interrupt a paragraph or a table."""
    for start, end, can_interrupt in HTML_SEQUENCES:
        if (can_interrupt or not in_text) and start.search(text):
            return Html(end)
    return None


@dataclass
class OpenCode:
    """A code or HTML block.

    Blank lines are only counted until more code follows, since a block's last ones aren't shown.
    """

    place: Place
    kind: CodeKind
    blanks: int = 0
    first: bool = True

    def add(self, code: str) -> list[CodeLine]:
        """Take a line of code; returns the lines that are certain to be shown now."""
        if not code.strip(BLANK):
            self.blanks += 1
            return []
        lines = []
        for text in [""] * self.blanks + [code]:
            lines.append(CodeLine(self.place, text, self.kind.language, self.first))
            self.first = False
        self.blanks = 0
        return lines

    def tail(self, _size: int, rows: int) -> OpenCode:
        """A copy with at most so many of the blank lines that wait."""
        return replace(self, blanks=min(self.blanks, rows))


def is_rule(text: str) -> bool:
    """Whether a line, without its indentation, is a thematic break."""
    marks = text.replace(" ", "").replace("\t", "")
    return len(marks) >= 3 and marks[0] in "*-_" and marks == marks[0] * len(marks)

"""The blocks that a Markdown text is made of, in the order in which they become final."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Quote:
    """An open block quote."""


@dataclass(frozen=True, eq=False)
class Item:
    """An open list item; its content is indented by `indent` columns.

    `number` is None in a bullet list. The items of one list have the same `list_id`.
    """

    list_id: int
    delimiter: str
    number: int | None
    indent: int


Container = Quote | Item


@dataclass(frozen=True)
class Place:
    """Where a block stands: in which containers, outermost first, and if behind a blank line."""

    path: tuple[Container, ...]
    gap: bool


@dataclass(frozen=True)
class Paragraph:
    place: Place
    text: str


@dataclass(frozen=True)
class Heading:
    place: Place
    text: str
    level: int


@dataclass(frozen=True)
class Rule:
    place: Place


@dataclass(frozen=True)
class CodeLine:
    """One line of a code block or of raw HTML; `first` is True for the first one of a block."""

    place: Place
    text: str
    language: str
    first: bool


@dataclass(frozen=True)
class Table:
    place: Place
    source: str


@dataclass(frozen=True)
class Definitions:
    """Link reference definitions, as they were written."""

    place: Place
    source: str


@dataclass(frozen=True)
class Bare:
    """A container or a code block with nothing inside."""

    place: Place


Block = Paragraph | Heading | Rule | CodeLine | Table | Definitions | Bare

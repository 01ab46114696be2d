"""Where in a TOML text each key stands, which Python's own reader does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str, ...]

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_KEY: Final = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER: Final = re.compile(rf"\[\[?[ \t]*({_KEY})[ \t]*\]")
_ASSIGNMENT: Final = re.compile(rf"({_KEY})[ \t]*=[ \t]*")
_PIECE: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")'
    r"|'''.*?'''(?!')"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|.",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column of a text, both counted from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a key begins, and where its value does."""

    key: Place
    value: Place


@lru_cache(maxsize=1)
def spots(text: str) -> Mapping[Path, Spot]:
    """Return where each key of a valid TOML text stands; one in an inline table is not told."""
    found: dict[Path, Spot] = {}
    table: Path = ()
    place = _places(text)
    for start in _statements(text):
        if header := _HEADER.match(text, start):
            table = _path(header[1])
            here = place(header.start(1))
            found.setdefault(table, Spot(here, here))
        elif line := _ASSIGNMENT.match(text, start):
            spot = Spot(place(start), place(line.end()))
            key = _path(line[1])
            for length in range(1, len(key) + 1):
                found.setdefault((*table, *key[:length]), spot)
    return found


def _places(text: str) -> Callable[[int], Place]:
    """Return what tells the place of the character at an offset."""
    starts = [0, *(end.end() for end in re.finditer("\n", text))]

    def place(offset: int) -> Place:
        line = bisect_right(starts, offset)
        return Place(line, offset - starts[line - 1] + 1)

    return place


def _statements(text: str) -> Iterator[int]:
    """Yield where each line begins that is no part of a longer value."""
    depth, fresh = 0, True
    for piece in _PIECE.finditer(text):
        mark = piece[0]
        if mark == "\n":
            fresh = fresh or depth == 0
            continue
        if fresh and not mark.isspace():
            fresh = False
            if not mark.startswith("#"):
                yield piece.start()
                if mark == "[":
                    # Of a header, which ends in its own line.
                    continue
        if depth or mark in {"[", "{"}:
            depth += (mark in {"[", "{"}) - (mark in {"]", "}"})


def _path(key: str) -> Path:
    """Return the parts of a dotted key, which may be quoted."""
    value: object = tomllib.loads(f"{key} = 0")
    parts: list[str] = []
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        parts.append(name)
    return tuple(parts)

"""The memory as a page of Markdown that people read and edit: one thing a line.

    - Prefers metric units <!-- everywhere; 2026-11-26; turn 3 of 01K… -->

The note behind it says where it holds and what it comes from; a line with no note holds everywhere.
Every other line is left alone. What begins like a thing to remember and can't be read as one is
left alone too, and told: to guess its scope would be to tell it where it was not meant to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.remembering import (
    LONGEST,
    LONGEST_NAME,
    Memory,
    Scope,
    can_be_noted,
)

HEAD: Final = (
    "# What chatcli remembers\n",
    "\n",
    "One thing a line, the oldest first. The note behind it says where it holds: `everywhere`,\n",
    "`persona NAME` or `session ID`. Edit it as you like: a line that begins with `- ` and has\n",
    "no note holds everywhere, and all other lines are left alone.\n",
    "\n",
)
MOST: Final = 1000
"""How many things a page may hold; what follows is left alone."""

_BEGIN: Final = "- "
_OPEN, _CLOSE = " <!-- ", " -->"
_NOTE: Final = re.compile(
    rf"(?:everywhere|persona (?P<persona>[^;<>]{{1,{LONGEST_NAME}}})"
    rf"|session (?P<session>[^;<>]{{1,{LONGEST_NAME}}}))"
    r"(?:; (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}))?"
    rf"(?:; turn (?P<turn>[0-9]{{1,9}}) of (?P<source>[^;<>]{{1,{LONGEST_NAME}}}))?"
    r"(?P<noticed>; noticed)?"
)


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of the file, with their ends."""

    lines: tuple[str, ...] = ()

    @property
    def memories(self) -> tuple[Memory, ...]:
        """What is to be remembered, the oldest first."""
        return tuple(memory for _, memory in self._read())

    @property
    def strange(self) -> int:
        """How many lines begin like a thing to remember and are none."""
        begun = sum(bool(_begun(line)) for line in self.lines)
        return begun - len(self.memories)

    def plus(self, memory: Memory) -> Page:
        """Add a thing at the end."""
        lines = self.lines or HEAD
        last = lines[-1]
        # A line that an editor has left without an end must not run into the next.
        ended = lines if last.endswith("\n") else (*lines[:-1], f"{last}\n")
        return Page((*ended, written(memory)))

    def minus(self, memory: Memory) -> Page:
        """Take a thing away; where it stands twice, the last of them."""
        found = [at for at, each in self._read() if each == memory]
        return Page(self.lines[: found[-1]] + self.lines[found[-1] + 1 :]) if found else self

    def _read(self) -> Iterator[tuple[int, Memory]]:
        count = 0
        for at, line in enumerate(self.lines):
            memory = read(line)
            if memory is not None and count < MOST:
                count += 1
                yield at, memory


def page_of(data: bytes) -> Page:
    """Read a page. Bytes that are no text are kept, and their lines left alone."""
    text = data.decode("utf-8", "surrogateescape")
    pieces = text.split("\n")
    lines = [f"{piece}\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])
    return Page(tuple(lines))


def bytes_of(page: Page) -> bytes:
    return "".join(page.lines).encode("utf-8", "surrogateescape")


def read(line: str) -> Memory | None:
    """Return what a line wants remembered, None where it is another line."""
    line = _begun(line)
    if not line:
        return None
    text, opened, note = line.removeprefix(_BEGIN).rpartition(_OPEN)
    if opened and note.endswith(_CLOSE):
        note = note.removesuffix(_CLOSE)
    elif opened or note.endswith(_CLOSE.strip()):
        # A note that can't be read is no part of what it is about.
        return None
    else:
        text, note = note, "everywhere"
    text, match = " ".join(text.split()), _NOTE.fullmatch(note)
    if match is None or not 0 < len(text) <= LONGEST or not _is_text(text):
        return None
    turn = match["turn"]
    return Memory(
        text,
        _scope(match),
        match["day"] or "",
        int(turn) if turn else None,
        match["source"] or "",
        noticed=match["noticed"] is not None,
    )


def written(memory: Memory) -> str:
    """Return the line that says what is to be remembered."""
    scope = memory.scope
    note = f"{scope.reach} {scope.name}" if scope.name else scope.reach
    if memory.day:
        note += f"; {memory.day}"
    if memory.turn is not None and can_be_noted(memory.session):
        note += f"; turn {memory.turn} of {memory.session}"
    if memory.noticed:
        note += "; noticed"
    return f"{_BEGIN}{memory.text}{_OPEN}{note}{_CLOSE}\n"


def _begun(line: str) -> str:
    """Return a line that begins like a thing to remember, without what surrounds it."""
    stripped = line.removeprefix("\ufeff").strip()
    return stripped if stripped.startswith(_BEGIN) else ""


def _is_text(text: str) -> bool:
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


def _scope(match: re.Match[str]) -> Scope:
    if match["persona"] is not None:
        return Scope("persona", match["persona"])
    if match["session"] is not None:
        return Scope("session", match["session"])
    return Scope()

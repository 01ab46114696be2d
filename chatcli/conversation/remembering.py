"""What is remembered beyond one conversation: short lines, each with the scope where it holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from chatcli.conversation.text import whole_text
from chatcli.errors import UsageError

LONGEST: Final = 300
"""The most characters of one thing that is remembered."""

LONGEST_NAME: Final = 200
_NOT_IN_NAMES: Final = frozenset(";<>")

Reach: TypeAlias = Literal["everywhere", "persona", "session"]
REACHES: Final[tuple[Reach, ...]] = get_args(Reach)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where something holds: everywhere, or in what has this `name`.

    That is a persona's name or the id of a session.
    """

    reach: Reach = "everywhere"
    name: str = ""

    def holds(self, persona: str | None, session: str) -> bool:
        match self.reach:
            case "everywhere":
                return True
            case "persona":
                return persona is not None and _folded(persona) == _folded(self.name)
            case "session":
                return session == self.name


EVERYWHERE: Final = Scope()


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing to keep in mind, on one line.

    `day` is an ISO date, `turn` and `session` say in which turn of which session it was said.
    `noticed` tells that the model found it worth keeping, and nobody asked for it. What an editor
    has added by hand knows nothing of all that.
    """

    text: str
    scope: Scope = EVERYWHERE
    day: str = ""
    turn: int | None = None
    session: str = ""
    noticed: bool = False

    def says_as(self, other: Memory) -> bool:
        """Tell whether another says the same in the same scope."""
        return same_words(self.text, other.text) and self.scope == other.scope


def in_scope(memories: Iterable[Memory], persona: str | None, session: str) -> tuple[Memory, ...]:
    """Return what holds for a persona in a session, in the order in which it stands."""
    return tuple(each for each in memories if each.scope.holds(persona, session))


def one_line(text: str) -> str:
    """Return a text as it is remembered. Raises UsageError where it is empty or too long."""
    # A NUL marks what a crash has left of a file.
    line = " ".join(whole_text(text).replace("\0", "\ufffd").split())
    if not line:
        raise UsageError("there is nothing to remember in that", "/remember TEXT")
    if len(line) > LONGEST:
        told = f"a thing to remember has at most {LONGEST} characters, that has {len(line):,}"
        raise UsageError(told, "say it in fewer words, or in several")
    return line


def scope_named(reach: Reach, name: str) -> Scope:
    """Return the scope of a persona or a session. Raises UsageError where it can't be written."""
    if not can_be_noted(name):
        raise UsageError(f"nothing can be remembered for this {reach} alone: its name is strange")
    return Scope(reach, name)


def can_be_noted(name: str) -> bool:
    """Tell whether the name of a persona or a session can stand in the note behind a line.

    A session's file may be anybody's, and with the right name it would write lines of its own.
    """
    said = name.strip() and name.isprintable() and _NOT_IN_NAMES.isdisjoint(name)
    return bool(said) and len(name) <= LONGEST_NAME


def same_words(one: str, other: str) -> bool:
    """Tell whether two texts are the same but for capitals and the full stop at their end."""
    return _folded(one).rstrip(".!") == _folded(other).rstrip(".!")


def _folded(text: str) -> str:
    # A Mac may store é as two characters, where a keyboard gives one.
    return unicodedata.normalize("NFC", text).casefold()

"""What a terminal answers when it is asked what it is, kept apart from the keys it comes among.

Nobody waits for an answer, and many a terminal gives none. Last of all each is asked something
that all of them answer, and as they answer in order, nothing is owed from then on.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

GIVEN_UP_AFTER: Final = 3.0
"""Seconds after which an answer that has not come is no longer waited for; it is still heard."""

HELD_AT_MOST: Final = 1.0
"""Seconds after which even what can only be an answer is not held back for its end any more."""

Told: TypeAlias = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and its answer: the whole of it, and the end of a text that begins one."""

    text: str
    whole: re.Pattern[str]
    begun: re.Pattern[str]


BACKGROUND: Final = Question(
    "\x1b]11;?\x1b\\",
    re.compile(r"\x1b\]11;([^\x07\x1b]{0,64})(?:\x07|\x1b\\)"),
    re.compile(r"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]{0,64}\x1b?)?)?)?)?\Z"),
)
"""Which colour is the background? Answered like `rgb:0000/0000/0000` (xterm's OSC 11)."""

NAME: Final = Question(
    "\x1b[>q",
    re.compile(r"\x1bP>\|([^\x07\x1b]{0,256})(?:\x07|\x1b\\)"),
    re.compile(r"\x1b(?:P(?:>(?:\|[^\x07\x1b]{0,256}\x1b?)?)?)?\Z"),
)
"""Which terminal is this? Answered like `tmux 3.4` or `XTerm(390)` (xterm's XTVERSION)."""

LAST: Final = Question(
    "\x1b[c",
    re.compile(r"\x1b\[\?([0-9;]{0,64})c"),
    re.compile(r"\x1b(?:\[(?:\?[0-9;]{0,64})?)?\Z"),
)
"""What can it do? The one question that every terminal answers (DA1)."""

# No key begins like that, so it is not let go for a key.
_NO_KEY: Final = re.compile(r"\x1b(?:\]11;|P>\||\[\?)")


class Answers:
    """Takes the answers out of what comes from the terminal, however it is cut.

    `clock` tells seconds, as `time.monotonic` does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._owed: dict[Question, Told] = {}
        self._asked = float("-inf")
        self._held = ""
        self._passed = 0  # how many of the held characters are among the keys already
        self._since = 0.0

    def expect(self, questions: Mapping[Question, Told]) -> str:
        """Return what asks the questions; each is called with its answer, if that comes."""
        self._owed = {**questions, LAST: _nobody}
        self._asked = self._clock()
        return "".join(question.text for question in self._owed)

    @property
    def owed(self) -> bool:
        """Whether there are answers that may well be on their way."""
        return LAST in self._owed and self._clock() - self._asked < GIVEN_UP_AFTER

    def without(self, text: str) -> str:
        """Return the keys in what has come; what may become an answer is held back."""
        if not self._owed:
            return text
        text, passed = self._held + text, self._passed
        overdue = self._held and self._clock() - self._since > HELD_AT_MOST
        for question in tuple(self._owed):
            if found := question.whole.search(text):
                begins_before = found.start() < passed
                text = text[: 0 if begins_before else found.start()] + text[found.end() :]
                passed = 0 if begins_before else passed
                self._owed.pop(question)(found[1])
        self._hold("" if overdue else text, passed)
        return text[passed : len(text) - len(self._held)]

    def rest(self) -> str:
        """Return what may be keys after all, now that nothing has come right behind it.

        It stays known: where it was the beginning of an answer, the rest of that is no key.
        """
        if _NO_KEY.match(self._held):
            return ""
        keys, self._passed = self._held[self._passed :], len(self._held)
        return keys

    def _hold(self, text: str, passed: int) -> None:
        """Keep back what may be the beginning of an answer at the end of a text."""
        begun = (question.begun.search(text) for question in self._owed)
        first = min((found.start() for found in begun if found), default=len(text))
        if first or not self._held:
            self._since = self._clock()
        self._held = text[first:]
        self._passed = min(max(passed - first, 0), len(self._held))


def _nobody(_answer: str) -> None:
    """The last answer says nothing but that it is the last."""

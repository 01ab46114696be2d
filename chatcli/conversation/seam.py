"""Going on with a reply that was cut off: what is asked, and how the two parts are joined.

Models that are asked to go on mostly do, but begin anew with the word that was cut, or say the
last few words again. So the first part is taken back to its last whole word before the model is
asked, and what it then repeats is left out. Small ones say all of it again, and no more: where an
engine can go on with what a model has begun, it is not asked in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from chatcli.conversation.messages import Message

GO_ON: Final = (
    "Your last message was cut off. Go on exactly where it breaks off: "
    "no introduction, and nothing of it again."
)

LONGEST_WORD: Final = 40
LONGEST_REPEAT: Final = 400
SHORTEST_REPEAT: Final = 8
_FIRST_WITHOUT_SPACES: Final = "\u2e80"
"""From here on come the scripts of East Asia, most of which put no space between words."""


def whole_words(text: str) -> str:
    """Return `text` without the word at its end that may not be whole."""
    if not text or not text[-1].isalnum() or text[-1] >= _FIRST_WITHOUT_SPACES:
        return text
    cut = 1 + max(text.rfind(" "), text.rfind("\n"))
    return text[:cut] if len(text) - cut <= LONGEST_WORD else text


def left_open(messages: Sequence[Message]) -> list[Message]:
    """Return a request to go on without its last message, so that it ends with the first part.

    No space is left at the end of that: the tokens of most words begin with theirs.
    """
    *said, begun, _order = messages
    return [*said, replace(begun, content=begun.content.rstrip())]


class Seam:
    """Joins what comes to what was there: `feed` and `end` return what is new of it."""

    def __init__(self, before: str) -> None:
        self._before = before
        self._held = ""
        self._joined = not before

    def feed(self, text: str) -> str:
        """Take the next piece; while it may be a repetition, nothing comes back."""
        if self._joined:
            return text
        self._held += text
        may_repeat = self._held.strip() in self._before[-LONGEST_REPEAT:]
        return "" if may_repeat else self.end()

    def end(self) -> str:
        """Return what is still held back."""
        held, self._held, self._joined = self._held, "", True
        if not held:
            return ""
        new, last = held.lstrip(), self._before[-1:]
        repeated = _overlap(self._before.rstrip(), new)
        rest = new[repeated:] if repeated else held
        if last.isspace():
            # Behind a line's end, spaces are the indentation of the next line.
            return rest.lstrip("\r\n" if last == "\n" else None)
        return rest if repeated else _spaced(last, rest)


def _overlap(before: str, after: str) -> int:
    """Return how many characters `after` begins with that `before` ends with."""
    longest = min(len(before), len(after), LONGEST_REPEAT)
    sizes = range(longest, SHORTEST_REPEAT - 1, -1)
    return next((size for size in sizes if before.endswith(after[:size])), 0)


def _spaced(last: str, after: str) -> str:
    """Return `after` with a space before it where it would run into the word that ends there."""
    first = after[0]
    meet = (last.isalnum() and first.isalnum()) or (last in ",;:!?" and first.isalpha())
    meet = meet or (last == "." and first.isupper())
    return f" {after}" if meet and max(last, first) < _FIRST_WITHOUT_SPACES else after

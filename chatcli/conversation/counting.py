"""One way of counting texts in tokens, and what was counted in that way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chatcli.conversation.calibration import Calibration
from chatcli.conversation.encoders import Encoder
from chatcli.conversation.estimate import estimate
from chatcli.conversation.families import Family


@dataclass(frozen=True, slots=True)
class Counting:
    """An encoder with all that is true of it alone, and what it has counted so far.

    `guessed` holds the texts that it could not count when it was asked last, `files` those of the
    last draft, which can change from one to the next and are then not kept.
    """

    encoder: Encoder
    family: Family
    calibration: Calibration
    known: dict[str, int] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)
    files: dict[str, int] = field(default_factory=dict)

    def count(self, text: str) -> int:
        return self._counted(text, self.known)

    def count_files(self, texts: Iterable[str]) -> int:
        """Count the texts of a draft's files, each again only if it is another than before."""
        before, now = dict(self.files), dict[str, int]()
        total = 0
        for text in texts:
            if text in before:
                now[text] = before[text]
            total += self._counted(text, now)
        self.files.clear()
        self.files.update(now)
        return total

    def _counted(self, text: str, known: dict[str, int]) -> int:
        tokens = known.get(text)
        if tokens is not None:
            return tokens
        tokens = self.encoder.count(text)
        if tokens is None:
            self.guessed.add(text)
            return estimate(text)
        self.guessed.clear()
        known[text] = tokens
        return tokens

"""What tells how many tokens a text has: a vocabulary, a model itself, or a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from chatcli.conversation.estimate import estimate
from chatcli.conversation.families import Family


class Encoder(Protocol):
    """Tells how many tokens a text has; None where that can't be told now."""

    def count(self, text: str) -> int | None: ...


class Tokenizer(Encoder, Protocol):
    """A model's own encoder, which also knows how that model counts a prompt."""

    @property
    def family(self) -> Family: ...


class Vocabulary(Protocol):
    """The part of `tiktoken.Encoding` that counting needs."""

    def encode_ordinary(self, text: str) -> list[int]: ...


# With more white space than this in one piece, tiktoken's regex engine runs out of stack: in 0.14
# between half a million and a million characters, and its panic is no `Exception`.
_LONGEST_BLANK: Final = 100_000
_LONG_BLANK: Final = re.compile(rf"(?<!\s)\s{{{_LONGEST_BLANK},}}+")


@dataclass(frozen=True, slots=True)
class VocabularyEncoder:
    """Counts with a vocabulary. Text that looks like a special token is ordinary text."""

    vocabulary: Vocabulary

    def count(self, text: str) -> int:
        return sum(len(self.vocabulary.encode_ordinary(piece)) for piece in _pieces(text))


def _pieces(text: str) -> Iterator[str]:
    """The text, whole but for cuts inside of very long blanks."""
    start = 0
    if len(text) > _LONGEST_BLANK:
        for blank in _LONG_BLANK.finditer(text):
            for cut in range(blank.start() + _LONGEST_BLANK, blank.end(), _LONGEST_BLANK):
                yield text[start:cut]
                start = cut
    yield text[start:]


@dataclass(frozen=True, slots=True)
class Estimator:
    """Counts without a vocabulary, see `estimate`."""

    def count(self, text: str) -> int:
        return estimate(text)

"""What a message costs in tokens, and how sure that number is.

A prompt costs the tokens of its texts, some more for each message, and some for the reply to come.
For OpenAI's models all three are known, and with the right vocabulary the count is exact. For other
models it is a prediction with OpenAI's newest vocabulary, which `Calibration` corrects by what the
endpoint reports. Until a vocabulary is there, `estimate` stands in for it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Final, Literal, Protocol, TypeAlias

from chatcli.conversation.calibration import Calibration
from chatcli.conversation.messages import Message

Precision: TypeAlias = Literal["exact", "calibrated", "estimated"]


class Encoder(Protocol):
    """Tells how many tokens a text has."""

    def count(self, text: str) -> int: ...


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


# Tokens a character, by the first code point of each range. Fitted to what o200k_base makes of the
# Universal Declaration of Human Rights in 54 languages and of program text in five.
_TOKENS_A_CHARACTER: Final = (
    (0x0000, 0.55),  # control characters, of which line feeds matter
    (0x0020, 0.03),  # the space, mostly part of the word after it
    (0x0021, 0.55),  # punctuation
    (0x0030, 0.60),  # digits
    (0x003A, 0.55),
    (0x0041, 0.21),  # capital letters
    (0x005B, 0.55),
    (0x0061, 0.21),  # small letters
    (0x007B, 0.55),
    (0x0080, 1.25),  # accented letters, which cut words into pieces
    (0x0370, 0.40),  # Greek
    (0x0400, 0.30),  # Cyrillic, Armenian
    (0x0590, 0.45),  # Hebrew
    (0x0600, 0.37),  # Arabic
    (0x0700, 1.90),  # Syriac to Mandaic
    (0x0900, 0.38),  # Devanagari, Bengali
    (0x0A00, 0.62),  # Gurmukhi
    (0x0A80, 0.42),  # Gujarati to Malayalam
    (0x0D80, 0.63),  # Sinhala
    (0x0E00, 0.42),  # Thai
    (0x0E80, 1.90),  # Lao, Tibetan
    (0x1000, 0.56),  # Burmese
    (0x10A0, 0.30),  # Georgian
    (0x1100, 2.00),  # Jamo, Ethiopic and others
    (0x1780, 0.63),  # Khmer
    (0x1800, 1.90),
    (0x1E00, 1.25),  # more accented letters
    (0x2000, 1.00),  # symbols
    (0x3000, 0.85),  # kana and Chinese characters
    (0xA000, 1.90),
    (0xAC00, 0.74),  # Hangul
    (0xD7B0, 1.90),
    (0xF900, 1.00),  # compatibility forms
    (0x10000, 2.20),  # emoji
)
_RANGES: Final = tuple(first for first, _ in _TOKENS_A_CHARACTER)


def estimate(text: str) -> int:
    """Guess the tokens of a text from its characters alone.

    For prose in the larger languages and for program text this is within 40 % of o200k_base, mostly
    within 15 %. A megabyte takes about a tenth of a second.
    """
    tokens = 0.0
    for character, times in Counter(text).items():
        tokens += times * _TOKENS_A_CHARACTER[bisect_right(_RANGES, ord(character)) - 1][1]
    return ceil(tokens)


@dataclass(frozen=True, slots=True)
class Family:
    """How a family of models counts a prompt.

    `exact` says that this is known and not assumed. A message costs `per_message` tokens beside its
    texts, its name `per_name`, and a request `priming` for the reply that it asks for.
    """

    encoding: str = "o200k_base"
    exact: bool = False
    per_message: int = 3
    per_name: int = 1
    priming: int = 3


# The overhead up to gpt-4o is from OpenAI's cookbook, "How to count tokens with tiktoken". That of
# later models was found from the usage that the API reported for recorded requests.
_FAMILIES: Final = (
    (r"gpt-3\.?5-turbo-0301", Family("cl100k_base", True, per_message=4, per_name=-1)),
    (r"(?:chat)?gpt-4o|gpt-4\.[15]", Family("o200k_base", True)),
    (r"gpt-5(?!.*chat)|o[34]", Family("o200k_base", True, priming=2)),
    (r"gpt-4(?!\.)|gpt-3\.?5", Family("cl100k_base", True)),
)
_OPENAI_ITSELF: Final = r"(?:(?:openrouter|openai|azure|deployments|ft)[:/])*"


def family(model: str) -> Family:
    """The family of a model by its name, with or without a profile: `openai:gpt-4o`, `o3-mini`.

    A name that only contains a known one (`team-gpt-4o`, `acme/gpt-4`) is counted the same way but
    not called exact. Any other model is counted with the newest vocabulary.
    """
    name = model.lower()
    for pattern, known in _FAMILIES:
        whole_word = rf"(?:{pattern})(?![a-z0-9])"
        if re.match(_OPENAI_ITSELF + whole_word, name):
            return known
        if re.search(r"(?<![a-z0-9])" + whole_word, name):
            return replace(known, exact=False)
    return Family()


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tokens and how sure it is."""

    tokens: int
    precision: Precision

    def __str__(self) -> str:
        """Return the number as people read it, with `≈` before what is not exact."""
        return f"{'' if self.precision == 'exact' else '≈'}{self.tokens:,}"


@dataclass(frozen=True, slots=True)
class _Counted:
    """An encoder, and what it has counted so far."""

    encoder: Encoder
    known: dict[str, int] = field(default_factory=dict)

    def count(self, text: str) -> int:
        tokens = self.known.get(text)
        if tokens is None:
            tokens = self.known[text] = self.encoder.count(text)
        return tokens


class TokenCounter:
    """Counts messages for one model, each text once.

    It estimates until `use` hands it an encoder, at any time and from any thread: the encoder and
    what it has counted are one object, replaced in one step. `snapshot` is for whoever adds up
    several calls and must not see that happen in between.
    """

    def __init__(self, model: str, calibration: Calibration | None = None) -> None:
        self.family = family(model)
        self.calibration = calibration or Calibration()
        self._counted = self._estimated = _Counted(Estimator())

    def use(self, encoder: Encoder) -> None:
        """Count with this encoder from now on; it belongs to `family.encoding`."""
        self._counted = _Counted(encoder)

    @property
    def estimates(self) -> bool:
        """Whether there is no vocabulary yet."""
        return self._counted is self._estimated

    def snapshot(self) -> TokenCounter:
        """A counter that stays as this one is now, and shares what was counted."""
        return copy(self)

    @property
    def precision(self) -> Precision:
        if self.estimates:
            return "estimated"
        if self.family.exact and self.calibration.agrees:
            return "exact"
        return "calibrated" if self.calibration.reports else "estimated"

    @property
    def overhead(self) -> int:
        """What a request costs beside its messages."""
        return max(0, round(self.calibration.apply(self.family.priming)))

    def price(self, message: Message) -> int:
        """The tokens of one message, its own overhead included."""
        return self.count_message(message.role, message.content)

    def count_message(self, role: str, content: str, name: str = "") -> int:
        """The tokens of one message, its own overhead included."""
        tokens = self._counted.count(role) + self._counted.count(content)
        if name:
            tokens += self._counted.count(name) + self.family.per_name
        return self._scaled(tokens)

    def count_draft(self, content: str) -> int:
        """The tokens of a user's message that may still change, so that no count of it is kept."""
        return self._scaled(self._counted.count("user") + self._counted.encoder.count(content))

    def count_prompt(self, messages: Iterable[Message]) -> Count:
        """The tokens of a request: `overhead` and the price of each message, added up."""
        now = self.snapshot()
        return Count(now.overhead + sum(map(now.price, messages)), now.precision)

    def learn(self, messages: Iterable[Message], reported: int) -> None:
        """Take note of the prompt tokens that the endpoint reported for a request.

        Estimates teach nothing: a calibration is about the vocabulary and outlives the session.
        """
        if self.estimates:
            return
        plain = self.snapshot()
        plain.calibration = Calibration()
        predicted = plain.count_prompt(messages).tokens
        self.calibration = self.calibration.learn(predicted, reported)

    def _scaled(self, tokens: int) -> int:
        return max(1, round((tokens + self.family.per_message) * self.calibration.scale))

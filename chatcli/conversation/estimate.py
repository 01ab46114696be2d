"""How many tokens a text has, by its characters alone: for as long as there is no vocabulary."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from math import ceil
from typing import Final

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

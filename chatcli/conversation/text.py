"""Text as conversations keep it."""

from __future__ import annotations

from typing import Final

from chatcli.errors import UsageError

HIDDEN: Final = (  # Default_Ignorable_Code_Point, line separators, undrawn format controls
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The characters that a screen draws nothing for, or that turn text around; inside of [ ]."""

LONGEST_TEXT: Final = 1_300_000
"""The most characters that a message may have, ours or a model's: a record in a file has room."""


def whole_text(text: str) -> str:
    """Return the text with each half of a surrogate pair that stands alone made U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def allowed(text: str) -> str:
    """Return a text that the user wants kept as it is kept: with no half of a surrogate pair.

    Raises UsageError where it is too long.
    """
    if len(text) > LONGEST_TEXT:
        raise UsageError(f"a text has at most {LONGEST_TEXT:,} characters here", "shorten it")
    return whole_text(text)


def in_quotes(text: str) -> str:
    """Return a text as a POSIX shell takes it for that text alone, whatever is in it."""
    inside = text.replace("'", r"'\''")
    return f"'{inside}'"


def first_words(text: str, most: int = 60) -> str:
    """Return the beginning of a text on one line, of at most `most` characters and an ellipsis."""
    words = " ".join(text[: most * 4].split())
    return words if len(words) <= most and len(text) <= most * 4 else f"{words[:most]}…"

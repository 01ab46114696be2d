"""Text as conversations keep it."""

from __future__ import annotations

from typing import Final

from chatcli.errors import UsageError

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

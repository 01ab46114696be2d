"""Text as conversations keep it."""

from __future__ import annotations


def whole_text(text: str) -> str:
    """Return the text with each half of a surrogate pair that stands alone made U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def first_words(text: str, most: int = 60) -> str:
    """Return the beginning of a text on one line, of at most `most` characters and an ellipsis."""
    words = " ".join(text[: most * 4].split())
    return words if len(words) <= most and len(text) <= most * 4 else f"{words[:most]}…"

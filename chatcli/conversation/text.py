"""Text as conversations keep it."""

from __future__ import annotations


def whole_text(text: str) -> str:
    """Return the text with each half of a surrogate pair that stands alone made U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

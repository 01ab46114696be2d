"""What a persona can be called, and how names are compared."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Final

CARDS: Final = (".json", ".png")
"""The endings of character cards, whose files are often named after somebody with two names."""

ENDINGS: Final = (".md", *CARDS)
"""Which files of a folder can be personas; of two with one name, the earlier ending's counts."""

_NAME: Final = re.compile(r"\w[\w.-]{0,63}")


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def normal(name: str) -> str:
    # A Mac may store é as two characters, where a keyboard gives one.
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    return normal(name).casefold()


def slug(text: str) -> str | None:
    """Return a name made of what was meant as one: `Ada Lovelace` is Ada-Lovelace, `***` none."""
    words = re.sub(r"[^\w.-]+", "-", normal(text[:200])).strip("-.")[:64]
    return words if is_name(words) else None


def name_of(path: Path) -> str | None:
    """Return the name that a file gives to its persona, None where it gives none."""
    stem = normal(path.stem)
    if path.suffix.lower() in CARDS:
        return slug(stem)
    return stem if is_name(stem) else None


def shown(value: object) -> str:
    """Return a value as an error may quote it: short, on one line, with no control characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

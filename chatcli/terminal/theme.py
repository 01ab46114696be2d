"""How things look: one table of roles, in the terms of rich and of prompt_toolkit.

Only the sixteen colours of the terminal's own palette are used, so that a light background and a
dark one both stay readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Style:
    """One look, as rich writes it, as prompt_toolkit writes it, and as the codes they send."""

    rich: str
    prompt: str
    sgr: str


STYLES: Final[Mapping[str, Style]] = {
    "you": Style("bold cyan", "bold ansicyan", "1;36"),
    "here": Style("bold", "bold", "1"),
    "dim": Style("bright_black", "ansibrightblack", "90"),
    "info": Style("bright_black", "ansibrightblack", "90"),
    "warning": Style("yellow", "ansiyellow", "33"),
    "error": Style("red", "ansired", "31"),
    "toolbar": Style("bright_black", "ansibrightblack", "90"),
}


_ASCII_DRAWING: Final[Mapping[int, str]] = {
    ord(sign): plain
    for sign, plain in (
        *(("│", "|"), ("├", "|"), ("┌", ","), ("└", "`"), ("─", "-"), ("●", "*"), ("○", "o")),
        *(("→", "->"), ("←", "<-"), ("–", "-"), ("…", "...")),
    )
}


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs that are ours, in UTF-8 or for terminals without it.

    `drawing` is what `str.translate` makes of the signs in the lines of an outline.
    """

    prompt: str
    notice: str
    error: str
    here: str
    dot: str
    ellipsis: str
    spinner: str
    drawing: Mapping[int, str]


UNICODE: Final = Glyphs("❯ ", "·", "✗", "●", " · ", "…", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", {})
ASCII: Final = Glyphs("> ", "-", "!", "*", " | ", "...", "|/-\\", _ASCII_DRAWING)


def painted(text: str, style: str, *, color: bool) -> str:
    """Return `text` in one of the styles, or as it is where there is no colour."""
    return f"\x1b[{STYLES[style].sgr}m{text}\x1b[0m" if color and text else text

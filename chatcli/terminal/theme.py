"""How things look: tables of roles, in the terms of rich and of prompt_toolkit.

Where nobody has said what the background is like, only the sixteen colours of the terminal's own
palette are used, and of those the ones that a light background shows and a dark one too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Style:
    """One look, as rich writes it, as prompt_toolkit writes it, and as the codes they send."""

    rich: str
    prompt: str
    sgr: str


@dataclass(frozen=True, slots=True)
class Theme:
    """The looks of all roles. The colours of Markdown are in `md.colors`, by the theme's name."""

    name: str
    styles: Mapping[str, Style]
    color: bool = True

    def prompt(self) -> dict[str, str]:
        """Return the looks as prompt_toolkit takes them."""
        return {name: style.prompt for name, style in self.styles.items()}


_BOLD: Final = Style("bold", "bold", "1")


def _table(you: Style, dim: Style, warning: Style, error: Style) -> dict[str, Style]:
    quiet = dict.fromkeys(("dim", "info", "toolbar", "thought"), dim)
    return {"you": you, "here": _BOLD, "warning": warning, "error": error, **quiet}


PALETTE: Final = Theme(
    "palette",
    _table(
        Style("bold cyan", "bold ansicyan", "1;36"),
        Style("bright_black", "ansibrightblack", "90"),
        Style("yellow", "ansiyellow", "33"),
        Style("red", "ansired", "31"),
    ),
)
DARK: Final = Theme(
    "dark",
    _table(
        Style("bold bright_cyan", "bold ansibrightcyan", "1;96"),
        Style("color(245)", "#8a8a8a", "38;5;245"),
        Style("bright_yellow", "ansibrightyellow", "93"),
        Style("bright_red", "ansibrightred", "91"),
    ),
)
LIGHT: Final = Theme(
    "light",
    _table(
        Style("bold blue", "bold ansiblue", "1;34"),
        Style("color(242)", "#6c6c6c", "38;5;242"),
        Style("color(130)", "#af5f00", "38;5;130"),
        Style("red", "ansired", "31"),
    ),
)
_NONE: Final = Style("", "", "0")
MONO: Final = Theme("mono", _table(_BOLD, _NONE, _NONE, _NONE), color=False)

THEMES: Final[Mapping[str, Theme]] = {theme.name: theme for theme in (LIGHT, DARK, MONO)}
"""The themes that a user can choose, by name."""

STYLES: Final = PALETTE.styles

_COLOR: Final = re.compile(r"rgba?:([0-9a-f]+)/([0-9a-f]+)/([0-9a-f]+)", re.IGNORECASE)


def theme_on(background: str) -> Theme | None:
    """Return the theme for a background as terminals state theirs, like `rgb:ffff/ffff/ffff`.

    Each part has one to four digits (XParseColor). None where that says no colour.
    """
    stated = _COLOR.match(background)
    if stated is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in stated.groups())
    return LIGHT if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 else DARK


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


def painted(text: str, style: str, *, color: bool, theme: Theme = PALETTE) -> str:
    """Return `text` in one of the styles, or as it is where there is no colour."""
    if not (color and theme.color and text):
        return text
    return f"\x1b[{theme.styles[style].sgr}m{text}\x1b[0m"

"""The colours of Markdown and of the code in it, for each theme.

Where the background is known, shades of the 256 colours that nearly all terminals have (ISO 8613-6)
stand out from it; where it is not, the terminal's own palette is used, and of that what a light
screen shows and a dark one too. There are no backgrounds: they look like spaces when copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pygments.token import (  # type: ignore[import-untyped]  # pygments ships no types
    Comment,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    String,
)
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, SyntaxTheme
from rich.theme import Theme


@dataclass(frozen=True, slots=True)
class Shades:
    """The colours that one theme is made of, by rich's names for them."""

    heading: str
    accent: str
    link: str
    quiet: str
    keyword: str
    kind: str
    text: str
    number: str
    marked: str
    gone: str
    added: str


@dataclass(frozen=True, slots=True)
class Colors:
    """What a reply is laid out in: rich's names for the parts of Markdown, and a theme for code."""

    parts: Theme
    code: SyntaxTheme


def _parts(shades: Shades) -> Theme:
    quiet = shades.quiet
    return Theme(
        {
            "markdown.h1": f"bold underline {shades.heading}",
            "markdown.h2": f"bold {shades.heading}",
            "markdown.h3": "bold",
            "markdown.h4": "bold italic",
            "markdown.h5": "italic",
            "markdown.h6": f"italic {quiet}",
            "markdown.code": shades.accent,
            "markdown.code_block": shades.accent,
            "markdown.block_quote": quiet,
            "markdown.item": shades.accent,
            "markdown.hr": quiet,
            "markdown.html": quiet,
            "markdown.definition": quiet,
            "markdown.link": f"underline {shades.link}",
            "markdown.link_url": quiet,
            "markdown.table.header": "bold",
            "markdown.table.border": quiet,
        }
    )


def _code(shades: Shades) -> SyntaxTheme:
    def plain(color: str) -> Style:
        return Style(color=color)

    quiet = Style.parse(shades.quiet)
    styles: dict[Any, Style] = {
        Comment: quiet + Style(italic=True),
        Keyword: plain(shades.keyword),
        Keyword.Type: plain(shades.kind),
        Operator.Word: plain(shades.keyword),
        String: plain(shades.text),
        Number: plain(shades.number),
        Name.Attribute: plain(shades.kind),
        Name.Builtin: plain(shades.kind),
        Name.Class: Style(bold=True),
        Name.Decorator: plain(shades.marked),
        Name.Function: Style(bold=True),
        Name.Tag: plain(shades.keyword),
        Generic.Deleted: plain(shades.gone),
        Generic.Heading: Style(bold=True),
        Generic.Inserted: plain(shades.added),
        Generic.Prompt: quiet,
        Generic.Subheading: plain(shades.keyword),
    }
    return ANSISyntaxTheme(styles)


SHADES: Final[Mapping[str, Shades]] = {
    "palette": Shades(
        heading="magenta",
        accent="cyan",
        link="default",
        quiet="dim",
        keyword="magenta",
        kind="cyan",
        text="green",
        number="cyan",
        marked="yellow",
        gone="red",
        added="green",
    ),
    "dark": Shades(
        heading="color(117)",
        accent="color(180)",
        link="color(111)",
        quiet="color(245)",
        keyword="color(176)",
        kind="color(80)",
        text="color(150)",
        number="color(216)",
        marked="color(186)",
        gone="color(210)",
        added="color(114)",
    ),
    "light": Shades(
        heading="color(25)",
        accent="color(88)",
        link="color(26)",
        quiet="color(242)",
        keyword="color(90)",
        kind="color(24)",
        text="color(22)",
        number="color(130)",
        marked="color(94)",
        gone="color(124)",
        added="color(28)",
    ),
}
"""The shades of each theme that has colours. `palette` is for a background that nobody knows."""

PALETTE: Final = "palette"
COLORS: Final[Mapping[str, Colors]] = {
    name: Colors(_parts(shades), _code(shades)) for name, shades in SHADES.items()
}

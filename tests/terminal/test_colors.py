"""Each theme has colours of its own for Markdown and code, readable on its background."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from rich.color import ColorType
from rich.style import Style

from chatcli.terminal.looks import Look
from chatcli.terminal.markdown import render
from chatcli.terminal.md.colors import COLORS, SHADES
from chatcli.terminal.render import Renderer
from chatcli.terminal.theme import DARK, LIGHT, MONO, PALETTE, THEMES, UNICODE, Theme

TEXT = "# Ports\n\nSee [a](https://a.example), `b`.\n\n> c\n\n```python\nx = 'y'  # z\n```\n"
BACKGROUNDS = {"light": (250, 250, 250), "dark": (30, 30, 30)}
READABLE = 4.5
"""The contrast of text and background that WCAG 2.2 asks for (level AA)."""


def luminance(color: tuple[int, int, int]) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = (part / 255 for part in color)
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_every_colour_of_a_theme_can_be_read_on_its_background(name: str) -> None:
    ours = {each.name: str(getattr(SHADES[name], each.name)) for each in fields(SHADES[name])}
    ours |= {role: style.rich for role, style in THEMES[name].styles.items()}
    for role, style in ours.items():
        color = Style.parse(style).color
        if (
            color is not None and color.type is ColorType.EIGHT_BIT
        ):  # what the first sixteen are, the user decides
            rgb = color.get_truecolor()
            assert contrast((rgb.red, rgb.green, rgb.blue), BACKGROUNDS[name]) >= READABLE, role


def test_the_palette_uses_what_the_user_has_made_of_the_sixteen_colours() -> None:
    assert not re.search(r"38;[25];", render(TEXT, 60, theme=PALETTE.name))


def test_each_theme_shows_the_same_text_in_other_colours() -> None:
    shown = {name: render(TEXT, 60, theme=name) for name in COLORS}
    assert len(set(shown.values())) == len(COLORS)
    assert len({re.sub(r"\x1b\[[0-9;]*m", "", text) for text in shown.values()}) == 1


@pytest.mark.parametrize("theme", [LIGHT, DARK, PALETTE, MONO], ids=lambda theme: theme.name)
def test_a_reply_has_the_colours_of_the_theme_that_is_worn(theme: Theme) -> None:
    from chatcli.conversation.events import Document

    look = Look(lambda: 60, color=True, markdown=True, glyphs=UNICODE, theme=theme)
    shown = Renderer(look).show(Document(TEXT))
    wanted = {each.name: render(TEXT, 60, theme=each.name) for each in (LIGHT, DARK, PALETTE)}
    assert shown == wanted.get(theme.name, render(TEXT, 60, color=False))

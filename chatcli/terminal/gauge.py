"""A gauge as text: one line of blocks, as wide as the terminal, and what each of them stands for.

Each part begins with its letter, so that the bar can be read without its colours as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from chatcli.conversation.events import Gauge

WIDEST: Final = 100
"""Columns that a bar takes at most: beyond, the eye no longer compares its parts."""

COLORS: Final = ("35", "34", "33", "32", "36", "1", "39")
"""What makes each part in turn its own: foreground colours of the terminal's palette (SGR)."""

ROOM_COLOR: Final = "90"

BLOCKS: Final[Mapping[str | None, str]] = {None: "█", "free": "░", "kept": "▒"}
ASCII_BLOCKS: Final[Mapping[str | None, str]] = {None: "#", "free": ".", "kept": "="}


def drawn(gauge: Gauge, width: int, *, color: bool, utf8: bool) -> str:
    """Return the bar and its legend, in lines of at most `width` columns."""
    blocks = BLOCKS if utf8 else ASCII_BLOCKS
    shades = [
        ROOM_COLOR if part.room else COLORS[i % len(COLORS)] for i, part in enumerate(gauge.parts)
    ]
    cells = divided([part.size for part in gauge.parts], min(width, WIDEST))
    bar = "".join(
        _painted((part.letter + blocks[part.room] * size)[:size], shade, color=color)
        for part, shade, size in zip(gauge.parts, shades, cells, strict=True)
    )
    names = [
        (f"{part.letter} {part.name}", shade)
        for part, shade in zip(gauge.parts, shades, strict=True)
        if part.size > 0
    ]
    return f"{bar}\n{_legend(names, width, color=color)}\n"


def divided(sizes: Sequence[int], cells: int) -> list[int]:
    """Divide `cells` as `sizes` are, by whole cells; what is there at all has one, if it can.

    Parts end where their ends come to lie when rounded, so that errors don't add up.
    """
    total = sum(max(size, 0) for size in sizes)
    some = sum(size > 0 for size in sizes)
    if not total or some > cells:
        return [0] * len(sizes)
    spare = cells - some
    ends, so_far = [0], 0
    for size in sizes:
        so_far += max(size, 0)
        ends.append(round(so_far * spare / total))
    return [
        end - start + (size > 0) for size, (start, end) in zip(sizes, pairwise(ends), strict=True)
    ]


def _legend(names: Sequence[tuple[str, str]], width: int, *, color: bool) -> str:
    """Return the names in as many lines as they need, two spaces between them."""
    lines: list[str] = []
    line, used = "", 0
    for name, shade in names:
        gap = 2 if used else 0
        if used and used + gap + len(name) > width:
            lines.append(line)
            line, used, gap = "", 0, 0
        shown = name[:width]
        line += " " * gap + _painted(shown, shade, color=color)
        used += gap + len(shown)
    return "\n".join([*lines, line])


def _painted(text: str, shade: str, *, color: bool) -> str:
    return f"\x1b[{shade}m{text}\x1b[0m" if color and text else text

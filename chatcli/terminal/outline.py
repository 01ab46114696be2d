"""The lines of an outline, cut to the terminal's width where their words allow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LEAST_WORDS: Final = 7
"""Columns that words keep, as far as they need them, however long the ending is."""

WORTH_READING: Final = 12
"""Columns that a cell of words must have, else those after the first are left out."""


def fitted(cells: Sequence[str], width: int, ellipsis: str) -> str:
    """Return the cells, a space between them, in a line of at most `width` columns.

    Where they are too long, those in the middle share what the first and the last leave them; the
    last is cut only where it would leave them next to nothing. Wide characters take two columns.
    """
    from rich.cells import cell_len

    first, *words, last = cells if len(cells) > 1 else (*cells, "")
    needed = sum(1 + cell_len(cell) for cell in words)
    room = width - cell_len(first) - 1
    last = cropped(last, room - min(needed, LEAST_WORDS), ellipsis)
    room -= cell_len(last)
    while needed > room and len(words) > 1 and room < len(words) * WORTH_READING:
        needed -= 1 + cell_len(words.pop())
    rooms = shares([cell_len(cell) for cell in words], room - len(words))
    words = [cropped(*pair, ellipsis) for pair in zip(words, rooms, strict=True)]
    return cropped(" ".join(cell for cell in (first, *words, last) if cell), width, ellipsis)


def cropped(text: str, width: int, ellipsis: str) -> str:
    """Return `text` in at most `width` columns, ending in an ellipsis where it was cut."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    left = width - cell_len(ellipsis)
    return set_cell_size(text, left).rstrip() + ellipsis if left > 0 else ""


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """Divide `room` evenly; who wants less than an even share leaves the rest to the others."""
    given = [0] * len(wanted)
    by_need = sorted(range(len(wanted)), key=wanted.__getitem__)
    for taken, at in enumerate(by_need):
        given[at] = min(wanted[at], max(room, 0) // (len(wanted) - taken))
        room -= given[at]
    return given

"""Lines folded between words, where the terminal would break them within one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PIECES: Final = re.compile(r" +|[^ ]+")


def folded(line: str, width: int, indent: int = 0) -> list[str]:
    """Return a line in parts of at most `width` columns, all but the first indented.

    Wide characters take two columns. A word that is wider than a line is broken; an indent that
    would leave too little room is none.
    """
    room = indent if indent < width // 2 else 0
    return list(_parts(line, max(width, 2), " " * room)) or [""]


def _parts(line: str, width: int, indent: str) -> Iterator[str]:
    from rich.cells import cell_len, chop_cells

    part, used, begun = "", 0, False
    for word in _PIECES.findall(line):
        piece, size, is_gap = word, cell_len(word), word.isspace()
        if is_gap and not begun and size > width // 2:
            continue
        if used + size > width and begun:
            yield part.rstrip(" ")
            part, used, begun = indent, len(indent), False
            if is_gap:
                continue
        while used + size > width:
            fits = chop_cells(piece, width - used)[0]
            yield part + fits
            piece = piece.removeprefix(fits)
            part, used, size = indent, len(indent), cell_len(piece)
        part, used, begun = part + piece, used + size, begun or not is_gap
    if begun:
        yield part.rstrip(" ")

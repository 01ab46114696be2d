"""A table as text, no wider than the terminal; where that is too narrow, a list of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Final

from chatcli.conversation.events import Row, Table
from chatcli.terminal.outline import shares
from chatcli.terminal.sanitize import clean_line
from chatcli.terminal.theme import PALETTE, Theme

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid

LEAST_WORDS: Final = 8
"""Columns below which a column of words says nothing any more. A number is never broken."""

ENOUGH_WORDS: Final = 24
"""Columns that other words keep where the name of their row is long."""

GAP: Final = "  "
INDENT: Final = "   "
BETWEEN: Final = " · "


def tabled(table: Table, width: int, here: str, theme: Theme = PALETTE, *, color: bool) -> str:
    """Return the table; `here` is the sign before the rows where one is."""
    from rich.text import Text

    console, written = _console(width, color=color)
    console.print(Text(table.title, style=theme.styles["here"].rich))
    widths = _widths(table, width)
    if widths is not None:
        console.print(_grid(table, widths, here, theme))
    else:
        for row in table.rows:
            style = theme.styles[row.mark].rich if row.mark else ""
            for line in _listed(table.columns, row, width, here):
                console.print(Text(line, style=style), overflow="fold")
    if table.caption:
        console.print(Text(clean_line(table.caption), style=theme.styles["dim"].rich))
    return _trimmed(written.getvalue())


def _widths(table: Table, width: int) -> list[int] | None:
    """Return how wide each column is; None where words would have too little room.

    Numbers stand whole. The first column, which names the row, is whole where the others have
    enough all the same; they share what is left.
    """
    from rich.cells import cell_len

    cells = zip(*(map(clean_line, row.cells) for row in table.rows), strict=True)
    columns = list(cells) or [()] * len(table.columns)
    widths = [
        max(map(cell_len, (name, *column)))
        for name, column in zip(table.columns, columns, strict=True)
    ]
    words = [at for at, name in enumerate(table.columns) if name not in table.numeric]
    room = width - 1 - len(GAP) * len(widths)
    room -= sum(widths) - sum(widths[at] for at in words)
    if room < sum(min(widths[at], LEAST_WORDS) for at in words):
        return None
    first, *others = words
    left = room - sum(min(widths[at], ENOUGH_WORDS) for at in others)
    even = shares([widths[at] for at in words], room)[0]
    widths[first] = min(widths[first], max(left, even))
    rest = shares([widths[at] for at in others], room - widths[first])
    for at, share in zip(others, rest, strict=True):
        widths[at] = share
    return widths


def _listed(columns: Sequence[str], row: Row, width: int, here: str) -> Iterator[str]:
    """Yield the lines of a row that stands alone: its name, and below that what is said of it."""
    from rich.cells import cell_len

    name, *cells = map(clean_line, row.cells)
    yield f"{here if row.mark == 'here' else ' '} {name}"
    line = ""
    said = (f"{what} {cell}" for what, cell in zip(columns[1:], cells, strict=True) if cell)
    for part in said:
        longer = f"{line}{BETWEEN}{part}" if line else f"{INDENT}{part}"
        if line and cell_len(longer) > width:
            yield line
            longer = f"{INDENT}{part}"
        line = longer
    if line:
        yield line


def _grid(table: Table, widths: Sequence[int], here: str, theme: Theme) -> Grid:
    from rich.table import Table as Grid
    from rich.text import Text

    head = theme.styles["dim"].rich
    grid = Grid(box=None, pad_edge=False, header_style=head, show_header=table.headed)
    grid.add_column("", width=1)
    for name, width in zip(table.columns, widths, strict=True):
        grid.add_column(
            name,
            width=width,
            justify="right" if name in table.numeric else "left",
            no_wrap=name == table.columns[0],
            overflow="ellipsis" if name == table.columns[0] else "fold",
        )
    cropped = [name in table.cropped for name in table.columns]
    for row in table.rows:
        cells = [Text(clean_line(cell)) for cell in row.cells]
        for cell, whole in zip(cells, cropped, strict=True):
            if whole:
                # On the cell, not on the column: rich narrows a column that wraps before others.
                cell.no_wrap, cell.overflow = True, "ellipsis"
        sign = here if row.mark == "here" else ""
        grid.add_row(sign, *cells, style=theme.styles[row.mark].rich if row.mark else None)
    return grid


def _console(width: int, *, color: bool) -> tuple[Console, StringIO]:
    from rich.console import Console

    written = StringIO()
    console = Console(
        file=written,
        width=width,
        force_terminal=color,
        color_system="256" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    return console, written


def _trimmed(text: str) -> str:
    """Return the lines without the padding that would be copied along with them."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())

"""A table as text, no wider than the terminal."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from chatcli.conversation.events import Table
from chatcli.terminal.sanitize import clean_line
from chatcli.terminal.theme import PALETTE, Theme

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid


def tabled(table: Table, width: int, here: str, theme: Theme = PALETTE, *, color: bool) -> str:
    """Return the table; `here` is the sign before the rows where one is."""
    from rich.text import Text

    console, written = _console(width, color=color)
    console.print(Text(table.title, style=theme.styles["here"].rich))
    console.print(_grid(table, here, theme))
    if table.caption:
        console.print(Text(clean_line(table.caption), style=theme.styles["dim"].rich))
    return _trimmed(written.getvalue())


def _grid(table: Table, here: str, theme: Theme) -> Grid:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, pad_edge=False, header_style=theme.styles["dim"].rich)
    grid.add_column("")
    for name in table.columns:
        grid.add_column(
            name,
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

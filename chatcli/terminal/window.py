"""The application in a window that is resized while it is drawn.

prompt_toolkit erases what it drew by going up as many rows as it drew. Many terminals fold rows
that have become too long for a narrower window, so that there are more of them by then; what it
leaves stays in the scrollback for good. Here the rows are counted as the terminal has folded them.

Which terminals do that is known of some and of no other, by what the environment says or by the
name that they give when asked: one row too few leaves a line twice, one too many erases a line that
was finished.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.screen import Char
from prompt_toolkit.renderer import CPR_Support, Renderer

SETTLES_IN: Final = 0.3
"""Seconds after a resize in which nothing is drawn.

While a window is dragged, a program hears late of its size: tmux tells at most every 0.25 s, and
nobody can say what became of rows that were drawn for a width that was no longer true.
"""

_FOLDING_TERMS: Final = ("tmux", "xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty")
_FOLDING_PROGRAMS: Final = {"iTerm.app", "Apple_Terminal", "WezTerm", "ghostty", "vscode"}
_SIGNS_OF_FOLDING: Final = ("VTE_VERSION", "KONSOLE_VERSION", "WT_SESSION", "KITTY_WINDOW_ID")
_SIGNS_OF_NONE: Final = ("STY", "XTERM_VERSION")
_FOLDING_NAMES: Final = (
    *("tmux", "kitty", "foot", "wezterm", "ghostty", "vte", "konsole", "iterm2", "xterm.js"),
)


def folds(surroundings: Mapping[str, str]) -> bool | None:
    """Return whether the terminal folds its rows when its window gets narrower.

    `surroundings` are variables of the environment. None where they don't tell.
    """
    if "TMUX" in surroundings or surroundings.get("TERM", "").startswith(_FOLDING_TERMS):
        return True
    if any(name in surroundings for name in _SIGNS_OF_NONE):
        return False
    known = surroundings.get("TERM_PROGRAM") in _FOLDING_PROGRAMS
    return True if known or any(name in surroundings for name in _SIGNS_OF_FOLDING) else None


def is_called_one_that_folds(name: str) -> bool:
    """Return whether a terminal that calls itself so, like `tmux 3.4`, folds its rows."""
    return name.casefold().startswith(_FOLDING_NAMES)


class WindowApplication(Application[None]):
    """An application that stands still for a moment after each resize, then goes on.

    `on_settled` is called when that moment is over. `folding` is whether the terminal folds its
    rows, as far as that is known yet.
    """

    def __init__(self, *, on_settled: Callable[[], None], folding: bool, **options: Any) -> None:
        super().__init__(**options)
        self._on_settled = on_settled
        self._still_until = 0.0
        self.renderer: WindowRenderer = WindowRenderer(
            self._merged_style, self.output, folding=folding
        )
        # It would draw down to the window's end once the terminal had said where that is, and a
        # lower window would push out what was drawn.
        self.renderer.cpr_support = CPR_Support.NOT_SUPPORTED

    @property
    def still(self) -> bool:
        """Whether nothing may be drawn just now."""
        return self.is_running and time.monotonic() < self._still_until

    def _on_resize(self) -> None:
        # While another program has the terminal, an editor, nothing there is ours to erase.
        if not (self.still or self._running_in_terminal):
            super()._on_resize()
        self._still_until = time.monotonic() + SETTLES_IN
        asyncio.get_running_loop().call_later(SETTLES_IN + 0.01, self._settle)

    def _settle(self) -> None:
        if not self.still and self.is_running:
            self._on_settled()
            self._redraw()

    def _redraw(self, render_as_done: bool = False) -> None:
        if render_as_done or not self.still:
            super()._redraw(render_as_done)


class WindowRenderer(Renderer):
    """A renderer that knows where its cursor is after the terminal has folded its rows."""

    def __init__(self, *arguments: Any, folding: bool) -> None:
        self.folding = folding
        super().__init__(*arguments)

    def render(self, app: Application[Any], layout: Layout, is_done: bool = False) -> None:
        self._follow_window()
        super().render(app, layout, is_done)

    def erase(self, leave_alternate_screen: bool = True) -> None:
        self._follow_window()
        super().erase(leave_alternate_screen)

    def _follow_window(self) -> None:
        """Find out where the cursor is by now; what was drawn for another size is to go."""
        screen, size = self._last_screen, self.output.get_size()
        if screen is None or self._last_size is None or size == self._last_size:
            return
        if self.folding and size.columns < self._last_size.columns:
            rows = screen.data_buffer
            above = range(self._cursor_pos.y)
            y = sum(rows_taken(rows[row], self._used(rows[row]), size.columns) for row in above)
            folded, x = divmod(self._cursor_pos.x, size.columns)
            self._cursor_pos = Point(x=x, y=y + folded)
        self._last_screen = self._last_size = None

    def _used(self, row: Mapping[int, Char]) -> int:
        """Return how many cells of a row were written to."""
        styled: Mapping[str, bool] = self._style_string_has_style or {}
        written = (
            column
            for column, cell in row.items()
            if cell.char != " " or styled.get(cell.style, False)
        )
        return max(written, default=-1) + 1


def rows_taken(row: Mapping[int, Char], used: int, width: int) -> int:
    """Return how many rows of `width` cells a terminal makes of one; no wide character is cut."""
    rows, filled, column = 1, 0, 0
    while column < used:
        cell = row.get(column)
        cells = (cell.width if cell else 1) or 1
        if filled + cells > width:
            rows, filled = rows + 1, 0
        filled += cells
        column += cells
    return rows

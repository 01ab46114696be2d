"""pyte's screen with a scrollback, an alternate screen, and no character lost."""

from __future__ import annotations

import copy
import re
from collections import deque
from collections.abc import Callable

import pyte
from pyte import modes as mo
from pyte.screens import Cursor, Margins
from wcwidth import wcwidth

SCROLLBACK = 10_000  # rows
ALTERNATE = {47, 1047, 1049}
RUNS = re.compile(r"[ -~]+|[^ -~]")  # plain text as long as it lasts, all else one by one


class Screen(pyte.Screen):
    """The rows that are shown, and the text of those that have left at the top.

    pyte's own HistoryScreen is a third as fast and drops the rows that a smaller window pushes out.
    `answer` gets what the terminal says when it is asked where its cursor is, or what it is.
    """

    def __init__(self, columns: int, lines: int, answer: Callable[[str], None]) -> None:
        self.scrollback: deque[str] = deque(maxlen=SCROLLBACK)
        self._answer = answer
        self._main_cursor: Cursor | None = None
        super().__init__(columns, lines)
        self._main_rows = copy.copy(self.buffer)

    def row_text(self, number: int) -> str:
        """One row in its full width; the second cell of a wide character has no text."""
        row = self.buffer[number]
        cells = [row[column].data for column in range(self.columns)]
        pairs = zip(["", *cells], cells, strict=False)
        return "".join(cell or ("" if _is_wide(before) else " ") for before, cell in pairs)

    def report_position(self, private: str = "") -> None:
        row, column = self.cursor.y + 1, min(self.cursor.x + 1, self.columns)
        self._answer(f"\x1b[{private}{row};{column}R")

    def report_device_status(self, mode: int) -> None:
        if mode == 6:
            self.report_position()
        else:
            super().report_device_status(mode)

    def write_process_input(self, data: str) -> None:
        self._answer(data)

    def draw(self, data: str) -> None:
        for run in RUNS.findall(data):
            width = 1 if run.isascii() and run.isprintable() else wcwidth(run)
            if width == 0:
                self._join(run)
            elif width > 0:
                if width == 2 and self.cursor.x == self.columns - 1 and mo.DECAWM in self.mode:
                    self.cursor.x = self.columns  # both halves go to the next row
                super().draw(run)

    def _join(self, mark: str) -> None:
        """Add a character without width to the one before it, which pyte does for accents only."""
        row, column = self.buffer[self.cursor.y], self.cursor.x - 1
        if column > 0 and not row[column].data:
            column -= 1
        if column >= 0:
            row[column] = row[column]._replace(data=row[column].data + mark)

    def index(self) -> None:
        top, bottom = self.margins or Margins(0, self.lines - 1)
        if self.cursor.y == bottom and top == 0:
            self._keep(0)
        super().index()

    def _keep(self, number: int) -> None:
        if not self._main_cursor:
            self.scrollback.append(self.row_text(number))

    def erase_in_display(self, how: int = 0, *args: object, **kwargs: object) -> None:
        super().erase_in_display(how)
        if how == 3:
            self.scrollback.clear()

    def reset(self) -> None:
        self._main_cursor = None
        super().reset()

    def set_mode(self, *modes: int, **kwargs: bool) -> None:
        if kwargs.get("private") and ALTERNATE.intersection(modes) and not self._main_cursor:
            self._main_rows = copy.copy(self.buffer)
            self._main_cursor = copy.copy(self.cursor)
            self.buffer.clear()
        super().set_mode(*modes, **kwargs)

    def reset_mode(self, *modes: int, **kwargs: bool) -> None:
        if kwargs.get("private") and ALTERNATE.intersection(modes) and self._main_cursor:
            self.buffer = self._main_rows
            self.cursor = self._main_cursor
            self._main_cursor = None
            self.ensure_hbounds()
            self.ensure_vbounds()
        super().reset_mode(*modes, **kwargs)

    def fit(self, lines: int, columns: int) -> None:
        """Take the size of a resized window; rows that have no more room leave at the top."""
        for _ in range(self.cursor.y - lines + 1):
            self._keep(0)
            for number in range(self.lines):
                self.buffer[number] = self.buffer[number + 1]
            self.cursor.y -= 1
        for number in [number for number in self.buffer if number >= lines]:
            del self.buffer[number]
        self.lines = lines
        self.resize(columns=columns)
        self.margins = None
        self.tabstops = set(range(8, columns, 8))
        self.ensure_hbounds()


def _is_wide(cell: str) -> bool:
    return bool(cell) and wcwidth(cell[0]) == 2

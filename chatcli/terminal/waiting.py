"""What a program without a screen shows while something takes its time: one line, drawn over."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from chatcli.terminal.outline import cropped
from chatcli.terminal.sanitize import clean_line

LOOK_EVERY: Final = 0.1
SHOWN_AFTER: Final = 0.5
USUAL_WIDTH: Final = 80


@contextmanager
def showing(activity: Callable[[], str], stream: TextIO) -> Iterator[WaitingLine]:
    """Show on `stream` what `activity` says is going on, for as long as it says something.

    A terminal gets one line that is drawn over and taken away again; a file or a pipe is told once.
    """
    ended = threading.Event()
    line = WaitingLine(stream)

    def look() -> None:
        ended.wait(SHOWN_AFTER)
        while not ended.is_set():
            line.show(clean_line(activity()))
            ended.wait(LOOK_EVERY)

    watcher = threading.Thread(target=look, name="waiting", daemon=True)
    watcher.start()
    try:
        yield line
    finally:
        ended.set()
        watcher.join()
        line.show("")


class WaitingLine:
    """The line on its stream. Whoever writes on the same terminal does so by way of `to`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._guard = threading.Lock()
        self._told = False
        self._columns = 0

    def show(self, text: str) -> None:
        """Show another text in the place of the last one, nothing where it is empty."""
        with self._guard:
            if self._terminal:
                self._draw(text)
            elif text and not self._told:
                self._told = True
                self._write(f"{text}\n")

    def to(self, stream: TextIO) -> Callable[[str], None]:
        """Return a function that writes to `stream`, the line out of the way."""

        def write(text: str) -> None:
            with self._guard:
                if self._columns:
                    self._draw("")
                stream.write(text)
                stream.flush()

        return write

    def _draw(self, text: str) -> None:
        if not text and not self._columns:
            return
        from rich.cells import cell_len

        # A line that is broken by the edge could not be taken away again.
        line = cropped(text, _width(self._stream) - 1, "…")
        self._write(f"\r{' ' * self._columns}\r{line}")
        self._columns = cell_len(line)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except (OSError, ValueError):
        return USUAL_WIDTH

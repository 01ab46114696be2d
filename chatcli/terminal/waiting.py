"""What a program without a screen shows while something takes its time: one line, drawn over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from chatcli.terminal.sanitize import clean_line

LOOK_EVERY: Final = 0.1
SHOWN_AFTER: Final = 0.5


@contextmanager
def showing(activity: Callable[[], str], stream: TextIO) -> Iterator[None]:
    """Show on `stream` what `activity` says is going on, for as long as it says something.

    A terminal gets one line that is drawn over and taken away again; a file or a pipe is told once.
    """
    ended = threading.Event()
    line = _Line(stream)

    def look() -> None:
        ended.wait(SHOWN_AFTER)
        while not ended.is_set():
            line.show(clean_line(activity()))
            ended.wait(LOOK_EVERY)

    watcher = threading.Thread(target=look, name="waiting", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        line.show("")


class _Line:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._told = False
        self._width = 0

    def show(self, text: str) -> None:
        if self._terminal:
            if text or self._width:
                self._write(f"\r{' ' * self._width}\r{text}")
            self._width = len(text)
        elif text and not self._told:
            self._told = True
            self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

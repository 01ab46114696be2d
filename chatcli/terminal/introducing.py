"""A terminal asked what it is, outside of any chat, where nobody is typing yet."""

from __future__ import annotations

import os
import sys
import time
from typing import Final

from chatcli.terminal.answers import BACKGROUND, NAME, Answers

PATIENCE: Final = 0.5
"""Seconds that a terminal which answers nothing is waited for."""


def introduced() -> dict[str, str]:
    """Return what the terminal answers: its `name`, its `background` as X11 writes a colour.

    Empty where it says nothing, and where there is no terminal to ask.
    """
    if os.name == "nt" or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return {}
    told: dict[str, str] = {}
    answers = Answers()
    question = answers.expect(
        {
            NAME: lambda answer: told.update(name=answer),
            BACKGROUND: lambda answer: told.update(background=answer),
        }
    )
    _hear(answers, question)
    return told


def _hear(answers: Answers, question: str) -> None:
    """Ask, and read answers without showing them until the last has come or time is up."""
    import select
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    end = time.monotonic() + PATIENCE
    try:
        tty.setcbreak(descriptor)
        sys.stdout.write(question)
        sys.stdout.flush()
        while answers.owed and (left := end - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left)[0]:
                answers.without(os.read(descriptor, 1024).decode("ascii", "replace"))
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

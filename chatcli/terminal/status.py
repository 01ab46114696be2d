"""The line above the input line: what is going on, what waits, and what a key would do."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final

from chatcli.conversation.exchange import Pause
from chatcli.conversation.messages import Node
from chatcli.conversation.text import first_words
from chatcli.terminal.running import Line
from chatcli.terminal.sanitize import clean_line
from chatcli.terminal.theme import Glyphs

FRAMES_A_SECOND: Final = 10
"""How often the spinner turns."""

ABOUT_TO_LEAVE: Final = "Ctrl-C again leaves; Ctrl-D does too"


def working(seconds: float, doing: str, waiting: Sequence[Line], glyphs: Glyphs) -> str:
    """Say how long a turn has taken so far, what it does, and which line comes after it.

    How many lines wait comes first: what is done may be long, and the window narrow.
    """
    spinner = glyphs.spinner[int(seconds * FRAMES_A_SECOND) % len(glyphs.spinner)]
    queued = f"{len(waiting)} waiting" if waiting else ""
    if queued and not doing:
        queued += f": {first_words(waiting[0].text)}"
    parts = (f"{spinner} {seconds:.0f} s", queued, doing)
    return clean_line(glyphs.dot.join(part for part in parts if part))


def sending_again(pause: Pause) -> str:
    """Say when a request that failed is sent again, for which time, and in brief why it failed."""
    again = pause.retrying
    times = f"{again.attempt + 1} of {again.attempts}"
    return f"sending again in {ceil(pause.left())} s ({times}): {again.reason.partition(': ')[0]}"


def editing(node: Node, history: Sequence[Node]) -> str:
    """Say which message the line takes the place of."""
    numbers = (number for number, each in enumerate(history, 1) if each is node)
    return f"editing message {next(numbers, '')}: Enter sends it, Ctrl-C leaves it as it is"

"""Take the README's picture: the real program on a real pty, with the embedded model.

    python scripts/take_pictures.py docs/chat.svg

The model's weights are fetched where they are missing. What it says differs from run to run.
"""

from __future__ import annotations

import os
import sys
import tempfile
from io import StringIO
from pathlib import Path

import pyte
from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.program import chatcli_argv, clean_env
from tests.support.terminal import Terminal

ROWS, COLUMNS = 45, 92
# What is typed, and how many replies there are by then.
LINES = {
    "My name is Alice.": 1,
    "What is my name?": 2,
    "/edit 1 My name is Grace.": 3,
    "/tree": 3,
    "/tokens": 3,
}
# pyte's names for the sixteen colours that rich calls otherwise.
COLOURS = {"brown": "yellow", "default": None}


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        screen = conversation(Path(folder))
    console = Console(record=True, width=COLUMNS, file=StringIO())
    console.print(screen, end="")
    console.save_svg(str(target), title="chatcli chat --persona pirate")


def conversation(home: Path) -> Text:
    """Chat a little, and return what is on the screen then."""
    cache = os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser()))
    models = Path(cache) / "chatcli" / "models"
    if models.is_dir():
        (home / "chatcli" / "cache").mkdir(parents=True)
        (home / "chatcli" / "cache" / "models").symlink_to(models)
    argv = chatcli_argv("chat", "--persona", "pirate")
    with Terminal(argv, env=clean_env(home), cwd=home, rows=ROWS, cols=COLUMNS) as terminal:
        for line, replies in LINES.items():
            terminal.wait_for_prompt()
            terminal.type(line).key("enter")
            terminal.wait_until(lambda n=replies: shown(terminal) >= n, timeout=120)
            terminal.wait_until(lambda: terminal.cursor[1] == 2)
        terminal.wait_for("the endpoint reported")
        terminal.wait_for_prompt()
        raw = terminal.raw
    return picture(raw)


def shown(terminal: Terminal) -> int:
    """Return how many replies are complete: each is followed by its figures."""
    return terminal.transcript().count("tokens/s")


def picture(raw: bytes) -> Text:
    """Return what a terminal shows after these bytes, with its colours."""
    screen = pyte.Screen(COLUMNS, ROWS)
    pyte.ByteStream(screen).feed(raw)
    text = Text()
    for row in range(ROWS):
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            text.append(cell.data, style_of(cell))
        text.append("\n")
    return text


def style_of(cell: pyte.screens.Char) -> str:
    colour = COLOURS.get(cell.fg, cell.fg)
    if colour and colour.startswith("bright"):
        colour = f"bright_{colour.removeprefix('bright')}"
    flags = [name for name in ("bold", "underline", "reverse") if getattr(cell, name, False)]
    flags += ["italic"] if cell.italics else []
    return " ".join([*flags, colour or ""]).strip()


if __name__ == "__main__":
    main()

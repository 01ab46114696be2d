"""The clipboard: by a program that has it, or by the terminal itself (OSC 52).

Over ssh the programs of this machine have the clipboard of nobody who sits here, so there the
terminal is asked, which is where the user is.
"""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import Final

MOST_BASE64: Final = 100_000
"""The most characters that are sent to a terminal: what xterm takes, and others after it."""

PATIENCE: Final = 2.0
"""Seconds that a program has to take the text."""

_NOT_PASTED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def programs(surroundings: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the commands that may have the user's clipboard, the likeliest first.

    `surroundings` are the variables that tell where the user sits.
    """
    if not any(map(surroundings.get, ("SSH_CONNECTION", "SSH_TTY"))):
        if surroundings.get("WAYLAND_DISPLAY"):
            yield ["wl-copy"]
        if surroundings.get("DISPLAY"):
            yield ["xclip", "-selection", "clipboard"]
            yield ["xsel", "--clipboard", "--input"]
        yield ["pbcopy"]
        yield ["clip.exe"]
    if surroundings.get("TMUX"):
        # tmux asks its own terminal, by whatever way that one has.
        yield ["tmux", "load-buffer", "-w", "-"]


def handed_over(text: str, surroundings: Mapping[str, str]) -> str | None:
    """Hand `text` to a program that has the clipboard, and return its name.

    None where there is none that takes it.
    """
    for command in programs(surroundings):
        if shutil.which(command[0]) and _takes(command, pasteable(text)):
            return command[0]
    return None


def osc52(text: str, *, tmux: bool) -> str | None:
    """Return what has the terminal take `text` into its clipboard; None where it is too long.

    tmux passes on what is wrapped for it, if its `allow-passthrough` is on.
    """
    payload = base64.b64encode(pasteable(text).encode()).decode()
    if len(payload) > MOST_BASE64:
        return None
    sequence = f"\x1b]52;c;{payload}\x07"
    return f"\x1bPtmux;\x1b{sequence}\x1b\\" if tmux else sequence


def pasteable(text: str) -> str:
    """Return a text without what would drive a terminal that it is pasted into."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NOT_PASTED.sub("", lines).encode(errors="replace").decode()


def _takes(command: list[str], text: str) -> bool:
    """Tell whether a program has taken the text.

    What it prints goes nowhere: some stay to serve the clipboard, and would hold a pipe open.
    """
    coding = "utf-16-le" if command[0] == "clip.exe" else "utf-8"
    try:
        done = subprocess.run(  # noqa: S603 - one of the commands above
            command,
            input=text.encode(coding),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0

"""The keys that the tests use, and whether one of them got to where no key may be.

Every file that a test leaves in its `tmp_path` is searched for them, everything that a program
started by `run_chatcli`, `PipedChat` or `Terminal` prints, and everything that pytest captures.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

CANARY: Final = "sk-canary-7f3d29c1e8"

_KEYS: Final = re.compile(rb"sk-(?:canary|test)[0-9A-Za-z-]*")
_KEEP_KEYS: Final = {".env", "keys.toml"}
_ON_PURPOSE: Final = ".secret"
_MOST_BYTES: Final = 8 * 2**20

_printed: Final[list[str]] = []


def watch(output: str | bytes, what: str) -> None:
    """Look for a key in what a program has printed; the test that runs fails at its end."""
    data = output.encode("utf-8", "replace") if isinstance(output, str) else output
    if found := _KEYS.search(data):
        _printed.append(f"{what} shows {found[0].decode()}")


def watch_folder(folder: Path) -> None:
    """Look for a key in the files of a folder that won't be there when the test ends."""
    _printed.extend(left_in(folder))


def printed() -> list[str]:
    """Return what `watch` has found since it was asked last."""
    told = _printed.copy()
    _printed.clear()
    return told


def left_in(folder: Path) -> Iterator[str]:
    """Yield a line on each file below a folder that holds a key, and is not there to hold keys.

    Those are a .env, chatcli's own keys.toml, and what a test calls *.secret.
    """
    for place, _, names in os.walk(folder):
        for name in names:
            if name in _KEEP_KEYS or name.endswith(_ON_PURPOSE):
                continue
            if found := _KEYS.search(_start_of(Path(place, name))):
                yield f"{Path(place, name)} holds {found[0].decode()}"


def _start_of(path: Path) -> bytes:
    with suppress(OSError):
        if stat.S_ISREG(path.lstat().st_mode):
            with path.open("rb") as file:
                return file.read(_MOST_BYTES)
    return b""

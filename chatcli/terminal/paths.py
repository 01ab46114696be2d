"""Files by a few letters of their path: in the folder that was typed, or somewhere below it.

However large a tree is, only so much of it is looked at, and no link is followed on the way down.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from chatcli.commands.registry import Choice
from chatcli.personas.names import ENDINGS
from chatcli.terminal.matching import MOST_OFFERED, matching

MOST_IN_A_FOLDER: Final = 5000
MOST_WALKED: Final = 3000
"""Entries that are looked at, in the folder that was typed and in all those below it."""

DEEPEST: Final = 6
LETTERS_FOR_A_WALK: Final = 2

PASSED_BY: Final = {"node_modules", "__pycache__", "venv", "site-packages", "target", "dist"}
"""Folders that others fill, where nobody looks for a file of their own."""

_NEITHER: Final = frozenset(
    {".7z", ".a", ".avi", ".bin", ".bz2", ".class", ".db", ".dll", ".dylib", ".exe", ".gguf"}
    | {".gz", ".ico", ".iso", ".jar", ".mkv", ".mov", ".mp3", ".mp4", ".npy", ".o", ".ogg"}
    | {".otf", ".pkl", ".pyc", ".rar", ".so", ".sqlite", ".tar", ".tgz", ".ttf", ".wasm", ".wav"}
    | {".whl", ".woff", ".woff2", ".xz", ".zip", ".zst"}
    | {".avif", ".bmp", ".heic", ".heif", ".psd", ".tif", ".tiff"}
)
"""Endings of what is neither text nor an image that models take."""

Wanted: TypeAlias = Callable[[str], bool]


def attachable(name: str) -> bool:
    """Tell whether a file of that name may be something that goes along with a question."""
    return os.path.splitext(name)[1].lower() not in _NEITHER  # noqa: PTH122 - no path is needed


def session_file(name: str) -> bool:
    return name.lower().endswith(".json")


def persona_file(name: str) -> bool:
    return name.lower().endswith(ENDINGS)


def no_file(_name: str) -> bool:
    """Want folders alone, for the place of a file that is yet to be."""
    return False


def files_like(typed: str, wanted: Wanted) -> list[Choice]:
    """Return the paths that `typed` may be the beginning of, or may mean.

    Of a path with a folder, that folder is looked into; a name alone is looked for below the
    present folder as well. Hidden files are offered to those who type their dot.
    """
    folder, slash, name = typed.rpartition("/")
    place = folder + slash
    here = [
        Choice(entry)
        for entry in _in_folder(place, hidden=name.startswith("."))
        if entry.endswith("/") or wanted(entry)
    ]
    offered = [f"{place}{choice.name}" for choice in matching(here, name)]
    if not slash and len(name) >= LETTERS_FOR_A_WALK and not name.startswith((".", "~")):
        below = [Choice(path) for path in _below() if wanted(path)]
        offered += [each.name for each in matching(below, name)]
    return [Choice(path, _about(path)) for path in offered[:MOST_OFFERED]]


def _in_folder(place: str, *, hidden: bool) -> list[str]:
    """Return the names in a folder, its own folders first, each with a slash at its end."""
    try:
        root = Path(place).expanduser() if place else Path()
        with os.scandir(root) as entries:
            some = list(islice(entries, MOST_IN_A_FOLDER))
    except (OSError, ValueError, RuntimeError):
        return []
    # A name that can't be printed can't be typed either.
    some = [each for each in some if each.name.isprintable() and (hidden or each.name[0] != ".")]
    names = sorted((not _is_folder(each), each.name) for each in some)
    return [name if is_file else f"{name}/" for is_file, name in names]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _below() -> Iterator[str]:
    """Yield the files in the folders below the present one, the nearest first."""
    waiting = deque([("", 0)])
    left = MOST_WALKED
    while waiting and left > 0:
        place, depth = waiting.popleft()
        for name in _in_folder(place, hidden=False)[:left]:
            left -= 1
            if not name.endswith("/"):
                if place:
                    yield place + name
            elif depth < DEEPEST and _worth_entering(place + name):
                waiting.append((place + name, depth + 1))


def _worth_entering(folder: str) -> bool:
    path = Path(folder)
    return path.name not in PASSED_BY and not path.is_symlink()


def _about(path: str) -> str:
    if path.endswith("/"):
        return "folder"
    with suppress(OSError, ValueError, RuntimeError):
        return _size(Path(path).expanduser().stat().st_size)
    return ""


def _size(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"

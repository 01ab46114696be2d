"""What is in a folder, so that a test can say that nothing else was touched."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A file, a folder or a link: its kind and mode, and what is in it."""

    mode: int
    contents: str

    @property
    def permissions(self) -> int:
        return stat.S_IMODE(self.mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.mode)


def tree_of(folder: Path) -> dict[str, Entry]:
    """Return everything below a folder by its path there; links are not followed."""
    return {str(place.relative_to(folder)): entry_of(place) for place in _below(folder)}


def entry_of(place: Path) -> Entry:
    about = place.lstat()
    contents = ""
    if stat.S_ISLNK(about.st_mode):
        contents = str(place.readlink())
    elif stat.S_ISREG(about.st_mode):
        contents = hashlib.sha256(place.read_bytes()).hexdigest()
    return Entry(about.st_mode, contents)


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(place) / name

"""The folders and their rights, and whether the stored sessions can be read."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import Final

from chatcli.doctor.finding import Finding
from chatcli.errors import StorageError
from chatcli.settings import Settings

LITTLE: Final = 200 * 10**6
"""Bytes of free space below which weights and long sessions may not fit."""

MOST_READ: Final = 300
MOST_TOLD: Final = 5
_OTHERS: Final = 0o077


def folders(settings: Settings) -> Iterator[Finding]:
    """Tell where things are kept, and whether they can be."""
    chosen = settings.folders
    places = {
        "config": chosen.config,
        "data": chosen.data,
        "cache": chosen.cache,
        "sessions": chosen.sessions,
    }
    for name, folder in places.items():
        yield _folder(name, folder)
    yield from _open_to_others(chosen.sessions)
    yield from _space(chosen.data)


def _folder(name: str, folder: Path) -> Finding:
    if not folder.exists():
        above = next(each for each in folder.parents if each.exists())
        if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
            return Finding(name, "good", f"{folder} (made when it is needed)")
        return Finding(name, "bad", f"{folder} can't be made", f"you can't write into {above}")
    if not folder.is_dir():
        return Finding(name, "bad", f"{folder} is no folder", "move that file away")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        hint = f"chmod u+rwx {quote(str(folder))}"
        return Finding(name, "bad", f"{folder} can't be written", hint)
    return Finding(name, "good", str(folder))


def _open_to_others(folder: Path) -> Iterator[Finding]:
    if os.name == "nt" or not folder.is_dir():
        return
    if stat.S_IMODE(folder.stat().st_mode) & _OTHERS:
        told = f"{folder} is open to others; the sessions in it are not"
        yield Finding("sessions", "odd", told, f"chmod 700 {quote(str(folder))} closes it")


def _space(folder: Path) -> Iterator[Finding]:
    place = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(place).free
    if free < LITTLE:
        told = f"{free // 10**6} MB are free on the disk of {place}"
        yield Finding("data", "odd", told, "make room, or what is said can't be kept")


def sessions(settings: Settings) -> Iterator[Finding]:
    """Tell how many sessions there are, and which can't be read as they are."""
    from chatcli.storage.library import Library

    try:
        stored = Library(settings.folders.sessions).stored()
    except StorageError as error:
        yield Finding("sessions", "bad", error.message, error.hint)
        return
    wrong = [found for each in stored[:MOST_READ] for found in _session(each.path)]
    yield from wrong[:MOST_TOLD]
    if len(wrong) > MOST_TOLD:
        yield Finding("sessions", "odd", f"{len(wrong) - MOST_TOLD} more are like that")
    newest = f" (of the newest {MOST_READ})" if len(stored) > MOST_READ else ""
    well = f"{len(wrong)} damaged{newest}" if wrong else f"all can be read{newest}"
    yield Finding("sessions", "good", f"{len(stored)} stored, {well}" if stored else "none yet")


def _session(path: Path) -> Iterator[Finding]:
    from chatcli.storage import formats, mending

    try:
        reading = mending.read_session(path)
    except StorageError:
        try:
            formats.read_one(path)
        except StorageError as error:
            hint = error.hint or "move it out of the folder, or restore it"
            yield Finding("sessions", "bad", f"{path.name} can't be read: {error.message}", hint)
        return
    if not reading.sound:
        told = f"{path.name} is torn: {len(reading.lines)} whole records are in it"
        yield Finding("sessions", "odd", told, "opening it mends it, and keeps the rest beside it")

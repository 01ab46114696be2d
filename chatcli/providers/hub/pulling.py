"""Weights of the hub into the cache's models folder: all their parts, checked, under one name."""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatcli.errors import ChatcliError, StorageError, UsageError
from chatcli.providers.hub.client import Hub, Revision
from chatcli.providers.hub.curated import CURATED
from chatcli.providers.hub.download import Download, Errand, part_path
from chatcli.providers.hub.names import (
    Reference,
    RemoteFile,
    Weights,
    check_local_name,
    choose,
    reference,
)
from chatcli.providers.hub.progress import Progress, amount_of
from chatcli.providers.hub.shelf import Source, note_source, source_of
from chatcli.providers.profiles import SMOLLM2
from chatcli.providers.verified import (
    is_verified,
    make_models_folder,
    models_folder,
    one_at_a_time,
    vouch,
)

SPARE: Final = 50_000_000
"""Bytes that a pull leaves free on the disk."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is pulled, and what it will be called here; None: as its file is called."""

    reference: Reference
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Pulled:
    """Weights that are here now; `fetched` False: they have been before."""

    name: str
    size: int
    repo: str
    licence: str | None
    fetched: bool


def wanted(text: str, name: str | None = None) -> Wanted:
    """Return what somebody means: a name of the list, or weights on the hub. Raises UsageError."""
    if name is not None and check_local_name(name) == SMOLLM2:
        raise UsageError(f"`{SMOLLM2}` is the model that comes with chatcli", "take another name")
    if text in CURATED:
        return Wanted(CURATED[text].reference, name or text)
    if "/" not in text:
        raise UsageError(f"there is no model `{text}` on the list", _nearest(text))
    return Wanted(reference(text), name)


def _nearest(text: str) -> str:
    import difflib

    near = difflib.get_close_matches(text.casefold(), CURATED, n=1, cutoff=0.5)
    meant = f"did you mean {near[0]}? " if near else "`chatcli models list local` shows it; "
    return f"{meant}OWNER/NAME means a repository of the hub"


def pull(
    hub: Hub,
    what: Wanted,
    cache: Path,
    progress: Progress,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Pulled:
    """Fetch weights, unless they are here as the hub has them now.

    Of several processes one fetches and the others wait. What an earlier pull has left is gone on
    with; what this one leaves, if it is broken off, the next will. Raises ChatcliError.
    """
    progress.doing(f"asking {hub.host}")
    revision = hub.revision(what.reference)
    weights = choose(what.reference, revision.files)
    name = what.name or check_local_name(weights.name)
    try:
        folder = make_models_folder(cache)
        with one_at_a_time(folder / f"{name}.gguf", lambda: progress.doing(_WAITING)):
            _refuse_another(folder, name, revision)
            errand = Errand(hub, revision, progress, weights.size, pause)
            fetched = _fetched(errand, folder, _targets(folder, name, weights))
            note_source(folder, name, Source(revision.repo, revision.commit, revision.licence))
    except OSError as error:
        raise _disk_fault(error, models_folder(cache)) from error
    return Pulled(name, weights.size, revision.repo, revision.licence, fetched)


_WAITING: Final = "another chatcli fetches it; waiting for that"


def _refuse_another(folder: Path, name: str, revision: Revision) -> None:
    """Weights of one repository don't take the place of another's."""
    source = source_of(folder, name)
    if source is not None and source.repo.casefold() != revision.repo.casefold():
        raise UsageError(
            f"`{name}` is here already, from {source.repo}",
            f"--name OTHER keeps both; `chatcli models remove {name}` makes room",
        )


def _fetched(errand: Errand, folder: Path, targets: Mapping[RemoteFile, Path]) -> bool:
    """Put all files in place, and tell whether any had to be fetched."""
    errand.progress.doing("looking at what is here")
    missing = {
        file: target
        for file, target in targets.items()
        if not is_verified(target, file.sha256, file.size)
    }
    _check_room(folder, sum(file.size - _come(file, target) for file, target in missing.items()))
    before = errand.total - sum(file.size for file in missing)
    for file, target in missing.items():
        part = Download(errand, file, target, before).run()
        part.replace(target)
        vouch(target, file.sha256)
        _forget_parts_of(target)
        before += file.size
    return bool(missing)


def _come(file: RemoteFile, target: Path) -> int:
    """Return how many bytes of a file are here already."""
    part = part_path(target, file)
    return part.stat().st_size if part.exists() else 0


def _check_room(folder: Path, needed: int) -> None:
    room = max(shutil.disk_usage(folder).free - SPARE, 0)
    if needed > room:
        raise StorageError(
            f"{amount_of(needed)} are to be fetched, and {folder} has room for {amount_of(room)}",
            "make room, or set CHATCLI_HOME to a folder on another disk",
        )


def _targets(folder: Path, name: str, weights: Weights) -> dict[RemoteFile, Path]:
    count = len(weights.files)
    if count == 1:
        return {weights.files[0]: folder / f"{name}.gguf"}
    return {
        file: folder / f"{name}-{number:05}-of-{count:05}.gguf"
        for number, file in enumerate(weights.files, 1)
    }


def _forget_parts_of(target: Path) -> None:
    """Delete what is left of older versions that were never fetched whole."""
    prefix = f"{target.name}."
    for path in target.parent.iterdir():
        if path.name.startswith(prefix) and path.suffix == ".part":
            path.unlink(missing_ok=True)


def _disk_fault(error: OSError, folder: Path) -> ChatcliError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageError(
            f"the disk is full; what has come so far is kept in {folder}",
            "make room, and the same command goes on",
        )
    return StorageError(
        f"weights can't be kept in {folder}: {error.strerror or error}",
        "set CHATCLI_HOME to a folder that you can write to",
    )

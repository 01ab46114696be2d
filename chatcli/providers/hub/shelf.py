"""The weights that are here: what is in the cache's models folder, under which names.

A model's file is `NAME.gguf`; of one that comes in parts, the parts are `NAME-00001-of-00003.gguf`
and so on, as llama.cpp wants them. `NAME.json` beside it tells where it was pulled from; files that
somebody has put there by hand have none, and are as good.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatcli.errors import StorageError, UsageError
from chatcli.providers.hub.curated import CURATED
from chatcli.providers.hub.progress import amount_of
from chatcli.providers.jsonfile import read_json, write_json
from chatcli.providers.profiles import SMOLLM2
from chatcli.providers.verified import lock_path, one_at_a_time, stamp_path
from chatcli.providers.weights import SMOLLM2 as DEFAULT

_PART: Final = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<of>\d{5})\Z")
_BROKEN_OFF: Final = re.compile(r"(?P<stem>.+?)(?:-\d{5}-of-\d{5})?\.gguf\.[0-9a-f]{12}\.part\Z")
_MOST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Where weights were pulled from."""

    repo: str
    commit: str
    licence: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Weights that are here, whole or in part; `size` is in bytes."""

    name: str
    paths: tuple[Path, ...]
    size: int
    whole: bool = True
    source: Source | None = None


def kept(folder: Path) -> list[Kept]:
    """Return all that is in the folder, by name."""
    files: dict[str, list[Path]] = {}
    parts: dict[str, list[Path]] = {}
    for path in _files(folder):
        if broken := _BROKEN_OFF.fullmatch(path.name):
            parts.setdefault(broken["stem"], []).append(path)
        elif path.suffix == ".gguf":
            files.setdefault(name_of(path), []).append(path)
    names = sorted(files.keys() | parts.keys(), key=str.casefold)
    return [_kept(folder, name, files.get(name, []), parts.get(name, [])) for name in names]


def find(folder: Path, name: str) -> Kept:
    """Return the weights of that name. Raises UsageError with the nearest one."""
    known = {each.name: each for each in kept(folder)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "`chatcli models list local` shows what is here"
    raise UsageError(f"there are no weights `{name}` here", hint)


def not_here(folder: Path, name: str) -> UsageError:
    """Return what there is to say when `--model local:NAME` names weights that are not here."""
    if name in CURATED:
        size = amount_of(CURATED[name].megabytes * 10**6)
        return UsageError(
            f"the local model `{name}` is not here yet",
            f"`chatcli models pull {name}` fetches it ({size})",
        )
    known = {SMOLLM2} | {each.name for each in kept(folder) if each.whole}
    return UsageError(
        f"there is no local model `{name}`",
        f"there is {', '.join(sorted(known))}, or give the path of a GGUF file",
    )


def first_file(folder: Path, name: str) -> Path | None:
    """Return the file to load for the weights of that name, None where they are not all here."""
    for path in (
        folder / f"{name}.gguf",
        *sorted(folder.glob(f"{_literal(name)}-00001-of-*.gguf")),
    ):
        if path.exists():
            part = _PART.fullmatch(path.stem)
            return path if part is None or _all_there(folder, part) else None
    return None


def remove(weights: Kept) -> None:
    """Delete weights with all that is beside them. Raises StorageError."""
    folder = weights.paths[0].parent
    file = DEFAULT.filename if weights.name == SMOLLM2 else f"{weights.name}.gguf"
    with one_at_a_time(folder / file, lambda: _refuse(weights.name)):
        _delete(weights)
    with suppress(OSError):
        lock_path(folder / file).unlink(missing_ok=True)


def _refuse(name: str) -> None:
    raise StorageError(f"another chatcli fetches {name}", "stop that first")


def _delete(weights: Kept) -> None:
    for path in weights.paths:
        try:
            path.unlink(missing_ok=True)
            stamp_path(path).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"could not delete {path}: {error.strerror}", "is it in use by a chat?"
            ) from error
    with suppress(OSError):
        note_path(weights.paths[0].parent, weights.name).unlink(missing_ok=True)


def note_source(folder: Path, name: str, source: Source) -> None:
    """Write down where weights come from, in one step. Raises OSError."""
    stated = {"repo": source.repo, "commit": source.commit, "licence": source.licence}
    write_json(note_path(folder, name), stated)


def source_of(folder: Path, name: str) -> Source | None:
    """Return where weights were pulled from, None where nothing says so."""
    match read_json(note_path(folder, name), _MOST_BYTES):
        case {
            "repo": str(repo),
            "commit": str(commit),
            "licence": str(licence) | (None as licence),
        }:
            return Source(repo, commit, licence)
        case _:
            return None


def note_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def name_of(path: Path) -> str:
    """Return what `--model local:NAME` calls the weights in a file."""
    if path.name == DEFAULT.filename:
        return SMOLLM2
    part = _PART.fullmatch(path.stem)
    return part["stem"] if part else path.stem


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (path for path in folder.iterdir() if path.is_file())


def _kept(folder: Path, name: str, files: list[Path], parts: list[Path]) -> Kept:
    paths = (*sorted(files), *sorted(parts))
    split = _PART.fullmatch(files[0].stem) if files else None
    whole = bool(files) and (split is None or _all_there(folder, split))
    return Kept(name, paths, sum(_size(path) for path in paths), whole, source_of(folder, name))


def _all_there(folder: Path, part: re.Match[str]) -> bool:
    numbers = range(1, int(part["of"]) + 1)
    return all((folder / f"{part['stem']}-{n:05}-of-{part['of']}.gguf").exists() for n in numbers)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _literal(name: str) -> str:
    """Return a name as a pattern that means nothing but it."""
    return re.sub(r"([*?[])", r"[\1]", name)

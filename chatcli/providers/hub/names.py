"""What somebody means who names weights on the hub, and which files of a repository that is.

All of it is pure: `reference` reads what was typed, `choose` picks from what a repository has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from chatcli.errors import UsageError

USUAL: Final = "Q4_K_M"
"""The quantization that costs a model little and fits most machines."""

MOST_NAMED: Final = 8
MOST_PARTS: Final = 999
LONGEST_NAME: Final = 160

_SITES: Final = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/|hf:(?://)?")
_WORD: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,95}"
_REFERENCE: Final = re.compile(
    rf"(?P<repo>{_WORD}/{_WORD})(?:@(?P<revision>{_WORD}))?(?::(?P<quant>\w+)|/(?P<file>.+))?"
)
_OF_A_URL: Final = re.compile(r"(?P<repo>[^/]+/[^/]+)/(?:resolve|blob|tree)/(?P<revision>[^/]+)")
_PART: Final = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<of>\d{5})\Z")
_LOCAL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _+()=-]|\.(?!\.))*(?<! )")

# Files that end in .gguf and are no model that one can talk to.
_NO_MODEL: Final = re.compile(r"(?:^|[._-])(?:mmproj|imatrix)(?:[._-]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reference:
    """What is wanted of the hub: a repository, and of it a file, a quantization, or what suits."""

    repo: str
    revision: str = "main"
    file: str | None = None
    quant: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository: its path there, its size in bytes, and the SHA-256 of it."""

    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Weights:
    """The file of a model, or all the parts that it was split into, in their order."""

    stem: str
    files: tuple[RemoteFile, ...]

    @property
    def name(self) -> str:
        """What they are called here, unless the user calls them otherwise."""
        return PurePosixPath(self.stem).name

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def reference(text: str) -> Reference:
    """Read `REPO[@REVISION][/FILE]`, `REPO:QUANT`, or an address of the hub. Raises UsageError."""
    wanted = text.strip()
    if site := _SITES.match(wanted):
        path = wanted[site.end() :].partition("?")[0].rstrip("/")
        wanted = _OF_A_URL.sub(r"\g<repo>@\g<revision>", path, count=1)
    parts = _REFERENCE.fullmatch(wanted)
    if parts is None or len(wanted) > 4 * LONGEST_NAME:
        raise UsageError(
            f"`{text[:LONGEST_NAME]}` is no repository of the hub",
            "write OWNER/NAME, OWNER/NAME/FILE.gguf or OWNER/NAME:Q4_K_M",
        )
    file = parts["file"]
    if file is not None and not is_safe_path(file):
        raise UsageError(f"`{file[:LONGEST_NAME]}` is no file that can be fetched", "name a .gguf")
    return Reference(parts["repo"], parts["revision"] or "main", file, parts["quant"])


def is_safe_path(path: str) -> bool:
    """Tell whether a path of the hub's is one that can be asked for, and no way out of it."""
    segments = path.split("/")
    return path.isprintable() and len(path) <= 512 and all(part.strip(". ") for part in segments)


def check_local_name(name: str) -> str:
    """Return a name for weights here, if it is one. Raises UsageError."""
    if len(name) > LONGEST_NAME or not _LOCAL.fullmatch(name):
        raise UsageError(
            f"`{name[:LONGEST_NAME]}` is no name for weights",
            "take letters, digits, spaces and -_.+, or choose one: --name NAME",
        )
    return name


def weights_in(files: Iterable[RemoteFile]) -> list[Weights]:
    """Put the files that are models together, the parts of each in their order."""
    together: dict[str, dict[int, RemoteFile]] = {}
    of: dict[str, int] = {}
    for file in files:
        path = file.path.removesuffix(".gguf")
        if path == file.path or not is_safe_path(file.path) or _NO_MODEL.search(file.name):
            continue
        part = _PART.fullmatch(path)
        stem, number = (part["stem"], int(part["number"])) if part else (path, 1)
        together.setdefault(stem, {})[number] = file
        of[stem] = int(part["of"]) if part else 1
    return [
        Weights(stem, tuple(parts[number] for number in sorted(parts)))
        for stem, parts in together.items()
        if 0 < of[stem] <= MOST_PARTS and sorted(parts) == list(range(1, of[stem] + 1))
    ]


def choose(wanted: Reference, files: Sequence[RemoteFile]) -> Weights:
    """Return the weights that are wanted, of those that a repository has. Raises UsageError."""
    there = weights_in(files)
    if not there:
        raise UsageError(
            f"{wanted.repo} holds no whole GGUF weights", "its name often ends in -GGUF then"
        )
    fitting = _fitting(wanted, there)
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        what = wanted.file or wanted.quant or USUAL
        raise UsageError(
            f"{wanted.repo} has {_count(len(there))}, but no {what}: {_names(there)}",
            f"name one: chatcli models pull {wanted.repo}/FILE",
        )
    raise UsageError(
        f"{wanted.repo} has {_count(len(fitting))} that fit: {_names(fitting)}",
        f"name one: chatcli models pull {wanted.repo}/FILE",
    )


def _fitting(wanted: Reference, there: list[Weights]) -> list[Weights]:
    if wanted.file is not None:
        exact = [each for each in there if _is_called(each, wanted.file)]
        name = wanted.file.casefold()
        return exact or [each for each in there if _is_called(each, name, fold=True)]
    if wanted.quant is not None:
        return [each for each in there if _is_quantized(each, wanted.quant)]
    return there if len(there) == 1 else [each for each in there if _is_quantized(each, USUAL)]


def _is_called(weights: Weights, wanted: str, *, fold: bool = False) -> bool:
    """Tell whether the user means these: by path, by name, with `.gguf` or without."""
    known = {weights.stem, weights.name}
    known |= {known_as for file in weights.files for known_as in (file.path, file.name)}
    known |= {known_as.removesuffix(".gguf") for known_as in known}
    return wanted in ({each.casefold() for each in known} if fold else known)


def _is_quantized(weights: Weights, quant: str) -> bool:
    words = rf"(?<![A-Za-z0-9]){re.escape(quant)}(?![A-Za-z0-9_])"
    return re.search(words, weights.name, re.IGNORECASE) is not None


def _names(those: Sequence[Weights]) -> str:
    named = ", ".join(f"{each.stem}.gguf" for each in those[:MOST_NAMED])
    return f"{named} and {len(those) - MOST_NAMED} more" if len(those) > MOST_NAMED else named


def _count(number: int) -> str:
    return f"{number} model{'' if number == 1 else 's'}"

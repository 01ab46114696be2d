"""The folder of sessions: names, paths, and what there is.

A name is a file's name without `.json`: letters, digits, `.`, `_`, `-` and spaces inside. No name
leads out of the folder, and no two names lead to one file.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from chatcli.conversation.messages import Node
from chatcli.conversation.records import Record
from chatcli.errors import BadName, NoSuchSession, StorageError
from chatcli.storage import files
from chatcli.storage.journal import SUFFIX, FileJournal
from chatcli.storage.locking import is_in_use
from chatcli.storage.partial import SUFFIX as PARTIAL_SUFFIX

MAX_NAME: Final = 100
_NAME = re.compile(r"[^\W_](?:[\w.\- ]*[\w\-])?")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
_UNSEEN = re.compile("[\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_WORDS_IN_NAME: Final = 5


class Stored(NamedTuple):
    """A session of the library as its folder tells of it; `changed` is in seconds since 1970.

    `place` is its path, as the text that the folder gave: of ten thousand sessions few are opened,
    and a `Path` takes longer to make than all else that is known of one.
    """

    name: str
    place: str | Path
    changed: float
    size: int

    @property
    def path(self) -> Path:
        return Path(self.place)


def check_name(name: str) -> str:
    """Return `name` in its one spelling if a session can be called that, else raise BadName."""
    spelled = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(_without_marks(spelled)) or len(spelled.encode()) > MAX_NAME:
        raise BadName(
            f"a session can't be called {_shown(name)}",
            f"use up to {MAX_NAME} letters, digits, `.`, `_`, `-` and spaces inside",
        )
    if _RESERVED.fullmatch(spelled):
        raise BadName(f"{_shown(name)} is a name that Windows keeps for itself", "choose another")
    return spelled


def is_path(target: str) -> bool:
    """Tell whether the user means a file by this, and not the name of a session."""
    return "/" in target or "\\" in target or target.endswith(SUFFIX)


class Library:
    """The sessions of one folder, which is made when the first of them is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Return where the session called `name` is or would be. Raises BadName."""
        path = self.folder / f"{check_name(name)}{SUFFIX}"
        return self._as_spelled_on_disk(path)

    def find(self, target: str) -> Path:
        """Return the file of a session, by name or path. Raises NoSuchSession or BadName."""
        if is_path(target):
            path = files.place(target)
            if not path.exists():
                raise NoSuchSession(f"there is no file {path}", "`chatcli sessions list` lists all")
            return path
        path = self.path(target)
        if path.is_symlink():
            raise StorageError(f"{path} is a link to elsewhere", "give the path of the file itself")
        if not path.exists():
            raise NoSuchSession(
                f"there is no session {_shown(target)}", "`chatcli sessions list` lists all"
            )
        return path

    def stored(self) -> list[Stored]:
        """Return what the folder holds, newest first."""
        found = list(self._scan())
        found.sort(key=attrgetter("changed"), reverse=True)
        return found

    def is_empty(self) -> bool:
        return next(self._scan(), None) is None

    def newest(self) -> Path:
        """Return the session that was written last. Raises NoSuchSession."""
        newest = max(self._scan(), key=attrgetter("changed"), default=None)
        if newest is None:
            raise NoSuchSession(
                f"there is no session in {self.folder} yet", "`chatcli chat` starts one"
            )
        return newest.path

    def new_journal(self, name: str | None = None) -> FileJournal:
        """Return the journal of a session to come; its file is made by the first append.

        Without a name, the session's date and first words make one. Where somebody else was
        quicker, a number sets the two apart.
        """
        if name is None:
            return FileJournal(lambda records: numbered(self._place(records)), made_up=True)
        path = self.path(name)
        return FileJournal(lambda _records: numbered(path))

    def unfinished(self) -> str | None:
        """Return the name of a session whose last reply a crash cut short, if there is one."""
        try:
            with os.scandir(self.folder) as entries:
                found = [each.path for each in entries if each.name.endswith(PARTIAL_SUFFIX)]
        except OSError:
            return None
        for partial in found:
            path = Path(partial.removesuffix(PARTIAL_SUFFIX))
            with suppress(StorageError):
                if path.is_file() and not is_in_use(path):
                    return path.stem
        return None

    def _place(self, records: Iterable[Record]) -> Path:
        first = (r.content for r in records if isinstance(r, Node) and r.role == "user")
        name = name_for(next(first, ""), datetime.now(UTC).astimezone())
        return self.folder / f"{name}{SUFFIX}"

    def _scan(self) -> Iterator[Stored]:
        try:
            with os.scandir(self.folder) as entries:
                for each in entries:
                    if each.name.endswith(SUFFIX) and (found := _session(each)):
                        yield found
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise files.failed("list", self.folder, error) from error

    def _as_spelled_on_disk(self, path: Path) -> Path:
        """Return the file that has this name but for case or accents' spelling, where there is one.

        On a disk that tells `Notes` from `notes`, they would be two files that another disk, or
        a reader, takes for one.
        """
        if path.exists():
            return path
        wanted = _folded(path.stem)
        same = (found.path for found in self._scan() if _folded(found.name) == wanted)
        return next(same, path)


def _session(entry: os.DirEntry[str]) -> Stored | None:
    """Return the session that an entry of the folder is, if it is a file and no link to one."""
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return None  # somebody else has taken it away meanwhile
    name = entry.name.removesuffix(SUFFIX)
    if not name or not stat.S_ISREG(about.st_mode):
        return None
    return Stored(name, entry.path, about.st_mtime, about.st_size)


def name_for(text: str, when: datetime) -> str:
    """Make a session's name of the day and the first words of `text`."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text[:400]).lower())
    name = when.strftime("%Y-%m-%d")
    for word in words[:_WORDS_IN_NAME]:
        if len(f"{name}-{word}".encode()) > MAX_NAME // 2:
            break
        name = f"{name}-{word}"
    return name


def numbered(path: Path) -> Iterator[Path]:
    """Yield `path`, and then with -2, -3, … at its stem's end."""
    yield path
    for number in itertools.count(2):
        yield path.with_stem(f"{path.stem}-{number}")


def _without_marks(name: str) -> str:
    """Return `name` with `_` for each mark that belongs to the letter before it, as in Hindi."""
    return "".join(
        "_" if unicodedata.category(char).startswith("M") and not _UNSEEN.match(char) else char
        for char in name
    )


def _folded(name: str) -> str:
    """Return what two names have in common that a reader or a disk may take for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _shown(name: str) -> str:
    short = name if len(name) <= 60 else f"{name[:59]}…"
    return f"`{short}`"

"""The personas of some folders: by name, by path, and those that ship."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from chatcli.errors import PersonaError
from chatcli.personas.names import ENDINGS, folded, name_of, shown
from chatcli.personas.persona import Persona
from chatcli.personas.reading import read_persona


class PersonaStore:
    """The personas of some folders; where two have the same name, the earlier folder's counts.

    Names are matched whatever their case. A folder that does not exist holds none.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def names(self) -> list[str]:
        """Return the names in order. Opens no file, so that completion can ask on every key."""
        return [name for name, _ in self._files()]

    def get(self, name: str) -> Persona:
        """Return the persona of that name, or of that file where `name` is a path to one.

        Raises PersonaError.
        """
        return read_persona(_path(name)) if _is_path(name) else self.named(name)

    def named(self, name: str) -> Persona:
        """Return the persona of that name, which is no path. Raises PersonaError.

        That is for a name that somebody else may have written: it opens no other file.
        """
        found, path = self.find(name)
        return _read_named(path, found)

    def find(self, name: str) -> tuple[str, Path]:
        """Return a name as its file has it, and the file, unread. Raises PersonaError."""
        wanted = folded(name)
        for found, path in self._files():
            if folded(found) == wanted:
                return found, path
        raise PersonaError(f"no persona is named {shown(name)}", self._suggestion(wanted))

    def all(self) -> list[Persona | PersonaError]:
        """Return every persona in the order of names, or what is wrong with its file."""
        return list(self._read_all())

    def broken(self) -> list[PersonaError]:
        """Return what is wrong with the files that `list` leaves out."""
        return [found for found in self._read_all() if isinstance(found, PersonaError)]

    def list(self) -> list[Persona]:
        """Return every persona that can be read, in the order of their names."""
        return [found for found in self._read_all() if isinstance(found, Persona)]

    def _read_all(self) -> Iterator[Persona | PersonaError]:
        for name, path in self._files():
            try:
                yield _read_named(path, name)
            except PersonaError as error:
                yield error

    def _files(self) -> Sequence[tuple[str, Path]]:
        found: dict[str, tuple[str, Path]] = {}
        for folder in self._folders:
            for name, path in _files_in(folder):
                found.setdefault(folded(name), (name, path))
        return [found[key] for key in sorted(found)]

    def _suggestion(self, wanted: str) -> str:
        from difflib import get_close_matches  # 7 ms that only a mistake costs

        everything = "`chatcli personas list` shows them all"
        names = {folded(name): name for name in self.names()}
        nearest = get_close_matches(wanted, names, n=1)
        return f"did you mean {names[nearest[0]]}? {everything}" if nearest else everything


def shipped_folder() -> Path:
    """Return the folder of the personas that come with chatcli.

    A wheel carries them inside the package; in a checkout they are at the top of the repository.
    """
    package = Path(__file__).parents[1]
    inside = package / "shipped" / "personas"
    return inside if inside.is_dir() else package.parent / "personas"


def _files_in(folder: Path) -> Sequence[tuple[str, Path]]:
    """Return the files that can be personas, whatever they are: reading one tells."""
    try:
        paths = sorted(folder.iterdir(), key=_rank)
    except OSError:
        return ()
    named = [(name_of(path), path) for path in paths if path.suffix.lower() in ENDINGS]
    return [(name, path) for name, path in named if name is not None]


def _rank(path: Path) -> tuple[int, str]:
    """Sort a persona before the picture that may lie beside it under the same name."""
    ending = path.suffix.lower()
    return ENDINGS.index(ending) if ending in ENDINGS else len(ENDINGS), path.name


def _read_named(path: Path, name: str) -> Persona:
    """Return a folder's persona, once sure that it calls itself as its file is called."""
    persona = read_persona(path)
    if folded(persona.name) != folded(name):
        raise PersonaError(
            f"{path}: name must be {name}, as the file is called, found {shown(persona.name)}",
            "change the one or the other",
        )
    return persona


def _is_path(name: str) -> bool:
    separators = {"/", os.sep, os.altsep or os.sep}
    return name.lower().endswith(ENDINGS) or any(each in name for each in separators)


def _path(name: str) -> Path:
    """Return the path that is meant, `~` included, which only a shell fills in."""
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise PersonaError(f"{name}: there is no such user") from error

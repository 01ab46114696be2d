"""A new persona, written in the user's own editor until it can be read."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from chatcli.cli.saying import complain, say
from chatcli.errors import PersonaError, UsageError
from chatcli.parts import persona_store
from chatcli.personas import PersonaStore, is_name, remarks
from chatcli.personas.writing import TEMPLATE, copy_of
from chatcli.settings import Settings
from chatcli.storage import files
from chatcli.terminal.editor import open_file


def begin(settings: Settings, name: str, origin: str | None) -> tuple[Path, str]:
    """Make the file of a new persona, and return where it is and what is in it.

    It is a template, or a copy of the persona `origin`. Nothing is written over. Raises
    ChatcliError.
    """
    if not is_name(name):
        told = f"a persona can't be called `{name}`"
        raise UsageError(told, "use letters, digits, `.`, `_` and `-`")
    text = copy_of(persona_store(settings).get(origin)) if origin else TEMPLATE
    folder = settings.folders.personas[0]
    _refuse_to_replace(folder, name)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "CHATCLI_PERSONAS_DIR names another")
    files.make_folder(folder)
    path = folder / f"{name}.md"
    try:
        os.close(files.write_new(path, text.encode()))
    except FileExistsError:
        raise _taken(name, path) from None
    return path, text


def edit(path: Path, editor: str | None, template: str | None) -> int:
    """Have the user write a persona until it can be read or is given up; return the exit code.

    A file that is still as the `template` goes. Whatever else was written is kept, come what may.
    """
    while True:
        try:
            code = open_file(path, editor)
        except UsageError as error:
            say(str(path))
            complain(f"{error}, or edit the file yourself")
            return 0
        except KeyboardInterrupt:
            _drop_untouched(path, template)
            raise
        if _drop_untouched(path, template):
            complain("nothing was written: no persona was made")
            return 1
        if code:
            complain(f"the editor ended with {code}: {path} is kept as it is")
            return 1
        trouble = _trouble_with(path)
        if trouble is None:
            say(f"{path.stem} is ready: chatcli chat --persona {path.stem}")
            return 0
        complain(str(trouble))
        if not typer.confirm("Edit it again?", default=True):
            complain(f"{path} is kept as it is")
            return trouble.exit_code


def _refuse_to_replace(folder: Path, name: str) -> None:
    try:
        _, path = PersonaStore([folder]).find(name)
    except PersonaError:
        return
    raise _taken(name, path)


def _taken(name: str, path: Path) -> UsageError:
    return UsageError(f"there is a persona {name} already: {path}", "choose another name")


def _drop_untouched(path: Path, template: str | None) -> bool:
    """Remove a file in which nothing was written, and say whether it was one, or is gone."""
    try:
        found = path.read_bytes()
    except OSError:
        return not path.exists()
    untouched = template is not None and found.strip() in {b"", template.strip().encode()}
    if untouched:
        path.unlink(missing_ok=True)
    return untouched


def _trouble_with(path: Path) -> PersonaError | None:
    """Return what is wrong with a persona's file; point out what is only odd."""
    try:
        persona = PersonaStore([path.parent]).get(path.stem)
    except PersonaError as error:
        return error
    for remark in remarks(persona):
        complain(remark.text)
    return None

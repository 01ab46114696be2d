"""Giving a conversation away: as a text, or as a file that does not exist yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from chatcli.conversation.records import Conversation
from chatcli.errors import StorageError, UsageError
from chatcli.storage import files
from chatcli.storage.formats import WRITERS
from chatcli.storage.importing import name_of

ENDINGS: Final = {".tree.json": "tree", ".json": "json", ".md": "md"}


def text_of(talk: Conversation, form: str) -> str:
    """Return a conversation in one of the forms of WRITERS. Raises UsageError."""
    return _written(talk, form).decode()


def give_away(talk: Conversation, path: Path, form: str | None = None) -> Path:
    """Write a conversation into a new file, in the form that its ending names or in another.

    Returns where it is. Raises UsageError or StorageError.
    """
    target = files.place(path)
    data = _written(talk, form or _form_of(target))
    if not target.parent.is_dir():
        raise StorageError(f"there is no folder {target.parent}", "make it, or choose another")
    try:
        os.close(files.write_new(target, data))
    except FileExistsError:
        raise StorageError(f"{target} is there already", "choose another name") from None
    return target.absolute()


def free_file(talk: Conversation) -> Path:
    """Return a Markdown file of the working folder that is not there yet, for this conversation."""
    stem = name_of(talk)
    path, number = Path(f"{stem}.md"), 2
    while path.exists():
        path = Path(f"{stem}-{number}.md")
        number += 1
    return path


def _written(talk: Conversation, form: str) -> bytes:
    if form not in WRITERS:
        raise UsageError(f"there is no form `{form}`", f"one of {', '.join(WRITERS)}")
    return WRITERS[form](talk)


def _form_of(path: Path) -> str:
    for ending, form in ENDINGS.items():
        if path.name.lower().endswith(ending):
            return form
    known = ", ".join(ENDINGS)
    raise UsageError(f"the ending of {path.name} names no form", f"end it in one of {known}")

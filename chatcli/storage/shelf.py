"""What is done with a stored session as a whole: read, named anew, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from chatcli.conversation.messages import Node
from chatcli.conversation.records import Conversation, Noted
from chatcli.conversation.tree import switch
from chatcli.errors import BadSession, NoSuchSession, StorageError, UsageError
from chatcli.storage import files, formats, wire
from chatcli.storage.journal import FileJournal
from chatcli.storage.library import Library, is_path
from chatcli.storage.locking import lock_beside, release

_BESIDE: Final = (".partial", ".torn", ".new")


def read_stored(library: Library, target: str) -> tuple[Path, Conversation]:
    """Return a session's path and what it holds, by name or path. Raises StorageError."""
    path = library.find(target)
    try:
        found = formats.read_one(path)
    except BadSession as error:
        raise BadSession(f"{path} can't be read: {error.message}", error.hint) from None
    return path, found.conversation


def on_branch(talk: Conversation, name: str | None) -> Conversation:
    """Return the conversation on another of its branches. Raises UsageError."""
    if name is None:
        return talk
    if name not in talk.tree.heads:
        known = ", ".join(talk.tree.heads)
        raise UsageError(f"there is no branch `{name}`", f"it has {known:.200}")
    return replace(talk, tree=switch(talk.tree, name))


def described(path: Path, talk: Conversation) -> dict[str, object]:
    """Return what a script would want to know of a session: its facts, and a branch's messages."""
    return {
        "name": path.stem,
        "path": str(path),
        "title": talk.title,
        "created": talk.header.created,
        "persona": talk.header.persona,
        "model": talk.header.model,
        "branch": talk.tree.branch,
        "branches": list(talk.tree.heads),
        "messages": [_fields(node) for node in talk.tree.path],
    }


def _fields(node: Node) -> dict[str, object]:
    fields = {"id": node.id, "role": node.role, "content": node.content}
    # What an image looks like would flood whatever shows the rest; `export` has it.
    images = [
        {"name": each.name, "type": each.media_type, "width": each.width, "height": each.height}
        for each in node.message.images
    ]
    shown = {"images": images} if images else {}
    return {**fields, **shown, "time": node.time, "model": node.model}


def rename(library: Library, old: str, new: str) -> str:
    """Give a session another name, and return it. Raises StorageError."""
    path, target = _named(library, old), library.path(new)
    if target.exists() and not target.samefile(path):
        raise StorageError(f"there is a session {target.stem} already", "choose another name")
    if not wire.looks_like_session(files.read_bytes(path, formats.MAX_BYTES)):
        _move(path, target)
        return target.stem
    journal, _, _ = FileJournal.open(path)
    try:
        journal.rename(target)
        journal.append(Noted("title", target.stem))
    finally:
        journal.close()
    return target.stem


def _move(path: Path, target: Path) -> None:
    """Move a file that another program made, with nothing written into it."""
    lock = lock_beside(path)
    try:
        files.move_new(path, target)
    except FileExistsError:
        raise StorageError(f"there is a session {target.stem} already") from None
    finally:
        release(lock)


def to_remove(library: Library, names: Sequence[str]) -> list[Path]:
    """Return the files of these sessions, if each of them is there. Raises StorageError."""
    return list(dict.fromkeys(_named(library, name) for name in names))


def remove(path: Path) -> None:
    """Delete a session and what lies beside it. Raises SessionInUse or another StorageError."""
    lock = lock_beside(path)
    try:
        with files.failing("remove", path):
            path.unlink(missing_ok=True)
            for ending in _BESIDE:
                path.with_name(f"{path.name}{ending}").unlink(missing_ok=True)
    finally:
        release(lock)


def _named(library: Library, name: str) -> Path:
    """Return the file of a session that is meant by its name: a path could be anybody's file."""
    if is_path(name):
        raise NoSuchSession(
            f"{name} is a path and no session's name", "`chatcli sessions list` lists the names"
        )
    return library.find(name)

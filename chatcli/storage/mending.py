"""What a crash, a power cut or a stranger has left of a session, made whole again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Node
from chatcli.conversation.records import Conversation
from chatcli.conversation.tree import Tree
from chatcli.errors import BadSession, StorageError
from chatcli.storage import files, wire
from chatcli.storage.partial import drop_partial, partial_beside, read_partial


def read_session(path: Path) -> wire.Reading:
    """Read the session file at `path`. Raises StorageError."""
    try:
        return wire.read(files.read_bytes(path, wire.MAX_BYTES))
    except BadSession as error:
        raise BadSession(f"{path} can't be read: {error.message}", error.hint) from None


def mend(path: Path, reading: wire.Reading) -> list[str]:
    """Write a torn file anew with its whole records; what is left over goes beside it.

    Returns lines on what the user should know. Raises StorageError with the file as it was.
    """
    told = []
    if reading.rest:
        torn = torn_beside(path)
        files.append_private(torn, reading.rest + b"\n")
        told.append(f"{path.name} was torn: every whole record is back, the rest is in {torn.name}")
    files.replace_file(path, wire.document(reading.lines))
    return told


def taken_up(path: Path, reading: wire.Reading) -> tuple[Conversation, Node | None, list[str]]:
    """Return the conversation with the reply that a crash cut short, if it left one beside `path`.

    Returns that reply too, which is in no file but its own yet, and lines on what the user should
    know. A reply that has no place in the conversation goes to where torn records go.
    """
    talk = reading.conversation
    beside = partial_beside(path)
    fields = read_partial(beside)
    if fields is None or fields.get("id") in reading.ids:
        drop_partial(path)
        return talk, None, []
    from chatcli.storage.decode import unfinished

    reply = unfinished(fields, reading.ids)
    if reply is None:
        with suppress(StorageError):
            files.append_private(torn_beside(path), wire.dumped(fields) + b"\n")
            drop_partial(path)
        return talk, None, [f"a reply that answers nothing here is in {torn_beside(path).name}"]
    told = "the last reply was cut short; what had come of it is kept: /continue goes on with it"
    return replace(talk, tree=_with(talk.tree, reply)), reply, [told]


def torn_beside(path: Path) -> Path:
    """Return where the bytes of the session at `path` go that belong to no whole record."""
    return path.with_name(f"{path.name}.torn")


def unwritable(path: Path, error: StorageError) -> str:
    """Return the line that says why nothing goes to the file for now."""
    return f"{path.name} can't be written now ({error.message}): what you say is kept in memory"


def _with(tree: Tree, reply: Node) -> Tree:
    """Return the tree with a reply that was cut short, on its branch or one of its own."""
    if tree.head is reply.parent:
        return trees.add(tree, reply)
    found = trees.free_name(tree, "found")
    return replace(tree, heads={**tree.heads, found: reply})

"""What a crash, a power cut or a stranger has left of a session, made whole again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import reduce
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


def taken_up(path: Path, reading: wire.Reading) -> tuple[Conversation, tuple[Node, ...], list[str]]:
    """Return the conversation with the replies that a crash cut short, if there are any.

    Returns these replies too, which are in no file but their own yet, and lines on what the user
    should know. What has no place in the conversation goes to where torn records go.
    """
    talk = reading.conversation
    left = read_partial(partial_beside(path))
    adopted: list[Node] = []
    strange = [left.rest] if left.rest else []
    for fields in left.replies:
        if _is_kept(fields, reading.ids):
            continue
        from chatcli.storage.decode import unfinished

        reply = unfinished(fields, {**reading.ids, **{node.id: node for node in adopted}})
        if reply is None:
            strange.append(wire.dumped(fields))
        else:
            adopted.append(reply)
    told = []
    if adopted:
        talk = replace(talk, tree=reduce(_with, adopted, talk.tree))
        told.append(
            "the last reply was cut short; what had come of it is kept: /continue goes on with it"
        )
    aside = _put_aside(path, b"\n".join(strange)) if strange else []
    if not adopted and len(aside) == min(len(strange), 1):
        drop_partial(path)
    return talk, tuple(adopted), [*told, *aside]


def torn_beside(path: Path) -> Path:
    """Return where the bytes of the session at `path` go that belong to no whole record."""
    return path.with_name(f"{path.name}.torn")


def unwritable(path: Path, error: StorageError) -> str:
    """Return the line that says why nothing goes to the file for now."""
    return f"{path.name} can't be written now ({error.message}): what you say is kept in memory"


def _is_kept(fields: dict[str, object], ids: Mapping[str, Node]) -> bool:
    name = fields.get("id")
    return isinstance(name, str) and name in ids


def _put_aside(path: Path, rest: bytes) -> list[str]:
    """Keep what is left of replies that have no place; returns the line that tells of it."""
    torn = torn_beside(path)
    with suppress(StorageError):
        files.append_private(torn, rest + b"\n")
        return [f"what was left of a reply, and answers nothing here, is in {torn.name}"]
    return []


def _with(tree: Tree, reply: Node) -> Tree:
    """Return the tree with a reply that was cut short, on its branch or one of its own."""
    if tree.head is reply.parent:
        return trees.add(tree, reply)
    found = trees.free_name(tree, "found")
    return replace(tree, heads={**tree.heads, found: reply})

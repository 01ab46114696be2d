"""Conversations in other forms than our own: what is read, and what is written.

A reader takes a file and returns its conversations one by one, or None where it is not in that
form; one that can't be read is the error that says why. A writer takes a conversation and returns
a file's bytes. A new form is a function and its line in READERS or WRITERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from chatcli.conversation.records import Conversation, Header
from chatcli.errors import BadSession
from chatcli.storage import files, jsonlist, wire
from chatcli.storage.aichat import aichat
from chatcli.storage.chatgpt import chatgpt
from chatcli.storage.foreign import Foreign, Source
from chatcli.storage.llmlogs import llm_log
from chatcli.storage.messagelist import message_list, messages_object
from chatcli.storage.sqlitefile import MAGIC, is_database
from chatcli.storage.writing import as_markdown, as_messages, as_tree

MAX_BYTES: Final = 128 * 1024 * 1024
"""The largest file that is read; databases, which are not read as a whole, may be larger."""

_BOM: Final = b"\xef\xbb\xbf"
_ARCHIVE: Final = b"PK\x03\x04"

Reader: TypeAlias = Callable[[Source], Iterator[Foreign | BadSession] | None]
Writer: TypeAlias = Callable[[Conversation], bytes]


def own_session(source: Source) -> Iterator[Foreign] | None:
    """Read a session file of chatcli's own, the whole tree."""
    if not wire.looks_like_session(source.data):
        return None
    if len(source.data) > wire.MAX_BYTES:
        raise BadSession(f"it is larger than {wire.MAX_BYTES // 2**20} MiB")
    return iter([Foreign(wire.read(source.data).conversation)])


READERS: Final[tuple[Reader, ...]] = (
    llm_log,
    own_session,
    chatgpt,
    message_list,
    messages_object,
    aichat,
)
WRITERS: Final[dict[str, Writer]] = {
    "json": as_messages,
    "md": as_markdown,
    "tree": as_tree,
}


def read_all(path: Path) -> Iterator[Foreign | BadSession]:
    """Return the conversations of a file, one by one, in whatever form it has them.

    Raises StorageError, also while they are read.
    """
    return _found(_source(path))


def read_bytes(data: bytes) -> Iterator[Foreign | BadSession]:
    """Return the conversations of a file's bytes, as `read_all` does."""
    return _found(Source(data.removeprefix(_BOM)))


def read_one(path: Path) -> Foreign:
    """Return the only conversation of a file. Raises StorageError."""
    return _only(_source(path))


def read_foreign(data: bytes, header: Header) -> Conversation:
    """Return the only conversation of a file's bytes, under a header's id. Raises BadSession."""
    talk = _only(Source(data.removeprefix(_BOM))).conversation
    return replace(talk, header=replace(talk.header, id=header.id))


def _source(path: Path) -> Source:
    # A database may be large, and its reader wants no more than its path.
    with files.failing("open", path):
        head = _head(path) if path.is_file() else b""
    if is_database(head):
        return Source(head, path)
    return Source(files.read_bytes(path, MAX_BYTES).removeprefix(_BOM), path)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(MAGIC))


def _only(source: Source) -> Foreign:
    found = _found(source)
    first = next(found, None)
    if first is None:
        raise BadSession("it holds no conversation")
    others = sum(1 for _ in found)
    if others:
        raise BadSession(
            f"it holds {others + 1} conversations", "`chatcli sessions import FILE` brings them in"
        )
    if isinstance(first, BadSession):
        raise first
    return first


def _found(source: Source) -> Iterator[Foreign | BadSession]:
    for reader in READERS:
        found = reader(source)
        if found is not None:
            return found
    if source.data.startswith(_ARCHIVE):
        raise BadSession("it is an archive", "unpack it, and take its conversations.json")
    if is_database(source.data):
        raise BadSession("it is no database of llm")
    if jsonlist.is_array(source.data) or jsonlist.is_object(source.data):
        raise BadSession("it holds no conversation in a form that is known", _KNOWN)
    raise BadSession("it is in no form that is known", _KNOWN)


_KNOWN: Final = (
    'what can be read is a list of {"role": …, "content": …}, and what chatcli, ChatGPT, llm and '
    "aichat keep"
)

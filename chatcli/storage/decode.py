"""From parsed records to a conversation, each of them checked on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chatcli.conversation.messages import Message, Node, Usage
from chatcli.conversation.records import Conversation, Header, Moved, Noted, Record, replay
from chatcli.conversation.text import whole_text
from chatcli.errors import BadSession
from chatcli.storage.forms import (
    MessageForm,
    MoveForm,
    NoteForm,
    UsageForm,
    checked,
    checked_header,
)


def conversation(
    parsed: Sequence[dict[str, object]], ids: dict[str, Node], *, lenient: bool
) -> Conversation:
    """Rebuild the conversation whose records, header first, were parsed from a file's lines.

    `ids` takes every message by its id. `lenient` is for files with damage in their middle, where
    a parent may be among what was lost: its child then follows the message that stood before it,
    and a lost head is passed over. Raises BadSession.
    """
    first, *others = parsed
    if "chatcli" not in first:
        raise BadSession("its first record is not a chatcli header")
    form = checked_header(first)
    header = Header(form.id, form.created, form.persona, form.model)
    return replay(header, _Records(ids, lenient=lenient).read(others))


class _Records:
    """Turns parsed lines into records, each message hung on the one it names as its parent."""

    def __init__(self, ids: dict[str, Node], *, lenient: bool) -> None:
        self._ids = ids
        self._lenient = lenient
        self._last: Node | None = None

    def read(self, parsed: Iterable[dict[str, object]]) -> Iterator[Record]:
        for number, fields in enumerate(parsed, 2):
            if "role" in fields:
                yield self._node(fields, number)
            elif "branch" in fields:
                yield from self._move(fields, number)
            else:
                yield from _notes(fields, number)

    def _node(self, fields: dict[str, object], number: int) -> Node:
        form = checked(MessageForm, fields, number)
        if form.id in self._ids:
            raise BadSession(f"record {number} has the id of an earlier message")
        parent = self._find(form.parent, number) if form.parent is not None else None
        message = Message(form.role, whole_text(form.content))
        node = Node(
            form.id, parent, message, form.time, form.model, _usage(form.usage), form.finish
        )
        self._ids[node.id] = self._last = node
        return node

    def _move(self, fields: dict[str, object], number: int) -> Iterator[Moved]:
        form = checked(MoveForm, fields, number)
        if self._lenient and form.head is not None and form.head not in self._ids:
            return
        head = self._find(form.head, number) if form.head is not None else None
        undone = (self._find(name, number) for name in form.undone)
        yield Moved(form.branch, head, tuple(node for node in undone if node))

    def _find(self, name: str, number: int) -> Node | None:
        if name in self._ids:
            return self._ids[name]
        if self._lenient:
            return self._last
        raise BadSession(f"record {number} names a message that does not stand before it")


def _usage(form: UsageForm | None) -> Usage | None:
    if form is None:
        return None
    return Usage(form.prompt_tokens, form.completion_tokens, form.cached_tokens)


def _notes(fields: dict[str, object], number: int) -> Iterator[Noted]:
    form = checked(NoteForm, fields, number)
    if form.title is not None:
        yield Noted("title", form.title)
    if form.persona is not None:
        yield Noted("persona", form.persona)
    if form.model is not None:
        yield Noted("model", form.model)

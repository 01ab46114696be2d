"""/file: what goes along with the next message, and sending a message with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation.events import Event, Notice, Row, Table, TurnStarted
from chatcli.conversation.messages import Node
from chatcli.conversation.text import LONGEST_TEXT
from chatcli.errors import AttachmentError, UsageError

if TYPE_CHECKING:
    from chatcli.storage.attachments import Attachment


def _ways(chat: Chat) -> Iterable[Choice]:
    going = enumerate(chat.going_along, 1)
    return [Choice(f"drop {number}", f"leave {each.name} out") for number, each in going]


@command("tools", "[PATH|drop N]", complete=_ways)
def file(chat: Chat, arguments: str) -> Iterator[Event]:
    """Attach a file to the next message, or list what is attached.

    Text goes along as it is, a PDF as its text (extra `pdf`). In a message, @notes.md does the
    same, and @"my notes.md" where there are spaces. /file drop N takes file N back.

    Example: /file notes.md, then: Sum this up.
    """
    what, _, number = arguments.partition(" ")
    if what == "drop":
        yield from _drop(chat, number.strip())
    elif arguments:
        yield from _add(chat, arguments)
    elif chat.going_along:
        yield _listed(chat)
    else:
        yield Notice("nothing is attached", "/file PATH attaches a file to the next message")


def say(chat: Chat, text: str, *, instead_of: Node | None = None) -> Iterator[Event]:
    """Say `text` with the files that it names and those that were attached, and get the reply.

    They are attached until the message is stored. Raises what `Session.ask` raises, and
    AttachmentError, with nothing kept, where a file can't go along.
    """
    going = list(chat.going_along)
    if not going and "@" not in text:
        yield from chat.session.ask(text, instead_of=instead_of)
        return
    from chatcli.storage.attachments import mentioned, with_files

    named = mentioned(text)
    whole = with_files(text, [*named, *going])
    if len(whole) > LONGEST_TEXT:
        most = f"a message has at most {LONGEST_TEXT:,} characters"
        raise AttachmentError(f"that is too much to attach: {most}", "/file drop N leaves one out")
    for each in (*named, *going):
        yield Notice(f"{each.name} goes along: {_tokens(chat, each)} tokens")
    for event in chat.session.ask(whole, instead_of=instead_of):
        if isinstance(event, TurnStarted):
            chat.going_along.clear()
        yield event


def _add(chat: Chat, path: str) -> Iterator[Event]:
    from chatcli.storage.attachments import attach

    added = attach(path.removeprefix("@").strip('"'))
    chat.going_along.append(added)
    yield Notice(
        f"{added.name} goes along with your next message: {_tokens(chat, added)} tokens",
        f"/file drop {len(chat.going_along)} leaves it out",
    )


def _drop(chat: Chat, text: str) -> Iterator[Event]:
    going = chat.going_along
    if not going:
        raise UsageError("nothing is attached", "/file PATH attaches a file")
    number = whole_number(text, len(going), "a file's number")
    if number > len(going):
        raise UsageError(f"there is no file {number}", "/file lists them")
    yield Notice(f"{going.pop(number - 1).name} does not go along")


def _listed(chat: Chat) -> Table:
    rows = (
        Row((str(number), each.name, _tokens(chat, each)))
        for number, each in enumerate(chat.going_along, 1)
    )
    columns = ("N", "file", "tokens")
    caption = "they go along with your next message; /file drop N leaves one out"
    return Table("Attached", columns, tuple(rows), frozenset({"tokens"}), caption=caption)


def _tokens(chat: Chat, going: Attachment) -> str:
    """Return what a file adds to the message, with `≈` before what is not exact."""
    chat.wait_for_counting()
    counter = chat.session.planner.counter
    count = counter.count_draft(going.block) - counter.count_draft("")
    return f"{'' if counter.precision == 'exact' else '≈'}{count:,}"

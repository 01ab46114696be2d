"""/file: what goes along with the next message, and sending a message with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chatcli.commands.registry import Chat, Choice, Say, command, whole_number
from chatcli.conversation.asking import refuse_unseen
from chatcli.conversation.events import Event, Notice, Row, Table, TurnStarted
from chatcli.conversation.images import Image
from chatcli.conversation.messages import Node
from chatcli.errors import UsageError

if TYPE_CHECKING:
    from chatcli.storage.attachments import Attachment, Question


def _ways(chat: Chat) -> Iterable[Choice]:
    going = enumerate(chat.going_along, 1)
    return [Choice(f"drop {number}", f"leave {each.name} out") for number, each in going]


@command("tools", "[PATH|drop N]", complete=_ways)
def file(chat: Chat, arguments: str) -> Iterator[Event]:
    """Attach a file to the next message, or list what is attached.

    Text goes along as it is, a PDF as its text (extra `pdf`), and a PNG, JPEG, GIF or WebP as the
    image that it is, to models that take images. In a message, @notes.md does the same, and
    @"my notes.md" where there are spaces. /file drop N takes file N back.

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

    They are attached until the message is stored. A message that it takes the place of hands its
    images on. Raises what `Session.ask` raises, and AttachmentError, with nothing kept, where a
    file can't go along.
    """
    attached = chat.going_along
    kept = instead_of.message.images if instead_of else ()
    reworded = instead_of is not None and instead_of.role == "assistant"
    if reworded or not (attached or kept or "@" in text):
        yield from chat.session.ask(text, instead_of=instead_of)
        return
    from chatcli.storage.attachments import each_once, mentioned, question_with

    going = each_once([*mentioned(text, {each.name for each in kept}), *attached])
    question = question_with(text, going, kept)
    _refuse_unseen(chat, question.images)
    if kept:
        yield Notice(f"{_listing(kept)} {'stay' if len(kept) > 1 else 'stays'} with it")
    for each in going:
        yield Notice(f"{each} goes along: {_tokens(chat, each)} tokens")
    asked = chat.session.ask(question.text, images=question.images, instead_of=instead_of)
    for event in asked:
        if isinstance(event, TurnStarted):
            chat.going_along.clear()
        yield event


def put(chat: Chat, question: Question) -> Iterator[Event]:
    """Ask a question that is put together already; tells of the images in it before it leaves."""
    _refuse_unseen(chat, question.images)
    counter = chat.session.planner.counter
    for image in question.images:
        yield Notice(f"{image.file} goes along: ≈{counter.price_image(image):,} tokens")
    yield from chat.session.ask(question.text, images=question.images)


def as_draft(chat: Chat, node: Node) -> str:
    """Return the line that says what a message says, for the user to go on with.

    The message may be anybody's: to send it as it is runs no command and reads no file.
    """
    text = node.content
    if "@" in text:
        from chatcli.storage.attachments import without_mentions

        text = without_mentions(text, {each.name for each in node.message.images})
    line = text.lstrip()
    return f"/{line}" if line.startswith("/") and not _says(chat, line) else text


def _says(chat: Chat, line: str) -> bool:
    """Tell whether a line is a message as it stands, and no command."""
    try:
        return chat.commands.interpret(line) == Say(line)
    except UsageError:
        return False


def parts_of(going: Iterable[Attachment]) -> tuple[list[str], list[Image]]:
    """Return the texts and the images of files, as plans of a request take them."""
    files = list(going)
    blocks = [each.block for each in files if each.block]
    return blocks, [each.image for each in files if each.image is not None]


def _refuse_unseen(chat: Chat, images: Iterable[Image]) -> None:
    talk = chat.session
    refuse_unseen(talk.planner, talk.provider, tuple(images), talk.spare)


def _listing(images: Iterable[Image]) -> str:
    return "; ".join(map(str, images))


def _add(chat: Chat, path: str) -> Iterator[Event]:
    from chatcli.storage.attachments import attach

    added = attach(path.removeprefix("@").strip('"'))
    _refuse_unseen(chat, [added.image] if added.image else [])
    if added in chat.going_along:
        raise UsageError(f"{added.name} is attached already", "/file lists what is")
    chat.going_along.append(added)
    yield Notice(
        f"{added} goes along with your next message: {_tokens(chat, added)} tokens",
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
        Row((str(number), str(each), _tokens(chat, each)))
        for number, each in enumerate(chat.going_along, 1)
    )
    columns = ("N", "file", "tokens")
    caption = "they go along with your next message; /file drop N leaves one out"
    return Table("Attached", columns, tuple(rows), frozenset({"tokens"}), caption=caption)


def _tokens(chat: Chat, going: Attachment) -> str:
    """Return what a file adds to the message, with `≈` before what is not exact."""
    counter = chat.session.planner.counter
    if going.image is not None:
        return f"≈{counter.price_image(going.image):,}"
    chat.wait_for_counting()
    count = counter.count_draft(going.block) - counter.count_draft("")
    return f"{'' if counter.precision == 'exact' else '≈'}{count:,}"

"""/pin /unpin /mute /unmute: messages that always go along, and messages that never do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from chatcli.commands.conversation import message_number
from chatcli.commands.planned import marks, next_request, turn_of
from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.messages import Node
from chatcli.conversation.records import Mark
from chatcli.conversation.text import first_words
from chatcli.errors import UsageError

Offer: TypeAlias = Callable[[Chat], Iterable[Choice]]


def _messages(*, marked: str | None) -> Offer:
    """Return what offers the messages that are marked so, the latest first; None: not at all."""

    def offer(chat: Chat) -> Iterable[Choice]:
        found = marks(chat)
        numbered = list(enumerate(chat.session.history, 1))
        return [
            Choice(str(number), first_words(node.content))
            for number, node in reversed(numbered)
            if found.get(node) == marked
        ]

    return offer


@command("context", "[N]", complete=_messages(marked=None))
def pin(chat: Chat, arguments: str) -> Iterator[Event]:
    """Have message N sent with every request, or the last question, whatever the budget.

    Its turn goes as a whole, the question and what was answered. /context shows what is pinned.

    Example: /pin 1 keeps the first question and its reply.
    """
    node = _named(chat, arguments) if arguments else trees.last_question(chat.session.tree)
    if node is None:
        raise UsageError("there is nothing to pin", "say something first")
    question = turn_of(chat, node).entries[0]
    if question.muted and question.node is not node:
        number = question.number
        raise UsageError(f"its question is muted, message {number}", f"/unmute {number} first")
    yield from chat.session.mark(node, "pinned")
    yield Notice(
        f"{_which(chat, node)} always goes along, with the rest of its turn",
        f"/unpin {_number(chat, node)} ends that",
    )
    trouble = next_request(chat).trouble
    if trouble is not None:
        yield Notice(trouble.message, trouble.hint, "warning")


@command("context", "N", complete=_messages(marked="pinned"))
def unpin(chat: Chat, arguments: str) -> Iterator[Event]:
    """Have the turn of message N leave when the budget is full, as any other.

    Example: /unpin 1
    """
    node = _named(chat, arguments, "/unpin")
    turn = [entry.node for entry in turn_of(chat, node).entries]
    yield from _unmark(chat, turn, "pinned", f"{_which(chat, node)} is not pinned")
    yield Notice(f"{_which(chat, node)} is pinned no more")


@command("context", "N", complete=_messages(marked=None))
def mute(chat: Chat, arguments: str) -> Iterator[Event]:
    """Have message N never sent; it stays in /history.

    With a question its reply is muted too, for no reply goes without its question.

    Example: /mute 3
    """
    node = _named(chat, arguments, "/mute")
    yield from chat.session.mark(node, "muted")
    entries = turn_of(chat, node).entries
    whole = entries[0].node is node and len(entries) > 1
    yield Notice(
        f"{_which(chat, node)} is never sent{', nor what was answered' if whole else ''}",
        f"/unmute {_number(chat, node)} ends that",
    )


@command("context", "N", complete=_messages(marked="muted"))
def unmute(chat: Chat, arguments: str) -> Iterator[Event]:
    """Have message N sent again, and its question if that is muted.

    Example: /unmute 3
    """
    node = _named(chat, arguments, "/unmute")
    question = turn_of(chat, node).entries[0].node
    nodes = list(dict.fromkeys((question, node)))
    yield from _unmark(chat, nodes, "muted", f"{_which(chat, node)} is not muted")
    yield Notice(f"{_which(chat, node)} is sent again")


def _named(chat: Chat, text: str, asking: str = "/pin") -> Node:
    if not text:
        raise UsageError(f"{asking} wants a message's number", "/history shows them")
    return message_number(chat, text)


def _unmark(chat: Chat, nodes: Iterable[Node], mark: Mark, otherwise: str) -> Iterator[Event]:
    """Take a mark from those messages that bear it. Raises UsageError where none does."""
    known = chat.session.conversation.marks
    marked = [node for node in nodes if node.id in known and known[node.id].mark == mark]
    if not marked:
        raise UsageError(otherwise, "/history shows what is")
    for node in marked:
        yield from chat.session.mark(node, None)


def _which(chat: Chat, node: Node) -> str:
    return f"message {_number(chat, node)} ({first_words(node.content, 30)})"


def _number(chat: Chat, node: Node) -> int:
    return chat.session.history.index(node) + 1

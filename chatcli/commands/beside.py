"""/btw: a question beside the conversation."""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.commands.attach import say
from chatcli.commands.registry import Chat, command
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Event, Notice
from chatcli.errors import UsageError


@command("tools", "TEXT")
def btw(chat: Chat, arguments: str) -> Iterator[Event]:
    """Ask something by the way, and go on as if it had not been asked.

    The model sees what was said so far. Later questions don't see this one: it stays with its reply
    on a branch of its own, whose name is told.

    Example: /btw What is a sloop?
    """
    if not arguments:
        raise UsageError("what do you want to ask?", "/btw TEXT")
    session, before = chat.session, chat.session.tree
    _check(chat, arguments)
    name = trees.free_name(before, "btw")
    yield from session.become(trees.branch(before, name))
    try:
        yield from say(chat, arguments)
    finally:
        told = list(session.become(trees.switch(session.tree, before.branch)))
    yield from told
    yield Notice(f"you are back on `{before.branch}`; that is kept on `{name}`", f"/switch {name}")


def _check(chat: Chat, question: str) -> None:
    """Raise what would be raised before the question is stored: it shall leave no branch."""
    if "@" in question:
        from chatcli.storage.attachments import mentioned

        mentioned(question)
    chat.session.plan(question)

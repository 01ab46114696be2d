"""/history /clear /undo /redo /retry /continue /edit: what was said, and saying it differently.

/branch and all else that moves about between branches is in `branches.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.commands.attach import as_draft, say
from chatcli.commands.planned import marks
from chatcli.commands.registry import Chat, command, whole_number
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Draft, Event, Notice, Transcript, numbered
from chatcli.conversation.messages import Node
from chatcli.conversation.text import first_words
from chatcli.errors import UsageError


def message_number(chat: Chat, text: str) -> Node:
    """Return the message that /history shows under this number. Raises UsageError."""
    number = whole_number(text, 0, "a message's number")
    history = chat.session.history
    if not 1 <= number <= len(history):
        raise UsageError(f"there is no message {text}", f"/history has 1 to {len(history)}")
    return history[number - 1]


@command("conversation", "[N]")
def history(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show what was said on this branch, or the last N messages of it.

    Messages that are pinned, muted or told by a summary say so.

    Example: /history 4 shows the last two turns.
    """
    said = chat.session.history
    if not said:
        yield Notice("nothing was said yet on this branch", "/branches lists the others")
        return
    count = whole_number(arguments, len(said), "how many messages to show")
    skipped = max(len(said) - count, 0)
    yield Transcript(numbered(said, marks(chat))[skipped:], skipped)


@command("conversation")
def clear(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Start again from the system prompt; what was said stays on a branch.

    Example: /clear, and /switch with the name that it prints to go back.
    """
    tree, kept = trees.clear(chat.session.tree)
    yield from chat.session.become(tree)
    yield Notice(f"a fresh start; what was said is on `{kept}`", f"/switch {kept} goes back")


@command("conversation", "[N]")
def undo(chat: Chat, arguments: str) -> Iterator[Event]:
    """Take back the last question and its reply, or the last N of them.

    Nothing is deleted: /redo brings them back, and until then they stay on a branch.

    Example: /undo 2 takes back the last two turns.
    """
    turns = whole_number(arguments, 1, "how many turns to undo")
    yield from chat.session.become(trees.undo(chat.session.tree, turns))
    what = "the last turn is" if turns == 1 else f"the last {turns} turns are"
    yield Notice(f"{what} taken back; {left(chat)}", "/redo brings it back")


@command("conversation")
def redo(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Bring back what the last /undo took.

    Example: /undo, then /redo: all is as it was.
    """
    yield from chat.session.become(trees.redo(chat.session.tree))
    yield Notice(f"back again; {left(chat)}")


@command("conversation")
def retry(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Ask the last question again; the earlier reply stays on a branch.

    Example: /retry, then /branches to find the earlier reply.
    """
    yield from chat.session.answer()


@command("conversation")
def continue_(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Go on with a reply that was cut off.

    The two parts become one reply; the first part alone stays on a branch.

    Example: Ctrl-C in the middle of a reply, then /continue.
    """
    yield from chat.session.go_on()


@command("conversation", "[N [TEXT]]")
def edit(chat: Chat, arguments: str) -> Iterator[Event]:
    """Say message N differently, or the last one that you said.

    It comes into the input line; sending it asks again from there, and what was said before stays
    on a branch. A reply can be edited too: the model will see it in your words. /edit 3 TEXT does
    it at once. Images stay with their message, and @path attaches a file as in any other.

    Example: /edit 3 Where shall we go in winter?
    """
    number, _, text = arguments.partition(" ")
    node = message_number(chat, number) if number else trees.last_question(chat.session.tree)
    if node is None:
        raise UsageError("there is nothing to edit", "say something first")
    if text.strip():
        yield from say(chat, text.strip(), instead_of=node)
    else:
        yield Draft(as_draft(chat, node), edits=node)


def left(chat: Chat) -> str:
    """Say how much is on the branch, and what was said last."""
    said = chat.session.history
    if not said:
        return "nothing is said yet here"
    plural = "s" if len(said) > 1 else ""
    return f"{len(said)} message{plural} here, the last question: {last_words(said[-1])}"


def last_words(head: Node | None) -> str:
    said = trees.question_before(head)
    return first_words(said.content) if said else "nothing said yet"

"""/history /clear /undo /redo /retry /branch /switch /branches: moving about in the tree."""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Entry, Event, Notice, Row, Table, Transcript
from chatcli.conversation.messages import Node
from chatcli.conversation.tree import Tree
from chatcli.errors import UsageError


def _branches(chat: Chat) -> list[Choice]:
    tree = chat.session.tree
    return [
        Choice(name, _last_words(head), name == tree.branch) for name, head in tree.heads.items()
    ]


def _last_words(head: Node | None) -> str:
    said = next((node for node in head.lineage() if node.role == "user"), None) if head else None
    return " ".join(said.content.split())[:60] if said else "nothing said yet"


def message_number(chat: Chat, text: str) -> Node:
    """Return the message that /history shows under this number. Raises UsageError."""
    number = whole_number(text, 0, "a message's number")
    history = chat.session.history
    if not 1 <= number <= len(history):
        raise UsageError(f"there is no message {text}", f"/history has 1 to {len(history)}")
    return history[number - 1]


@command("conversation", "[N]")
def history(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show what was said on this branch, or the last N messages of it."""
    said = chat.session.history
    if not said:
        yield Notice("nothing was said yet on this branch", "/branches lists the others")
        return
    count = whole_number(arguments, len(said), "how many messages to show")
    skipped = max(len(said) - count, 0)
    entries = tuple(Entry(number, node) for number, node in enumerate(said, 1))
    yield Transcript(entries[skipped:], skipped)


@command("conversation")
def clear(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Start again from the system prompt; what was said stays on a branch."""
    tree, kept = trees.clear(chat.session.tree)
    yield from chat.session.become(tree)
    yield Notice(f"a fresh start; what was said is on `{kept}`", f"/switch {kept} goes back")


@command("conversation", "[N]")
def undo(chat: Chat, arguments: str) -> Iterator[Event]:
    """Take back the last question and its reply, or the last N of them.

    Nothing is deleted: /redo brings them back, and until then they stay on a branch.
    """
    turns = whole_number(arguments, 1, "how many turns to undo")
    yield from chat.session.become(trees.undo(chat.session.tree, turns))
    what = "the last turn is" if turns == 1 else f"the last {turns} turns are"
    yield Notice(f"{what} taken back; {_left(chat)}", "/redo brings it back")


@command("conversation")
def redo(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Bring back what the last /undo took."""
    yield from chat.session.become(trees.redo(chat.session.tree))
    yield Notice(f"back again; {_left(chat)}")


@command("conversation")
def retry(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Ask the last question again; the earlier reply stays on a branch."""
    yield from chat.session.answer()


@command("conversation", "[NAME]")
def branch(chat: Chat, arguments: str) -> Iterator[Event]:
    """Fork the conversation here and go on, on the new branch.

    For trying another path: /branch bold, ask, then /switch main to be back where you forked.
    """
    tree = chat.session.tree
    name = arguments or trees.free_name(tree, "branch")
    yield from chat.session.become(trees.branch(tree, name))
    yield Notice(f"you are on `{name}`, forked from `{tree.branch}`", f"/switch {tree.branch}")


@command("conversation", "NAME|N", complete=_branches)
def switch(chat: Chat, arguments: str) -> Iterator[Event]:
    """Go to another branch, or fork one at message N of this one."""
    tree = chat.session.tree
    if not arguments:
        raise UsageError("/switch wants a branch's name or a message's number", "/branches")
    if arguments.isdecimal():
        name = trees.free_name(tree, tree.branch)
        after = trees.branch(tree, name, message_number(chat, arguments))
        yield from chat.session.become(after)
        yield Notice(f"you are on `{name}`, forked after message {arguments}")
        return
    yield from chat.session.become(trees.switch(tree, arguments))
    yield Notice(f"you are on `{arguments}`; {_left(chat)}")


@command("conversation")
def branches(chat: Chat, _arguments: str) -> Iterator[Event]:
    """List the branches, with the last thing that you said on each."""
    tree = chat.session.tree
    rows = tuple(_branch_row(tree, choice) for choice in _branches(chat))
    yield Table("Branches", ("branch", "messages", "last question"), rows, frozenset({"messages"}))


def _branch_row(tree: Tree, choice: Choice) -> Row:
    head = tree.heads[choice.name]
    said = sum(node.role != "system" for node in head.lineage()) if head else 0
    return Row((choice.name, str(said), choice.about), "here" if choice.here else None)


def _left(chat: Chat) -> str:
    """Say how much is on the branch, and what was said last."""
    said = chat.session.history
    if not said:
        return "nothing is said yet here"
    plural = "s" if len(said) > 1 else ""
    return f"{len(said)} message{plural} here, the last question: {_last_words(said[-1])}"

"""/branch /switch /branches /tree /diff /merge: from one path of the conversation to another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chatcli.commands.conversation import last_words, left, message_number
from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation import tree as trees
from chatcli.conversation.drawing import draw
from chatcli.conversation.events import Event, Notice, Outline, Row, Table, Transcript, numbered
from chatcli.conversation.messages import Node, path_to
from chatcli.conversation.text import first_words
from chatcli.conversation.tree import Tree
from chatcli.errors import UsageError

SHOWN_OF_EACH = 6
"""How many messages of each branch /diff shows."""


def _branches(chat: Chat) -> list[Choice]:
    tree = chat.session.tree
    return [
        Choice(name, last_words(head), name == tree.branch) for name, head in tree.heads.items()
    ]


@command("conversation", "[NAME]")
def branch(chat: Chat, arguments: str) -> Iterator[Event]:
    """Fork the conversation here and go on, on the new branch.

    For trying another path: what was said so far is on both, and neither is ever lost.

    Example: /branch bold, ask, then /switch main to be back where you forked.
    """
    tree = chat.session.tree
    name = arguments or trees.free_name(tree, "branch")
    yield from chat.session.become(trees.branch(tree, name))
    yield Notice(f"you are on `{name}`, forked from `{tree.branch}`", f"/switch {tree.branch}")


@command("conversation", "NAME|N", complete=_branches)
def switch(chat: Chat, arguments: str) -> Iterator[Event]:
    """Go to another branch, or fork one at message N of this one.

    Example: /switch main, or /switch 4 to go on after message 4.
    """
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
    yield Notice(f"you are on `{arguments}`; {left(chat)}")


@command("conversation")
def branches(chat: Chat, _arguments: str) -> Iterator[Event]:
    """List the branches, with the last thing that you said on each.

    Example: /branches, then /switch with a name from the list.
    """
    tree = chat.session.tree
    rows = tuple(_branch_row(tree, choice) for choice in _branches(chat))
    yield Table("Branches", ("branch", "messages", "last question"), rows, frozenset({"messages"}))


def _branch_row(tree: Tree, choice: Choice) -> Row:
    head = tree.heads[choice.name]
    said = sum(node.role != "system" for node in head.lineage()) if head else 0
    return Row((choice.name, str(said), choice.about), "here" if choice.here else None)


@command("conversation", "[all]")
def tree(chat: Chat, arguments: str) -> Iterator[Event]:
    """Draw the conversation: where it forks, what each branch is about, and where you are.

    Of a very large one, branches far from where you are are only named; /tree all draws them too.

    Example: /tree, then /switch with a name in brackets.
    """
    if arguments not in {"", "all"}:
        raise UsageError(
            f"/tree draws all of it, not `{arguments}`", "/tree all leaves nothing out"
        )
    yield Outline(draw(chat.session.tree, whole=bool(arguments)))


@command("conversation", "BRANCH", complete=_branches)
def diff(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show where this branch and another part, and what each of them says from there on.

    Example: /diff main
    """
    now = chat.session.tree
    other = _other(now, arguments, "/diff")
    fork = trees.parting(now.head, now.heads[other])
    if fork is None or fork.role == "system":
        yield Notice(f"`{now.branch}` and `{other}` part at their beginning")
    else:
        yield Notice(f"`{now.branch}` and `{other}` part after: {first_words(fork.content)}")
    for name in (now.branch, other):
        yield from _since(name, path_to(now.heads[name]), fork)


@command("conversation", "BRANCH", complete=_branches)
def merge(chat: Chat, arguments: str) -> Iterator[Event]:
    """Fold a summary of another branch into this one; the model writes it.

    The other branch stays as it is.

    Example: /merge bold
    """
    other = _other(chat.session.tree, arguments, "/merge")
    yield from chat.session.merge(other)


def _other(now: Tree, name: str, asking: str) -> str:
    """Return `name` if it is a branch other than the one we are on. Raises UsageError."""
    if not name:
        raise UsageError(f"{asking} wants the name of another branch", "/branches lists them")
    trees.head_of(now, name)
    if name == now.branch:
        raise UsageError(f"you are on `{name}`", f"{asking} wants another branch: /branches")
    return name


def _since(name: str, path: Sequence[Node], fork: Node | None) -> Iterator[Event]:
    entries = [entry for entry in numbered(path) if fork is None or entry.node.depth > fork.depth]
    if not entries:
        yield Notice(f"`{name}` says nothing more")
        return
    yield Notice(f"`{name}` goes on with {len(entries)} message{'s' if len(entries) > 1 else ''}:")
    yield Transcript(tuple(entries[:SHOWN_OF_EACH]))
    if len(entries) > SHOWN_OF_EACH:
        hidden = len(entries) - SHOWN_OF_EACH
        yield Notice(f"and {hidden} more", f"/switch {name}, then /history")

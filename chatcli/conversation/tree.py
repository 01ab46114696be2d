"""The conversation tree: branches are names for nodes, and moving never loses a message.

A `Tree` is an immutable value and each operation a pure function that returns the next one. The
nodes hang on each other by their parents, so a tree holds no more than its branches' heads. One
law stands above all: every message that was ever added lies on the path of some branch. An
operation that would leave messages behind first gives them a branch of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from chatcli.conversation.messages import Message, Node, new_id, now, path_to
from chatcli.errors import UsageError

MAIN: Final = "main"
_LONGEST_STEM: Final = 56
_NAME = re.compile(r"[^\W_](?:[\w.\- ]{0,62}[\w.\-])?")


class TreeError(UsageError):
    """The tree has no such place, or nothing to do there."""


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Where every branch ends, and on which of them the conversation is.

    `heads` maps each branch to its newest message (None: nothing said yet); `undone` are the
    heads that /undo left behind, the latest last, for /redo.
    """

    heads: Mapping[str, Node | None] = field(default_factory=lambda: {MAIN: None})
    branch: str = MAIN
    undone: tuple[Node, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "heads", MappingProxyType(dict(self.heads)))

    @property
    def head(self) -> Node | None:
        return self.heads[self.branch]

    @property
    def path(self) -> tuple[Node, ...]:
        """All nodes of the current branch from the root on, system prompts included."""
        return path_to(self.head)

    def nodes(self) -> Iterator[Node]:
        """Yield every node once, parents before their children."""
        seen: set[int] = set()
        for head in self.heads.values():
            fresh = []
            for node in head.lineage() if head else ():
                if id(node) in seen:
                    break
                seen.add(id(node))
                fresh.append(node)
            yield from reversed(fresh)


def add(tree: Tree, node: Node) -> Tree:
    """Say `node` after the head. Its parent must be the head."""
    if node.parent is not tree.head:
        raise ValueError("a message is added after the head")
    return replace(tree, heads={**tree.heads, tree.branch: node}, undone=())


def move(tree: Tree, target: Node | None, *, keep: str) -> Tree:
    """Set the current branch's head to `target`.

    Messages that would leave every path stay on a new branch, named after `keep`.
    """
    heads = dict(tree.heads)
    old = tree.head
    heads[tree.branch] = target
    if old is not None and not _covered(heads, old):
        heads[free_name(tree, keep)] = old
    return replace(tree, heads=heads, undone=())


def branch(tree: Tree, name: str, at: Node | None = None) -> Tree:
    """Fork a branch called `name` at the head, or at node `at`, and go there."""
    if name in tree.heads:
        raise TreeError(f"there is a branch `{name}` already", f"/switch {name} goes there")
    return Tree({**tree.heads, check_name(name): at or tree.head}, name)


def switch(tree: Tree, name: str) -> Tree:
    """Go to the branch called `name`."""
    head_of(tree, name)
    return Tree(tree.heads, name)


def undo(tree: Tree, turns: int = 1) -> Tree:
    """Go back to before the last `turns` questions; `redo` returns."""
    questions = [node for node in tree.path if node.role == "user"]
    if not questions:
        raise TreeError("there is nothing to undo", "say something first")
    if not 0 < turns <= len(questions):
        raise TreeError(f"there are {len(questions)} turns to undo, not {turns}", "/history")
    old = tree.head
    assert old is not None, "a path with a question has a head"
    back = move(tree, questions[-turns].parent, keep="undone")
    return replace(back, undone=(*tree.undone, old))


def redo(tree: Tree) -> Tree:
    """Take the last undo back."""
    if not tree.undone:
        raise TreeError("there is nothing to redo", "/branches lists every branch that is kept")
    *earlier, target = tree.undone
    return replace(move(tree, target, keep="undone"), undone=tuple(earlier))


def clear(tree: Tree) -> tuple[Tree, str | None]:
    """Start again from the current system prompt.

    Returns the tree and the name of the branch where what was said stays (None: nothing was).
    """
    if all(node.role == "system" for node in tree.path):
        raise TreeError("the conversation is empty already", "say something")
    prompt = system_node(tree)
    if prompt is not None and prompt.parent is not None:
        prompt = Node(new_id(), None, prompt.message, now())
    kept = move(tree, prompt, keep="cleared")
    return kept, _branch_of(kept, tree.head)


def rewind(tree: Tree, question: Node, *, keep: str) -> tuple[Tree, str | None]:
    """Go back to right after `question`, so that another reply becomes a sibling.

    Returns the tree and the name of the branch where the earlier reply stays (None: there is none).
    """
    if tree.head is question:
        return tree, None
    kept = move(tree, question, keep=keep)
    return kept, _branch_of(kept, tree.head)


def revise(tree: Tree, node: Node, *, keep: str) -> tuple[Tree, str | None]:
    """Go back to right before `node`, so that something else said there becomes its sibling.

    Returns the tree and the name of the branch where `node`, and what followed, stays.
    """
    kept = move(tree, node.parent, keep=keep)
    return kept, _branch_of(kept, tree.head)


def parting(one: Node | None, other: Node | None) -> Node | None:
    """Return the last message that the ways to two messages share, None where they share none."""
    while one is not other and one is not None and other is not None:
        if one.depth >= other.depth:
            one = one.parent
        else:
            other = other.parent
    return one if one is other else None


def after(head: Node | None, start: Node | None) -> tuple[Node, ...]:
    """Return the messages on the way to `head` that come after `start`."""
    path = path_to(head)
    return path if start is None else path[start.depth + 1 :]


def holds(tree: Tree, node: Node) -> bool:
    """Tell whether a message lies on the path of some branch."""
    return _covered(tree.heads, node)


def head_of(tree: Tree, name: str) -> Node | None:
    """Return the newest message of the branch called `name`."""
    if name not in tree.heads:
        raise TreeError(f"there is no branch `{name}`", "/branches lists them")
    return tree.heads[name]


def system_node(tree: Tree) -> Node | None:
    """Return the system prompt in force: the newest one on the path."""
    return next((node for node in reversed(tree.path) if node.role == "system"), None)


def last_question(tree: Tree) -> Node | None:
    """Return the newest message of the user's on the path."""
    return question_before(tree.head)


def question_before(node: Node | None) -> Node | None:
    """Return the newest message of the user's on the way to `node`, itself included."""
    return next((n for n in node.lineage() if n.role == "user"), None) if node else None


def say(tree: Tree, message: Message) -> Node:
    """Return `message` as a fresh node after the head."""
    return Node(new_id(), tree.head, message, now())


def free_name(tree: Tree, stem: str) -> str:
    """Return the first of STEM-1, STEM-2, … that no branch has."""
    stem = stem[:_LONGEST_STEM].rstrip()
    number = 1
    while f"{stem}-{number}" in tree.heads:
        number += 1
    return f"{stem}-{number}"


def check_name(name: str) -> str:
    """Return `name` if a branch can be called that, else raise TreeError."""
    if not _NAME.fullmatch(name) or name.isdigit():
        raise TreeError(
            f"a branch can't be called `{name}`",
            "use letters, digits, `.`, `_`, `-` and spaces inside, with a letter among them",
        )
    return name


def _covered(heads: Mapping[str, Node | None], node: Node) -> bool:
    return any(head is not None and head.descends_from(node) for head in heads.values())


def _branch_of(tree: Tree, node: Node | None) -> str | None:
    """Return a branch other than the current one whose path holds `node`."""
    if node is None:
        return None
    others = ((name, head) for name, head in tree.heads.items() if name != tree.branch)
    return next((name for name, head in others if head and head.descends_from(node)), None)

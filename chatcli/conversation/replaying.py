"""Reading a journal's records in order rebuilds the conversation.

Each record costs the same, however many there are: a file may be anybody's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Final

from chatcli.conversation.messages import Node
from chatcli.conversation.records import (
    Conversation,
    Header,
    Marked,
    Merged,
    Moved,
    Noted,
    Record,
    Spent,
    Summary,
    Tuned,
    Unknown,
)
from chatcli.conversation.tree import MAIN, Tree

FOUND: Final = "found"
"""What a branch is called that was in no file's records, with a number."""


def replay(header: Header, records: Iterable[Record]) -> Conversation:
    """Rebuild a conversation from its records.

    A message that follows the head of the current branch becomes its head; any other waits for a
    `Moved` that names it. What no branch has claimed in the end gets a branch of its own, so that
    it stays reachable.
    """
    known = list(records)
    return _with_notes(Conversation(header, _tree(known)), known)


def _tree(records: Iterable[Record]) -> Tree:
    heads: dict[str, Node | None] = {MAIN: None}
    here: str = MAIN
    undone: tuple[Node, ...] = ()
    leaves: dict[int, Node] = {}
    for record in records:
        if isinstance(record, Node):
            leaves[id(record)] = record
            leaves.pop(id(record.parent), None)
            if record.parent is heads[here]:
                heads[here] = record
                undone = ()
        elif isinstance(record, Moved):
            here, heads[record.branch], undone = record.branch, record.head, record.undone
    return _claim(Tree(heads, here, undone), leaves.values())


def _claim(tree: Tree, leaves: Iterable[Node]) -> Tree:
    held = {id(node) for node in tree.nodes()}
    names = (f"{FOUND}-{number}" for number in count(1))
    free = (name for name in names if name not in tree.heads)
    found = {next(free): leaf for leaf in leaves if id(leaf) not in held}
    return replace(tree, heads={**tree.heads, **found}) if found else tree


def _with_notes(talk: Conversation, records: Iterable[Record]) -> Conversation:
    """Return a conversation with what its records add to it that moves no branch."""
    merges: dict[str, Node] = {}
    marks: dict[str, Marked] = {}
    summaries: dict[str, Summary] = {}
    spent: list[Spent] = []
    unknown: list[Unknown] = []
    for record in records:
        match record:
            case Noted() | Tuned():
                talk = talk.noted(record)
            case Merged(question, source):
                merges[question.id] = source
            case Marked(node, mark):
                marks[node.id] = record
                if mark is None:
                    del marks[node.id]
            case Summary():
                summaries[record.id] = record
            case Spent():
                spent.append(record)
            case Unknown():
                unknown.append(record)
            case Header() | Node() | Moved():
                pass
    return replace(
        talk,
        merges=merges,
        marks=marks,
        summaries=summaries,
        spent=tuple(spent),
        unknown=tuple(unknown),
    )

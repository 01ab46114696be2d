"""What a journal keeps, record by record, and how reading them in order rebuilds the conversation.

A record is a Node (something was said) or one of the values below. Journals turn them into their
file's form and back; nothing here knows of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from chatcli.conversation.messages import Node, Usage
from chatcli.conversation.tree import Tree

Mark: TypeAlias = Literal["pinned", "muted"]


@dataclass(frozen=True, slots=True)
class Header:
    """The first record: which conversation this is, and what it began with."""

    id: str
    created: str
    persona: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """From here on the conversation is on `branch`, whose head is `head`.

    `undone` are the heads that /redo would return to, the latest last.
    """

    branch: str
    head: Node | None
    undone: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """The conversation's `key` has a new value."""

    key: Literal["title", "persona", "model"]
    value: str


@dataclass(frozen=True, slots=True)
class Tuned:
    """How replies are sampled from here on: all that was chosen, by the parameters' names."""

    chosen: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Merged:
    """The message `question` asks what was said on the way to `source`, on another branch."""

    question: Node
    source: Node


@dataclass(frozen=True, slots=True)
class Marked:
    """The user has pinned or muted a message, or neither any more."""

    node: Node
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What was said up to `until`, in fewer words; an empty text: it is told in full again.

    `covers` are the ids of the messages that it is about, beside those of the summary that it
    `replaces`. It is the user's own wording where there is no `model`. `usage` is what writing it
    took, in all its parts.
    """

    id: str
    until: Node
    text: str
    time: str
    model: str | None = None
    covers: tuple[str, ...] = ()
    replaces: str | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What a request beside the conversation took; `purpose` says in a word what it was for."""

    purpose: str
    model: str
    usage: Usage
    time: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """What somebody has noted that this version knows nothing of, as it stands in the file."""

    text: str


KnownRecord: TypeAlias = Header | Node | Moved | Noted | Tuned | Merged | Marked | Summary | Spent
Record: TypeAlias = KnownRecord | Unknown


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that a session's records add up to.

    `chosen` are parameters of sampling by their names. `merges` maps the id of each question about
    another branch to the end of that branch, `marks` the ids of messages to how they are marked,
    and `summaries` the id of each summary to it, in the order in which they were made. `spent` is
    what requests beside it have taken, `unknown` what only goes along.
    """

    header: Header
    tree: Tree
    title: str | None = None
    chosen: Mapping[str, object] = field(default_factory=dict)
    merges: Mapping[str, Node] = field(default_factory=dict)
    marks: Mapping[str, Marked] = field(default_factory=dict)
    summaries: Mapping[str, Summary] = field(default_factory=dict)
    spent: tuple[Spent, ...] = ()
    unknown: tuple[Unknown, ...] = ()

    def noted(self, note: Noted | Tuned) -> Conversation:
        if isinstance(note, Tuned):
            return replace(self, chosen=note.chosen)
        if note.key == "title":
            return replace(self, title=note.value)
        if note.key == "persona":
            return replace(self, header=replace(self.header, persona=note.value))
        return replace(self, header=replace(self.header, model=note.value))

    def marked(self, marked: Marked) -> Conversation:
        marks = {**self.marks, marked.node.id: marked}
        if marked.mark is None:
            del marks[marked.node.id]
        return replace(self, marks=marks)

    def summarized(self, summary: Summary) -> Conversation:
        return replace(self, summaries={**self.summaries, summary.id: summary})

    def merged(self, merge: Merged) -> Conversation:
        return replace(self, merges={**self.merges, merge.question.id: merge.source})


def moves(before: Tree, after: Tree) -> list[Record]:
    """Return the records that lead from one tree to the next, where no message was added.

    The current branch comes last: the last `Moved` of a file says where the conversation is.
    """
    changed = [
        name
        for name, head in after.heads.items()
        if name != after.branch and (name not in before.heads or before.heads[name] is not head)
    ]
    return [
        *(Moved(name, after.heads[name]) for name in changed),
        Moved(after.branch, after.head, after.undone),
    ]


def whole(talk: Conversation) -> list[Record]:
    """Return the records that make up all of a conversation, as a file of its own would begin."""
    tree = talk.tree
    nodes = list(tree.nodes())
    return [
        talk.header,
        *nodes,
        *(Merged(node, talk.merges[node.id]) for node in nodes if node.id in talk.merges),
        *talk.marks.values(),
        *talk.summaries.values(),
        *(Moved(name, head) for name, head in tree.heads.items() if name != tree.branch),
        *([Noted("title", talk.title)] if talk.title is not None else []),
        *([Tuned(talk.chosen)] if talk.chosen else []),
        *talk.spent,
        *talk.unknown,
        Moved(tree.branch, tree.head, tree.undone),
    ]

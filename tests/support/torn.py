"""Session files in the states that a crash can leave them in, and what of each is still whole.

A crash cuts a file anywhere, or leaves NULs where the system had made room and not yet written.
What a state still holds is computed here from the records' places alone, by no parser, so that it
can be held against what the program makes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message, Node, Usage, now
from chatcli.conversation.records import Conversation, Header, Moved, Noted, Record, moves, whole
from chatcli.conversation.tree import Tree
from chatcli.storage import wire

TAILS = (1, 7, 512, 4096)
TEXTS = (
    "My name is Alice.",
    "Arr \u2028 ❯ 🏴‍☠️",
    'quotes " and \\ and\nlines,\n{"role":"user"}\n',
    "}\n]\n",
    "",
    "\0 as text",
)

Span = tuple[int, int]


@dataclass(frozen=True)
class State:
    """What is on the disk after a crash.

    `whole` are the lines, header included, none of whose bytes is lost; `torn` the bytes of other
    lines that are still there, each run of them on its own.
    """

    name: str
    data: bytes
    whole: tuple[bytes, ...]
    torn: tuple[bytes, ...]

    @property
    def has_header(self) -> bool:
        return bool(self.whole) and self.whole[0].startswith(b'{"chatcli":')


def states(name: str, lines: Sequence[bytes]) -> Iterator[State]:
    """Yield every state of the file with these lines, its header whole or not."""
    data = wire.document(lines)
    places = spans(lines)
    for cut in range(len(data)):
        yield _state(f"{name} cut at {cut}", lines, places, data[:cut])
    for number, (start, end) in enumerate(places):
        for at in (end, end + 1, end + 2, start + 1, (start + end) // 2, end - 1):
            for size in (*TAILS, len(data) - at):
                torn = data[:at] + b"\0" * size
                yield _state(f"{name} {size} NULs at {at}", lines, places, torn)
        for hole in holes(places, number):
            yield _state(f"{name} a hole {hole}", lines, places, punched(data, hole))
    for count in range(1, len(lines)):
        old = wire.document(lines[:count])
        stale = old + data[len(old) :]
        yield _state(f"{name} {count} lines of an older page", lines, places, stale)
        grown = old + b"\0" * (len(data) - len(old))
        yield _state(f"{name} grown after {count} lines", lines, places, grown)


def spans(lines: Iterable[bytes]) -> list[Span]:
    """Return where each line begins and ends in the document that they make."""
    places = []
    start = len(b"[\n")
    for line in lines:
        places.append((start, start + len(line)))
        start += len(line) + len(b",\n")
    return places


def holes(places: Sequence[Span], number: int) -> Iterator[Span]:
    """Yield holes in and around a record: all of it, its halves, what parts it from the next."""
    start, end = places[number]
    middle = (start + end) // 2
    yield start, end
    yield start, middle
    yield middle, end
    yield middle, middle + 1
    if number + 1 < len(places):
        following = places[number + 1]
        yield end, following[0]
        yield end, end + 1
        yield end + 1, following[0]
        yield middle, sum(following) // 2
        yield start, following[1]


def punched(data: bytes, hole: Span) -> bytes:
    start, end = hole
    return data[:start] + b"\0" * (end - start) + data[end:]


def _state(name: str, lines: Sequence[bytes], places: Sequence[Span], data: bytes) -> State:
    there = [data[start:end] for start, end in places]
    kept = [line for line, left in zip(lines, there, strict=True) if line == left]
    lost = [left for line, left in zip(lines, there, strict=True) if line != left]
    runs = [run for left in lost for run in re.findall(rb"[^\0\n]+", left)]
    return State(name, data, tuple(kept), tuple(runs))


# The conversations whose files are torn


def voyage() -> Conversation:
    """Return a conversation with a branch, an undo, a title, and text that looks like a file."""
    tree = _said(Tree(), Message("system", "You are a pirate."))
    for index, text in enumerate(TEXTS):
        tree = _said(tree, Message("user", text))
        reply = Message("assistant", text)
        node = Node(f"r{index}", tree.head, reply, now(), "m", Usage(3, 4, index), "stop")
        tree = trees.add(tree, node)
    tree = trees.undo(trees.branch(tree, "bold"), 2)
    return Conversation(Header("01K", now(), "pirate", "local:smollm2"), tree, "voyage")


def records_of_a_life() -> list[Record]:
    """Return records as a session gathers them: moves and notes between the messages."""
    header = Header("02K", now(), None, "openai:gpt-4o")
    records: list[Record] = [header]
    tree = Tree()
    for index, text in enumerate(TEXTS):
        before = tree
        if index % 3 == 1:
            tree = trees.branch(tree, f"way {index}")
        elif index == 3:
            tree, _ = trees.clear(tree)
        records += moves(before, tree) if tree is not before else []
        for role in ("user", "assistant"):
            tree = _said(tree, Message("user" if role == "user" else "assistant", text * 2))
            assert tree.head is not None, "something was said"
            records.append(tree.head)
        records.append(Moved(tree.branch, tree.head))
    return [*records, Noted("title", "ahoy ❯"), Noted("model", "local:x"), Noted("persona", "p")]


def files() -> dict[str, list[bytes]]:
    """Return the lines of several session files by name."""
    hello = _said(Tree(), Message("user", "Hello"))
    short = whole(Conversation(Header("03K", now()), hello))
    return {
        "short": [wire.encode(record) for record in short],
        "voyage": [wire.encode(record) for record in whole(voyage())],
        "life": [wire.encode(record) for record in records_of_a_life()],
    }


def _said(tree: Tree, message: Message) -> Tree:
    return trees.add(tree, trees.say(tree, message))

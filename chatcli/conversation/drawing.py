"""The picture of the tree that /tree shows: where you are, and what leads off on the way there.

A straight run of turns is one row: the first words of its first question and of its last. At a
fork all ways but one are drawn first, a step to the right; the one that is left goes on below, in
the column that it has. It is yours where the fork is on your path, elsewhere the one with the most
branches, so that the picture gets deeper only as the logarithm of their number.

    ○ 1–2 Where shall we go?
    ├─○ Somewhere warm, then. [warm]
    │ ├─○ By train? [train]
    │ ○ 3 turns: Which month? → And with a dog? [dog]
    ○ 3 And in winter?
    ├─○ reply: North, for the snow. [retried-1] (interrupted)
    ● 4–8 reply: Stay at home. → Is it far? ← you are here [main]
    ○ What does it cost? [undone-1]

Rows come in cells: the rails, words that may be cropped, and last what should stay whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from chatcli.conversation.events import Row
from chatcli.conversation.forest import MOST_ROWS, Folds, Forest, Place, survey, too_deep, too_far
from chatcli.conversation.messages import EDITED, FAILED, INTERRUPTED, Node
from chatcli.conversation.tree import Tree

_MOST_NAMES: Final = 3
_MOST_WORDS: Final = 160
_NAMES_IN_A_ROW: Final = 56
_ENDINGS: Final = {
    INTERRUPTED: "interrupted",
    FAILED: "failed",
    EDITED: "edited",
    "length": "cut short",
}
_SPEAKERS: Final = {"user": "", "assistant": "reply: ", "system": "system prompt: "}


def draw(tree: Tree, *, whole: bool = False) -> tuple[Row, ...]:
    """Return the picture of `tree`, in time and rows linear in its messages.

    A picture of more than MOST_ROWS rows has branches far from where you are named in rows of
    several, unless the `whole` of it is asked for. What lies deeper than DEEPEST is named only.
    """
    forest = survey(tree)
    folds = too_deep(forest)
    if not whole and forest.rows[id(None)] > MOST_ROWS:
        folds = too_far(forest)
    first, *others = _Picture(forest, folds).rows()
    if first.cells[0].startswith("├"):
        first = replace(first, cells=(first.cells[0].replace("├", "┌", 1), *first.cells[1:]))
    return (first, *others)


class _Picture:
    """Draws a forest, with the numbers of /history on your path."""

    def __init__(self, forest: Forest, folds: Folds) -> None:
        self._forest = forest
        self._folds = folds
        path = forest.tree.path
        said = accumulate(int(node.role != "system") for node in path)
        self._ages = {name: age for age, name in enumerate(forest.tree.heads)}
        self._numbers = {id(node): number for node, number in zip(path, said, strict=True)}

    def rows(self) -> Iterator[Row]:
        yield from self._beginning()
        left = self._ways(None)[::-1]
        while left:
            run = self._run(left.pop())
            yield self._drawn(run)
            yield from self._named(run)
            left += self._ways(run[-1])[::-1]
        yield self._sum()

    def _beginning(self) -> Iterator[Row]:
        if self._names(None):
            here = self._forest.tree.head is None
            cells = ("●" if here else "○", "nothing said yet", self._ending(None))
            yield Row(cells, "here" if here else None)
        yield from self._named([None])

    def _run(self, start: Node) -> list[Node]:
        """Return `start` and what follows it in a straight line."""
        run = [start]
        while not self._names(run[-1]) and len(ways := self._ways(run[-1])) == 1:
            run += ways
        return run

    def _drawn(self, run: Sequence[Node]) -> Row:
        first, last = run[0], run[-1]
        level = self._forest.levels[id(first)]
        rails = "│ " * level
        if self._forest.ways[id(first.parent)][-1] is not first:
            rails = rails[:-2] + "├─"
        measure = self._span(run) if id(first) in self._numbers else _turns(run)
        ended = last.role == "user" and not self._forest.ways.get(id(last))
        ending = f"{self._ending(last)} {_remarks(run, unanswered=ended)}"
        if last is self._forest.tree.head:
            return Row((f"{rails}● {measure}", *_gist(run), ending), "here")
        yours = id(last) in self._numbers
        return Row((f"{rails}○ {measure}", *_gist(run), ending), None if yours else "dim")

    def _span(self, run: Sequence[Node]) -> str:
        """Return the numbers of the first and the last message of a run on your path."""
        numbers = [self._numbers[id(node)] for node in run if node.role != "system"]
        return "–".join(str(number) for number in sorted({*numbers[:1], *numbers[-1:]}))

    def _ending(self, place: Place) -> str:
        names = ", ".join(_folded(name) for name in self._names(place))
        here = "← you are here " if place is self._forest.tree.head else ""
        return f"{here}[{names}]" if names else ""

    def _named(self, run: Sequence[Place]) -> Iterator[Row]:
        """Name what is not drawn along a run, several branches in a row."""
        names = [name for place in run for name in self._undrawn(place)]
        names.sort(key=self._ages.__getitem__)
        rails = "│ " * self._forest.levels[id(run[-1])]
        about = f"{_count(len(names), 'more branch', 'es')}:"
        rows = list(_packed([_folded(name) for name in names]))
        for left, row in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
            sign = "├─" if left or self._ways(run[-1]) else "└─"
            yield Row((rails + sign, about, row), "dim")
            about = ""

    def _ways(self, place: Place) -> list[Node]:
        ways = self._forest.ways.get(id(place), ())
        return [way for way in ways if id(way) not in self._folds.ways]

    def _names(self, place: Place) -> Sequence[str]:
        if id(place) in self._folds.heads:
            return ()
        return self._forest.names.get(id(place), ())[:_MOST_NAMES]

    def _undrawn(self, place: Place) -> Iterator[str]:
        names = self._forest.names.get(id(place), ())
        yield from names[len(self._names(place)) :]
        left = [w for w in self._forest.ways.get(id(place), ()) if id(w) in self._folds.ways]
        while left:
            way = left.pop()
            yield from self._forest.names.get(id(way), ())
            left += self._forest.ways.get(id(way), ())

    def _sum(self) -> Row:
        messages = sum(node.role != "system" for node in self._forest.nodes)
        branches = len(self._forest.tree.heads)
        text = f"{_count(messages, 'message', 's')}, {_count(branches, 'branch', 'es')}"
        if self._folds.far:
            return Row(("", f"{text}; /tree all draws each of them", ""), "dim")
        return Row(("", f"{text}; /switch NAME goes to one" if branches > 1 else text, ""), "dim")


def _count(number: int, what: str, plural: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}{plural}"


def _turns(run: Sequence[Node]) -> str:
    turns = sum(node.role == "user" for node in run)
    return f"{turns} turns:" if turns > 1 else ""


def _gist(run: Sequence[Node]) -> Iterator[str]:
    """Return the words of a run's first message and, where that is another, its last question."""
    first = next((node for node in run if node.role != "system"), run[0])
    asked = next((node for node in reversed(run) if node.role == "user"), first)
    yield _SPEAKERS[first.role] + _words(first)
    if asked is not first:
        yield f"→ {_words(asked)}"


def _remarks(run: Sequence[Node], *, unanswered: bool) -> str:
    replies = sum(node.role == "assistant" for node in run)
    how = Counter(_ENDINGS[node.finish] for node in run if node.finish in _ENDINGS)
    remarks = [f"{count} {ending}" if replies > 1 else ending for ending, count in how.items()]
    if any(node.role == "system" for node in run[1:]):
        remarks.append("new system prompt")
    if unanswered:
        remarks.append("no reply")
    return f"({', '.join(remarks)})" if remarks else ""


def _words(node: Node) -> str:
    # Only the beginning is looked at: a message may have megabytes.
    words = _folded(node.content.lstrip()[: 2 * _MOST_WORDS])
    return f"{words[:_MOST_WORDS]}…" if len(words) > _MOST_WORDS else words or "(empty)"


def _folded(text: str) -> str:
    return " ".join(text.split())


def _packed(names: Sequence[str]) -> Iterator[str]:
    """Yield the names in rows of at most _NAMES_IN_A_ROW characters, at least one in each."""
    row: list[str] = []
    for name in names:
        if row and len(", ".join((*row, name))) > _NAMES_IN_A_ROW:
            yield ", ".join(row)
            row = []
        row.append(name)
    if row:
        yield ", ".join(row)

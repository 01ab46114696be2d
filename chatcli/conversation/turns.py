"""A path as the plan sees it: turns, each with its price, counted once.

A `Course` is an immutable value that grows by one message at a time, so that planning after a long
talk costs no more than after a short one: `Ledger` keeps the latest of them, and what comes after
them is all that has to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from chatcli.conversation.messages import Message, Node
from chatcli.conversation.records import Summary

Price: TypeAlias = Callable[[Message], int]

_KEPT: Final = 8
"""How many courses a ledger keeps: one for each branch that one is likely to come back to."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A message of the path with its number and its price in tokens.

    `number` is the one that /history shows; system prompts have none. A `muted` one never goes.
    """

    node: Node
    number: int | None
    tokens: int
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what was answered to it: sent together or not at all.

    `tokens` are those of what may be sent of it.
    """

    entries: tuple[Priced, ...] = ()
    tokens: int = 0
    pinned: bool = False

    def is_in(self, ids: Set[str]) -> bool:
        """Tell whether all of it that may be sent is among the messages with these ids."""
        audible = [entry.node.id for entry in self.entries if not entry.muted]
        return bool(audible) and all(name in ids for name in audible)

    def then(self, entry: Priced, *, pinned: bool) -> Turn:
        tokens = self.tokens + (0 if entry.muted else entry.tokens)
        held = self.pinned or (pinned and not entry.muted)
        return Turn((*self.entries, entry), tokens, held)


@dataclass(frozen=True, slots=True)
class Course:
    """The turns up to a message, and the system prompts, the one in force last.

    `summary` stands for the turns whose indices are in `folded`, but for those that are pinned. Of
    the turns, `tokens` is the price of all, `pinned_tokens` of the pinned ones, and `folded_tokens`
    of those that the summary stands for. `images` is how many all messages have.
    """

    system: tuple[Priced, ...] = ()
    turns: tuple[Turn, ...] = ()
    said: int = 0
    tokens: int = 0
    pinned_tokens: int = 0
    summary: Summary | None = None
    folded: frozenset[int] = frozenset()
    folded_tokens: int = 0
    images: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """A summary and the ids of all messages that it stands for, those of earlier ones included."""

    summary: Summary
    covers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Marks:
    """What the user and the summaries have marked, by the ids of messages."""

    pinned: Set[str] = frozenset()
    muted: Set[str] = frozenset()
    summaries: Mapping[str, Standing] = field(default_factory=dict)


def standing(summaries: Iterable[Summary]) -> dict[str, Standing]:
    """Return the newest summary up to each message, by that message's id.

    The `summaries` are in the order in which they were made.
    """
    found: dict[str, Standing] = {}
    covers: dict[str, frozenset[str]] = {}
    for summary in summaries:
        before = covers.get(summary.replaces or "", frozenset())
        covers[summary.id] = before.union(summary.covers)
        found[summary.until.id] = Standing(summary, covers[summary.id])
    return found


def extended(course: Course, nodes: Iterable[Node], price: Price, marks: Marks) -> Course:
    """Return the course with some more messages."""
    growing = _Growing(course)
    for node in nodes:
        priced = Priced(node, None, price(node.message))
        if node.role == "system":
            growing.system.append(priced)
        else:
            growing.say(priced, marks)
        if (standing := marks.summaries.get(node.id)) is not None:
            growing.fold(standing)
    return growing.course()


class _Growing:
    """A course while messages are added to it."""

    def __init__(self, course: Course) -> None:
        self.system = list(course.system)
        self._turns = list(course.turns)
        self._said = course.said
        self._tokens = course.tokens
        self._pinned_tokens = course.pinned_tokens
        self._images = course.images
        self._fold: tuple[Summary | None, frozenset[int], int]
        self._fold = (course.summary, course.folded, course.folded_tokens)

    def say(self, priced: Priced, marks: Marks) -> None:
        if priced.node.role == "user" or not self._turns:
            self._turns.append(Turn())
        last = self._turns[-1]
        self._unfold(len(self._turns) - 1)
        silent = priced.node.id in marks.muted or bool(last.entries and last.entries[0].muted)
        self._said += 1
        self._images += len(priced.node.message.images)
        entry = Priced(priced.node, self._said, priced.tokens, silent)
        turn = self._turns[-1] = last.then(entry, pinned=priced.node.id in marks.pinned)
        self._tokens += turn.tokens - last.tokens
        self._pinned_tokens += _if_pinned(turn) - _if_pinned(last)

    def fold(self, standing: Standing) -> None:
        if not standing.summary.text:
            self._fold = (None, frozenset(), 0)
            return
        covered = frozenset(
            index for index, turn in enumerate(self._turns) if turn.is_in(standing.covers)
        )
        tokens = sum(self._turns[index].tokens for index in covered)
        pinned = sum(_if_pinned(self._turns[index]) for index in covered)
        self._fold = (standing.summary, covered, tokens - pinned)

    def _unfold(self, index: int) -> None:
        """Take a turn that goes on out of what the summary stands for: it did not see the rest."""
        summary, folded, tokens = self._fold
        if index in folded:
            turn = self._turns[index]
            self._fold = (summary, folded - {index}, tokens - turn.tokens + _if_pinned(turn))

    def course(self) -> Course:
        return Course(
            tuple(self.system),
            tuple(self._turns),
            self._said,
            self._tokens,
            self._pinned_tokens,
            *self._fold,
            self._images,
        )


def _if_pinned(turn: Turn) -> int:
    return turn.tokens if turn.pinned else 0


class Ledger:
    """Knows the course up to each message, of one conversation and one way to count."""

    def __init__(self, price: Price, marks: Marks) -> None:
        self._price = price
        self._marks = marks
        self._courses: dict[int, tuple[Node, Course]] = {}

    def at(self, head: Node | None) -> Course:
        """Return the course up to `head`."""
        if head is None:
            return Course()
        known = self._courses.get(id(head))
        if known is not None:
            return known[1]
        *earlier, last = reversed(list(self._unknown(head)))
        course = self._known_before(earlier[0] if earlier else last)
        if earlier:
            # What is asked next mostly hangs on the same message.
            course = self._keep(earlier[-1], extended(course, earlier, self._price, self._marks))
        return self._keep(last, extended(course, [last], self._price, self._marks))

    def _unknown(self, head: Node) -> Iterator[Node]:
        """Yield `head` and what stands before it, up to the latest course that is known."""
        for node in head.lineage():
            if id(node) in self._courses:
                return
            yield node

    def _known_before(self, node: Node) -> Course:
        return self._courses[id(node.parent)][1] if node.parent is not None else Course()

    def _keep(self, head: Node, course: Course) -> Course:
        # The node is kept with it, so that its id is not given to another.
        self._courses[id(head)] = (head, course)
        if len(self._courses) > _KEPT:
            del self._courses[next(iter(self._courses))]
        return course

"""The context plan: which messages the next request holds, which it leaves out, and why.

`plan` is a pure function of the course of the conversation, what its messages cost, and the limits.
It never changes the conversation, and its cost grows with what it leaves out, not with what it
keeps. A new strategy is a function of the type `Strategy` and its line in STRATEGIES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from chatcli.conversation.messages import Message, Node
from chatcli.conversation.records import Summary
from chatcli.conversation.turns import Course, Price, Priced, Turn
from chatcli.errors import BudgetError

Reason: TypeAlias = Literal["budget", "window"]
Fate: TypeAlias = (
    Literal["system", "sent", "pinned", "newest", "muted", "replaced", "folded"] | Reason
)

SUMMARY: Final = "Summary of what was said earlier in this conversation:\n\n"


REPLY_RESERVE: Final = 1024
"""Tokens of a context window that are left to the reply, at most a quarter of the window."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may hold: tokens, the strategy that keeps to them, the window in pairs."""

    budget: int | None = None
    strategy: str = "truncate"
    window: int = 5


def budget_in(window: int) -> int:
    """Return the prompt tokens that a context window of so many tokens has room for."""
    return window - min(REPLY_RESERVE, window // 4)


@dataclass(frozen=True, slots=True)
class Planned:
    """A message of the path with its number, its price in tokens, and what becomes of it."""

    node: Node
    number: int | None
    tokens: int
    fate: Fate


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next request holds.

    `first` is the system prompt as it is sent, with the summary at its end. `tokens` includes the
    request's own `overhead`. The `examples` are the persona's: they go between the system prompt
    and the history, and are no part of the conversation.
    """

    course: Course
    limits: Limits
    tokens: int
    overhead: int
    system_tokens: int = 0
    summary_tokens: int = 0
    first: Message | None = None
    examples: tuple[Message, ...] = ()
    example_tokens: int = 0
    summary: Summary | None = None
    reasons: Mapping[int, Reason] = field(default_factory=dict)

    @property
    def messages(self) -> list[Message]:
        """What is sent, in the order in which it is sent: the system prompt first."""
        said = [
            entry.node.message
            for index, turn in enumerate(self.course.turns)
            if self._fate(index, turn) in {"sent", "pinned", "newest"}
            for entry in turn.entries
            if not entry.muted
        ]
        return [*([self.first] if self.first else []), *self.examples, *said]

    @property
    def entries(self) -> tuple[Planned, ...]:
        """Every message of the path, in its order, with what becomes of it."""
        return tuple(sorted(self._judged(), key=lambda entry: entry.node.depth))

    @property
    def newest_tokens(self) -> int:
        return self.course.turns[-1].tokens if self.course.turns else 0

    @property
    def pinned_tokens(self) -> int:
        """The tokens of pinned turns, the newest one apart."""
        newest = self.course.turns[-1:]
        return self.course.pinned_tokens - sum(turn.tokens for turn in newest if turn.pinned)

    def sent(self) -> list[Planned]:
        """The messages that go, in the order of the path."""
        return [e for e in self.entries if e.fate in {"system", "sent", "pinned", "newest"}]

    def left_out(self) -> list[Planned]:
        """The messages that stay out for want of room, the oldest first."""
        return [
            Planned(entry.node, entry.number, entry.tokens, self.reasons[index])
            for index in sorted(self.reasons)
            for entry in self.course.turns[index].entries
            if not entry.muted
        ]

    def _judged(self) -> Iterator[Planned]:
        *replaced, system = self.course.system or (None,)
        for prompt in replaced:
            if prompt is not None:
                yield _planned(prompt, "replaced")
        if system is not None:
            yield _planned(system, "system")
        for index, turn in enumerate(self.course.turns):
            fate = self._fate(index, turn)
            for entry in turn.entries:
                yield _planned(entry, "muted" if entry.muted else fate)

    def _fate(self, index: int, turn: Turn) -> Fate:
        if index == len(self.course.turns) - 1:
            return "newest"
        if turn.pinned:
            return "pinned"
        if self.summary is not None and index in self.course.folded:
            return "folded"
        return self.reasons.get(index, "sent")


def _planned(entry: Priced, fate: Fate) -> Planned:
    return Planned(entry.node, entry.number, entry.tokens, fate)


@dataclass(frozen=True, slots=True)
class Room:
    """What a strategy decides about: the turns before the newest but for those in `folded`.

    `excess` is how many tokens they are over what there is room for (negative: room is left);
    pinned turns go whatever is decided. `pairs` is the window.
    """

    turns: Sequence[Turn]
    folded: Set[int]
    excess: float
    pairs: int

    def free(self, start: int = 0, stop: int | None = None) -> Iterator[int]:
        """Yield the indices of the turns that may be left out, the oldest first."""
        for index in range(start, len(self.turns) - 1 if stop is None else stop):
            if index not in self.folded and not self.turns[index].pinned:
                yield index


Strategy: TypeAlias = Callable[[Room], dict[int, Reason]]
"""Returns why turns are left out, by their index; the others are sent."""


def truncate(room: Room) -> dict[int, Reason]:
    """Leave the oldest turns out until the rest fits."""
    return _oldest(room, 0, room.excess)


def window(room: Room) -> dict[int, Reason]:
    """Send the newest N pairs before the question, as many of them as fit."""
    start = max(len(room.turns) - 1 - room.pairs, 0)
    outside: dict[int, Reason] = dict.fromkeys(room.free(0, start), "window")
    saved = sum(room.turns[index].tokens for index in outside)
    return {**outside, **_oldest(room, start, room.excess - saved)}


def summarize(room: Room) -> dict[int, Reason]:
    """Fold the oldest turns into a summary before the budget is full; what still overflows leaves.

    The folding is a turn of its own with the model: see `folding.py`.
    """
    return truncate(room)


def full(room: Room) -> dict[int, Reason]:
    """Send everything, or nothing at all."""
    if room.excess > 0:
        raise BudgetError(
            f"the conversation is {int(room.excess):,} tokens over the budget",
            "/strategy truncate leaves the oldest turns out, /budget sets another limit",
        )
    return {}


STRATEGIES: Final[dict[str, Strategy]] = {
    "truncate": truncate,
    "window": window,
    "summarize": summarize,
    "full": full,
}


def _oldest(room: Room, start: int, excess: float) -> dict[int, Reason]:
    reasons: dict[int, Reason] = {}
    for index in room.free(start):
        if excess <= 0:
            break
        reasons[index] = "budget"
        excess -= room.turns[index].tokens
    return reasons


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms requests are planned: the `price` of a message in tokens, and the limits.

    `overhead` tells what a request costs beside its messages, which can be a matter of whether it
    begins with a system prompt; the `examples` go with every request.
    """

    price: Price
    limits: Limits
    overhead: Callable[[Sequence[Message]], int] = lambda _opening: 0
    examples: tuple[Message, ...] = ()


def plan(course: Course, terms: Terms) -> Plan:
    """Plan the next request, whose question is the last turn of `course`.

    The newest system prompt, the examples, pinned turns, the summary and the last turn always go;
    muted messages never. A reply never goes without its question. Raises BudgetError when what
    must go exceeds the budget, or when `full` can't send everything.
    """
    made = None
    if terms.limits.strategy != "full" and course.summary is not None:
        made = _plan(course, terms, course.summary)
    made = made or _plan(course, terms, None)
    if made is None:
        raise _too_large(course, terms)
    return made


def _plan(course: Course, terms: Terms, summary: Summary | None) -> Plan | None:
    """Plan with a summary or without one; None where what must go does not fit."""
    budget = terms.limits.budget
    first = _first(course, summary)
    system = course.system[-1].tokens if course.system else 0
    opening = terms.price(first) if first and summary else system
    shown = sum(map(terms.price, terms.examples))
    overhead = terms.overhead([first] if first else [])
    must = overhead + shown + opening + _always(course)
    if budget is not None and must > budget:
        return None
    folded, folded_tokens = _folded(course) if summary else (frozenset[int](), 0)
    others = course.tokens - _always(course) - folded_tokens
    excess = must + others - (float("inf") if budget is None else budget)
    room = Room(course.turns, folded, excess, terms.limits.window)
    reasons = STRATEGIES[terms.limits.strategy](room)
    left = sum(course.turns[index].tokens for index in reasons)
    return Plan(
        course,
        terms.limits,
        must + others - left,
        overhead,
        system_tokens=system,
        summary_tokens=opening - system,
        first=first,
        examples=terms.examples,
        example_tokens=shown,
        summary=summary,
        reasons=reasons,
    )


def _folded(course: Course) -> tuple[frozenset[int], int]:
    """Return the turns that the summary stands for, and their tokens; the newest goes by itself."""
    newest = len(course.turns) - 1
    if newest not in course.folded:
        return course.folded, course.folded_tokens
    turn = course.turns[newest]
    own = 0 if turn.pinned else turn.tokens
    return course.folded - {newest}, course.folded_tokens - own


def _always(course: Course) -> int:
    """Return the tokens of the turns that go whatever happens: the newest and the pinned ones."""
    newest = sum(turn.tokens for turn in course.turns[-1:] if not turn.pinned)
    return course.pinned_tokens + newest


def _first(course: Course, summary: Summary | None) -> Message | None:
    """Return the system prompt as it is sent, with the summary at its end.

    One system message, because many endpoints and templates take no second one.
    """
    if summary is None:
        return course.system[-1].node.message if course.system else None
    prompt = course.system[-1].node.content if course.system else ""
    told = f"{SUMMARY}{summary.text}"
    return Message("system", f"{prompt}\n\n{told}" if prompt else told)


def _too_large(course: Course, terms: Terms) -> BudgetError:
    first = _first(course, None)
    system = course.system[-1].tokens if course.system else 0
    must = terms.overhead([first] if first else []) + system + _always(course)
    must += sum(map(terms.price, terms.examples))
    budget = terms.limits.budget
    assert budget is not None, "without a budget everything fits"
    return BudgetError(
        f"the newest message needs {must:,} tokens with what always goes along, "
        f"{must - budget:,} more than the budget of {budget:,}",
        "shorten it, or raise the budget with --budget or /budget",
    )

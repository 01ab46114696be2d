"""The context plan: which messages the next request holds, which it leaves out, and why.

`plan` is a pure function of the course of the conversation, what its messages cost, and the limits.
It never changes the conversation, and its cost grows with what it leaves out, not with what it
keeps. What is left out is up to the strategy: see `strategies.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from chatcli.conversation.injecting import Surroundings, facts_of
from chatcli.conversation.messages import Message, Node
from chatcli.conversation.opening import Opening, fitted, within
from chatcli.conversation.records import Summary
from chatcli.conversation.strategies import STRATEGIES, Reason, Room
from chatcli.conversation.turns import Course, Price, Priced, Turn
from chatcli.errors import BudgetError

Fate: TypeAlias = (
    Literal["system", "sent", "pinned", "newest", "muted", "replaced", "folded"] | Reason
)

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

    `opening` is the system message as it is sent, with the live facts and the summary. `tokens`
    includes the request's own `overhead`. The `examples` are the persona's: they go between the
    system message and the history, and are no part of the conversation. `takes_images` is False
    where images are left out of all that is sent.
    """

    course: Course
    limits: Limits
    tokens: int
    overhead: int
    opening: Opening = field(default_factory=Opening)
    examples: tuple[Message, ...] = ()
    example_tokens: int = 0
    summary: Summary | None = None
    reasons: Mapping[int, Reason] = field(default_factory=dict)
    takes_images: bool = True

    @property
    def messages(self) -> list[Message]:
        """What is sent, in the order in which it is sent: the system prompt first."""
        said: Iterable[Message] = self._going()
        if not self.takes_images:
            said = (message.without_images() for message in said)
        return [*self.opening.messages, *self.examples, *said]

    @property
    def images(self) -> int:
        """How many images are sent; the tokens are no more than an estimate where there are any."""
        return self._shown() if self.takes_images else 0

    @property
    def unseen(self) -> int:
        """How many images the messages have that are sent without them."""
        return 0 if self.takes_images else self._shown()

    def _shown(self) -> int:
        if not self.course.images:
            return 0
        return sum(len(message.images) for message in self._going())

    def _going(self) -> Iterator[Message]:
        for index, turn in enumerate(self.course.turns):
            if self._fate(index, turn) in {"sent", "pinned", "newest"}:
                yield from (entry.node.message for entry in turn.entries if not entry.muted)

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
            yield Planned(system.node, system.number, self.opening.system_tokens, "system")
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
class Terms:
    """On what terms requests are planned: the `price` of a message in tokens, and the limits.

    `overhead` tells what a request costs beside its messages, which can be a matter of whether it
    begins with a system prompt; the `examples` go with every request. `around` is what is known of
    the moment, None where the system prompt goes as it is.
    """

    price: Price
    limits: Limits
    overhead: Callable[[Sequence[Message]], int] = lambda _opening: 0
    examples: tuple[Message, ...] = ()
    around: Surroundings | None = None


def plan(course: Course, terms: Terms) -> Plan:
    """Plan the next request, whose question is the last turn of `course`.

    The newest system prompt, the examples, pinned turns, the summary and the last turn always go;
    muted messages never. A reply never goes without its question. Live facts go as far as there is
    room for them. Raises BudgetError when what must go exceeds the budget, or when `full` can't
    send everything.
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
    shown = sum(map(terms.price, terms.examples))
    opening, overhead = _opening(course, terms, summary, shown)
    must = overhead + shown + opening.tokens + _always(course)
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
        opening=opening,
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


def _opening(
    course: Course, terms: Terms, summary: Summary | None, shown: int
) -> tuple[Opening, int]:
    """Return the system message, and what the request costs beside its messages.

    `shown` are the tokens of the examples.
    """
    budget, price, around = terms.limits.budget, terms.price, terms.around
    prompt = course.system[-1].node.content if course.system else ""
    facts = within(facts_of(course, around), around.memory_budget, price) if around else None
    # A request that begins with a system message may cost more; so the facts are fitted for one.
    prompted = terms.overhead([Message("system", prompt)])
    said = course.tokens if terms.limits.strategy == "full" else _always(course)
    room = None if budget is None else budget - prompted - shown - said
    opening = fitted(
        prompt, facts, summary.text if summary else None, price, room=room, budget=budget
    )
    return opening, prompted if opening.message else terms.overhead([])


def _too_large(course: Course, terms: Terms) -> BudgetError:
    shown = sum(map(terms.price, terms.examples))
    opening, overhead = _opening(course, terms, None, shown)
    must = overhead + shown + opening.tokens + _always(course)
    budget = terms.limits.budget
    assert budget is not None, "without a budget everything fits"
    return BudgetError(
        f"the newest message needs {must:,} tokens with what always goes along, "
        f"{must - budget:,} more than the budget of {budget:,}",
        "shorten it, or raise the budget with --budget or /budget",
    )

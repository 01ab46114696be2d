"""The next request as commands see it: planned even where it can't be sent, its numbers sure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from chatcli.commands.registry import Chat
from chatcli.conversation.context import Fate, Plan, Planned
from chatcli.conversation.messages import Node
from chatcli.conversation.planning import Planner
from chatcli.conversation.turns import Turn
from chatcli.errors import BudgetError

FATES: Final[dict[Fate, str]] = {
    "system": "sent",
    "sent": "sent",
    "pinned": "sent, pinned",
    "newest": "sent",
    "muted": "muted",
    "replaced": "replaced",
    "folded": "in the summary",
    "budget": "left out: budget",
    "window": "left out: window",
}
"""What becomes of a message, in words."""

_MARKS: Final[dict[Fate, str]] = {
    "pinned": "pinned",
    "muted": "muted",
    "folded": "in the summary",
}


@dataclass(frozen=True, slots=True)
class Next:
    """The next request, with an empty message in the place of what is still to be typed.

    `trouble` says why it can't be sent as it is; the plan then is what it would be with no budget.
    `budget` is the one that holds, `exact` tells whether the tokens are known to the last one.
    """

    plan: Plan
    budget: int | None
    exact: bool
    trouble: BudgetError | None = None

    def tokens(self, count: int) -> str:
        """Return a number of tokens as people read it, with `≈` before what is not exact."""
        return f"{'' if self.exact else '≈'}{count:,}"

    @property
    def entries(self) -> tuple[Planned, ...]:
        """What was said, and the system prompts, without the message that is still to come."""
        return self.plan.entries[:-1]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns so far, without the one that is still to come."""
        return self.plan.course.turns[:-1]


def next_request(chat: Chat) -> Next:
    """Plan the next request, counted as exactly as can be."""
    chat.wait_for_counting()
    return _as_counted_now(chat)


def _as_counted_now(chat: Chat) -> Next:
    session = chat.session
    trouble = None
    try:
        plan = session.plan("")
    except BudgetError as error:
        trouble, plan = error, _unlimited(chat)
    exact = session.planner.counter.precision == "exact"
    return Next(plan, session.planner.limits.budget, exact, trouble)


def marks(chat: Chat) -> dict[Node, str]:
    """Return how messages of this branch are marked, those that are not left out."""
    entries = _as_counted_now(chat).entries
    return {entry.node: _MARKS[entry.fate] for entry in entries if entry.fate in _MARKS}


def turn_of(chat: Chat, node: Node) -> Turn:
    """Return the turn that a message of this branch belongs to."""
    turns = _as_counted_now(chat).turns
    return next(turn for turn in turns if any(entry.node is node for entry in turn.entries))


def _unlimited(chat: Chat) -> Plan:
    """Return the plan with no budget, made apart, so that nothing else comes to see it."""
    now = chat.session.planner
    planner = Planner(now.counter, replace(now.limits, budget=None))
    planner.examples = now.examples
    return planner.forecast(chat.session.conversation, "")

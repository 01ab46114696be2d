"""The next request as commands see it: planned even where it can't be sent, its numbers sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from chatcli.commands.attach import parts_of
from chatcli.commands.registry import Chat
from chatcli.conversation.context import Fate, Plan, Planned
from chatcli.conversation.images import Image
from chatcli.conversation.messages import Node
from chatcli.conversation.planning import Planner
from chatcli.conversation.turns import Turn
from chatcli.errors import BudgetError

if TYPE_CHECKING:
    from chatcli.storage.attachments import Attachment

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
    """The next request, with what goes along with the message that is still to be typed.

    That message is the `draft` as far as there is one, and `going` are the names of the files.
    `trouble` says why it can't be sent as it is; the plan then is what it would be with no budget.
    `budget` is the one that holds, `exact` tells whether the tokens are known to the last one.
    """

    plan: Plan
    budget: int | None
    exact: bool
    trouble: BudgetError | None = None
    draft: str = ""
    going: tuple[str, ...] = ()

    @property
    def newest(self) -> str:
        """What the message that is still to be typed is made of, in words."""
        typed = "as typed" if self.draft else "empty so far"
        files = "" if not self.going else f", with {len(self.going)} file"
        return f"newest, {typed}{files}{'s' if len(self.going) > 1 else ''}"

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


def next_request(chat: Chat, draft: str = "") -> Next:
    """Plan the next request, with all that goes along with it, counted as exactly as can be."""
    chat.wait_for_counting()
    return _as_counted_now(chat, draft, chat.going_with(draft))


def _as_counted_now(chat: Chat, draft: str = "", going: Sequence[Attachment] = ()) -> Next:
    session, parts = chat.session, parts_of(going)
    trouble = None
    try:
        plan = session.plan(draft, *parts)
    except BudgetError as error:
        trouble, plan = error, _unlimited(chat, draft, parts)
    exact = session.planner.counter.precision == "exact" and not plan.images
    names = tuple(each.name for each in going)
    return Next(plan, session.planner.limits.budget, exact, trouble, draft, names)


def marks(chat: Chat) -> dict[Node, str]:
    """Return how messages of this branch are marked, those that are not left out."""
    entries = _as_counted_now(chat).entries
    return {entry.node: _MARKS[entry.fate] for entry in entries if entry.fate in _MARKS}


def turn_of(chat: Chat, node: Node) -> Turn:
    """Return the turn that a message of this branch belongs to."""
    turns = _as_counted_now(chat).turns
    return next(turn for turn in turns if any(entry.node is node for entry in turn.entries))


def _unlimited(chat: Chat, draft: str, parts: tuple[list[str], list[Image]]) -> Plan:
    """Return the plan with no budget, made apart, so that nothing else comes to see it."""
    now = chat.session.planner
    planner = Planner(now.counter, replace(now.limits, budget=None))
    planner.examples = now.examples
    planner.surroundings = now.surroundings
    planner.takes_images = now.takes_images
    return planner.forecast(chat.session.conversation, draft, *parts)

"""What the replies and the summaries of a session add up to, model by model.

Decimal numbers take their time to import, so this is imported when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from chatcli.commands.registry import Chat
from chatcli.conversation.messages import EDITED, Node, Usage
from chatcli.conversation.records import Conversation, Spent, Summary
from chatcli.providers.prices import Place, cost_of

ANYWHERE: Final = Place("", "")
"""Where a model is asked of which no more than its name is known."""

Paid: TypeAlias = Node | Summary | Spent
"""What a model was asked for, with what that took."""

NOTHING: Final = Usage(0, 0)


@dataclass(frozen=True, slots=True)
class Bill:
    """What some replies add up to.

    `silent` of them came without figures; of the others `unpriced` have an unknown price, so that
    `cost`, in US dollars, is that of the rest.
    """

    replies: int = 0
    usage: Usage = NOTHING
    cost: Decimal = Decimal(0)
    silent: int = 0
    unpriced: int = 0

    def plus(self, usage: Usage | None, cost: Decimal | None) -> Bill:
        if usage is None:
            return self + Bill(1, silent=1)
        if cost is None:
            return self + Bill(1, usage, unpriced=1)
        return self + Bill(1, usage, cost)

    def __add__(self, other: Bill) -> Bill:
        return Bill(
            self.replies + other.replies,
            self.usage + other.usage,
            self.cost + other.cost,
            self.silent + other.silent,
            self.unpriced + other.unpriced,
        )

    @property
    def price(self) -> str:
        """The cost in words, with `≈` since it is computed, and what of it is not known."""
        if self.unpriced == 0:
            return dollars(self.cost) if self.replies > self.silent else "unknown"
        return f"{dollars(self.cost)} and unknown" if self.cost else "unknown"


def bills_of(chat: Chat) -> dict[str, Bill]:
    """Return what each model's replies add up to; a reply on a branch of its own was paid too."""
    bills: dict[str, Bill] = {}
    places: dict[str, Place] = {}
    for paid in (*_paid(chat.session.conversation), *chat.session.spent):
        name = paid.model or "unknown"
        if name not in places:
            places[name] = _place(chat, name)
        bills[name] = bills.get(name, Bill()).plus(paid.usage, _cost(places[name], name, paid))
    return bills


def _paid(talk: Conversation) -> Iterator[Node | Summary]:
    """Yield every reply that a model wrote, and every summary."""
    for node in talk.tree.nodes():
        if node.role == "assistant" and node.finish != EDITED:
            yield node
    for summary in talk.summaries.values():
        if summary.model is not None:
            yield summary


def dollars(cost: Decimal) -> str:
    """Return an amount as people read it: cents, or the first two digits of what is less."""
    if not cost:
        return "$0"
    if cost >= 1:
        return f"≈${cost:,.2f}"
    return f"≈${cost:.{max(1 - cost.adjusted(), 2)}f}"


def _cost(place: Place, name: str, paid: Paid) -> Decimal | None:
    return cost_of(place, name, paid.usage, paid.time) if paid.usage else None


def _place(chat: Chat, name: str) -> Place:
    """Return where the model of that name was asked: by its profile, `PROFILE:MODEL`.

    Where it has none, the session's own profile is it if the model is the session's own, as far as
    the beginning of its name tells.
    """
    profile, colon, _ = name.partition(":")
    place = chat.asked_at(profile) if colon else None
    if place is not None:
        return place
    profile, _, model = (chat.session.conversation.header.model or "").partition(":")
    return (chat.asked_at(profile) if name.startswith(model) else None) or ANYWHERE

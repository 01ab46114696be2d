"""/cost: what the replies of this session cost, on all its branches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from chatcli.commands.registry import Chat, command
from chatcli.conversation.events import Event, Notice, Row, Table
from chatcli.conversation.messages import EDITED, Node, Usage
from chatcli.conversation.records import Conversation, Summary
from chatcli.providers.prices import Place, cost_of

ANYWHERE: Final = Place("", "")
"""Where a model is asked of which no more than its name is known."""

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


@command("tools")
def cost(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Show what the replies and the summaries cost, model by model, on all branches.

    The tokens are those that the endpoints reported, the prices those of the package genai-prices
    as it is installed, or your own in config.toml. What is not known is said to be unknown.
    """
    bills = bills_of(chat)
    if not bills:
        yield Notice("no reply was asked for yet: nothing to pay", "say something first")
        return
    whole = sum(bills.values(), Bill())
    rows = [_row(model, bill) for model, bill in bills.items()]
    if len(bills) > 1:
        rows.append(_row("in all", whole, here=True))
    columns = ("model", "replies", "sent", "cached", "received", "cost")
    yield Table("What was paid for", columns, tuple(rows), frozenset(columns[1:]))
    yield from _missing(whole)


def so_far(chat: Chat) -> Iterator[Event]:
    """Say in a line what the whole session has used; nothing where it has used nothing."""
    whole = sum(bills_of(chat).values(), Bill())
    if whole.replies == whole.silent:
        return
    usage = whole.usage
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    yield Notice(
        f"the session so far, on all branches: {usage.prompt_tokens:,} sent{cached} and "
        f"{usage.completion_tokens:,} received; cost: {whole.price}"
    )


def bills_of(chat: Chat) -> dict[str, Bill]:
    """Return what each model's replies add up to; a reply on a branch of its own was paid too."""
    bills: dict[str, Bill] = {}
    places: dict[str, Place] = {}
    for paid in _paid(chat.session.conversation):
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


def _cost(place: Place, name: str, paid: Node | Summary) -> Decimal | None:
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


def _row(model: str, bill: Bill, *, here: bool = False) -> Row:
    usage = bill.usage
    numbers = (
        bill.replies,
        max(usage.prompt_tokens - usage.cached_tokens, 0),
        usage.cached_tokens,
        usage.completion_tokens,
    )
    cells = (model, *(f"{number:,}" for number in numbers), bill.price)
    return Row(cells, "here" if here else None)


def _missing(whole: Bill) -> Iterator[Event]:
    """Say what the sums leave out."""
    if whole.unpriced:
        text = f"the price of {_replies(whole.unpriced)} is unknown"
        yield Notice(text, "input_price and output_price in config.toml tell it")
    if whole.silent:
        yield Notice(f"{_replies(whole.silent)} came without figures, and count for nothing")


def _replies(count: int) -> str:
    return f"{count} {'reply' if count == 1 else 'replies'}"

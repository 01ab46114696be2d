"""/cost: what the replies of this session cost, on all its branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chatcli.commands.registry import Chat, command
from chatcli.conversation.events import Event, Notice, Row, Table

if TYPE_CHECKING:
    from chatcli.commands.bills import Bill


@command("tools")
def cost(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Show what the replies and the summaries cost, model by model, on all branches.

    The tokens are those that the endpoints reported, the prices those of the package genai-prices
    as it is installed, or your own in config.toml. What is not known is said to be unknown.

    Example: /cost
    """
    from chatcli.commands.bills import Bill, bills_of

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
    from chatcli.commands.bills import Bill, bills_of

    whole = sum(bills_of(chat).values(), Bill())
    if whole.replies == whole.silent:
        return
    usage = whole.usage
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    yield Notice(
        f"the session so far, on all branches: {usage.prompt_tokens:,} sent{cached} and "
        f"{usage.completion_tokens:,} received; cost: {whole.price}"
    )


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

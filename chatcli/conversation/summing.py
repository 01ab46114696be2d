"""Having the model write a summary: its requests are sent like any other, but leave no message."""

from __future__ import annotations

from collections.abc import Generator

from chatcli.conversation import folding
from chatcli.conversation.arriving import Arriving, Asked
from chatcli.conversation.events import Event, Notice, Retrying
from chatcli.conversation.exchange import Exchange
from chatcli.conversation.folding import Fold
from chatcli.conversation.messages import INTERRUPTED, Usage
from chatcli.conversation.planning import Planner
from chatcli.conversation.ports import Provider
from chatcli.conversation.records import Summary
from chatcli.errors import ProviderError, UsageError


def summed_up(
    fold: Fold, planner: Planner, exchange: Exchange, provider: Provider
) -> Generator[Event, None, Summary | None]:
    """Ask for a summary of what is to be folded, part by part; yields what there is to tell.

    Returns None where there is none: the user has stopped it, or the model failed, which is told
    and no error, for a conversation can go on without.
    """
    budget, price = planner.limits.budget, planner.counter.price
    count = len(fold.covers)
    yield Notice(f"summing up {count} message{'s' if count > 1 else ''}, to make room")
    text = fold.before.text if fold.before else ""
    usage: Usage | None = None
    model = provider.model
    for part in folding.parts(fold, budget, price):
        arriving = Arriving(Asked(fold.until, folding.request(part, text, budget)), provider.model)
        try:
            for event in exchange.stream(provider, arriving):
                if isinstance(event, Retrying):
                    yield event
        except (ProviderError, UsageError) as error:
            yield _failed(error.message)
            return None
        ending = exchange.ending(arriving)
        if ending == INTERRUPTED:
            return None
        if ending == "length":
            yield _failed("it came out too long")
            return None
        arriving.rest()
        model = arriving.name
        if arriving.usage is not None:
            usage = arriving.usage + usage if usage else arriving.usage
        text = arriving.node("stop").content.strip()
        if not text or folding.too_long(text, budget, price):
            yield _failed("the model's summary is empty" if not text else "it came out too long")
            return None
    return fold.summary(text, model, usage)


def _failed(why: str) -> Notice:
    hint = "the oldest turns are left out instead, and none is lost"
    return Notice(f"there is no summary: {why}", hint, "warning")

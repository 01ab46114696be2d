"""/budget /strategy: how much a request may hold, and what becomes of what is more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.strategies import STRATEGIES
from chatcli.errors import UsageError


@command("context", "[N]")
def budget(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show or set how many tokens a request may hold.

    Example: /budget 4000
    """
    session = chat.session
    if arguments:
        limit = whole_number(arguments, 0, "a budget")
        session.planner.limits = replace(session.planner.limits, budget=limit)
    now = session.planner.limits.budget
    yield Notice(f"the budget is {now:,} tokens" if now else "there is no budget: none is known")


def _strategies(_chat: Chat) -> Iterable[Choice]:
    return [
        Choice(name, (how.__doc__ or "").partition("\n")[0]) for name, how in STRATEGIES.items()
    ]


@command("context", "[NAME [N]]", complete=_strategies)
def strategy(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show or set what happens when the budget is full.

    truncate leaves the oldest turns out; window N sends the newest N pairs; summarize folds the
    oldest turns into a summary that the model writes; full sends everything or says that it can't.
    Nothing is ever deleted.

    Example: /strategy window 5
    """
    session = chat.session
    if arguments:
        name, _, number = arguments.partition(" ")
        if name not in STRATEGIES:
            raise UsageError(f"there is no strategy `{name}`", f"one of {', '.join(STRATEGIES)}")
        window = whole_number(number.strip(), session.planner.limits.window, "a window")
        session.planner.limits = replace(session.planner.limits, strategy=name, window=window)
    limits = session.planner.limits
    pairs = f", of {limits.window} pair{'' if limits.window == 1 else 's'}"
    yield Notice(f"the strategy is {limits.strategy}{pairs if limits.strategy == 'window' else ''}")

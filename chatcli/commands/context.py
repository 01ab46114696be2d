"""/tokens /budget /strategy: what the next request holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation.context import STRATEGIES, Plan
from chatcli.conversation.events import Event, Notice, Row, Table
from chatcli.errors import UsageError


@command("context")
def tokens(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Show what the next request would hold, against the budget."""
    session = chat.session
    chat.wait_for_counting()
    plan = session.plan("")
    mark = "" if session.counter.precision == "exact" else "≈"
    rows = [Row((name, f"{mark}{count:,}")) for name, count in _parts(plan)]
    rows.append(Row(("in all", f"{mark}{plan.tokens:,}"), "here"))
    rows += _limits(plan, mark)
    left_out = plan.left_out()
    if left_out:
        count = sum(entry.tokens for entry in left_out)
        rows.append(Row((f"left out ({len(left_out)} messages)", f"{mark}{count:,}"), "dim"))
    yield Table("The next request", ("part", "tokens"), tuple(rows), frozenset({"tokens"}))
    yield Notice(_reported(chat))


def _parts(plan: Plan) -> list[tuple[str, int]]:
    sent = plan.sent()
    system = sum(entry.tokens for entry in sent if entry.node.role == "system")
    history = sum(entry.tokens for entry in sent if entry.node.role != "system")
    return [
        ("system prompt", system),
        *([("the persona's examples", plan.example_tokens)] if plan.examples else []),
        ("history", history - plan.newest_tokens),
        ("the message to come, empty so far", plan.newest_tokens),
        ("the request itself", plan.overhead),
    ]


def _limits(plan: Plan, mark: str) -> list[Row]:
    if plan.budget is None:
        return [Row(("budget", "none known"), "dim")]
    return [
        Row((f"budget ({plan.strategy})", f"{plan.budget:,}")),
        Row(("free", f"{mark}{plan.budget - plan.tokens:,}")),
    ]


def _reported(chat: Chat) -> str:
    counted = f"counted: {chat.session.counter.precision}"
    usage = chat.session.last_usage
    if usage is None:
        return f"{counted}; the endpoint has reported nothing yet"
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return (
        f"{counted}; the endpoint reported {usage.prompt_tokens:,} tokens sent{cached} and "
        f"{usage.completion_tokens:,} received, the last time"
    )


@command("context", "[N]")
def budget(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show or set how many tokens a request may hold."""
    session = chat.session
    if arguments:
        limit = whole_number(arguments, 0, "a budget")
        session.limits = replace(session.limits, budget=limit)
    now = session.limits.budget
    yield Notice(f"the budget is {now:,} tokens" if now else "there is no budget: none is known")


def _strategies(_chat: Chat) -> Iterable[Choice]:
    return [Choice(name, (how.__doc__ or "").strip()) for name, how in STRATEGIES.items()]


@command("context", "[NAME [N]]", complete=_strategies)
def strategy(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show or set what happens when the budget is full.

    truncate leaves the oldest turns out; window N sends the newest N pairs; full sends everything
    or says that it can't. Nothing is ever deleted.
    """
    session = chat.session
    if arguments:
        name, _, number = arguments.partition(" ")
        if name not in STRATEGIES:
            raise UsageError(f"there is no strategy `{name}`", f"one of {', '.join(STRATEGIES)}")
        pairs = whole_number(number.strip(), session.limits.window, "a window")
        session.limits = replace(session.limits, strategy=name, window=pairs)
    limits = session.limits
    pairs_text = f", of {limits.window} pairs" if limits.strategy == "window" else ""
    yield Notice(f"the strategy is {limits.strategy}{pairs_text}")

"""/tokens /context /budget /strategy: what the next request holds, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from chatcli.commands.costs import so_far
from chatcli.commands.planned import FATES, Next, next_request
from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation.context import STRATEGIES, Plan, Planned, budget_in
from chatcli.conversation.events import Event, Gauge, Json, Notice, Row, Share, Table
from chatcli.conversation.text import first_words
from chatcli.errors import UsageError


@command("context")
def tokens(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Show how full the next request is, and of what.

    What is not exact has `≈` before it. Below are the tokens that the endpoint itself has reported,
    of the last reply and of all; /context shows it message by message, /cost model by model.

    Example: /tokens, then /context to see which message takes the most.
    """
    coming = next_request(chat)
    yield Gauge((*_parts(coming.plan), *_room(coming, chat.window)))
    rows = [Row((each.name, coming.tokens(each.size))) for each in _parts(coming.plan) if each.size]
    rows.append(Row(("in all", coming.tokens(coming.plan.tokens)), "here"))
    rows += [*_limits(coming, chat.window), *_left_out(coming)]
    yield Table("The next request", ("part", "tokens"), tuple(rows), frozenset({"tokens"}))
    yield Notice(_reported(chat))
    yield from so_far(chat)
    yield from _trouble(coming)


def _parts(plan: Plan) -> tuple[Share, ...]:
    """Return what the request holds. The letters and their order stay, so that bars compare."""
    fixed = plan.overhead + plan.system_tokens + plan.summary_tokens + plan.example_tokens
    pinned, newest = plan.pinned_tokens, plan.newest_tokens
    return (
        Share("system prompt", "S", plan.system_tokens),
        Share("examples", "E", plan.example_tokens),
        Share("summary", "U", plan.summary_tokens),
        Share("pinned", "P", pinned),
        Share("history", "H", plan.tokens - fixed - pinned - newest),
        Share("newest, empty so far", "N", newest),
        Share("the request itself", "Q", plan.overhead),
    )


def _room(coming: Next, window: int | None) -> tuple[Share, ...]:
    """Return what the request leaves of the budget.

    Where the budget is all that the window has room for, what it keeps for the reply comes too.
    """
    budget = coming.budget
    if budget is None:
        return ()
    kept = max(window - budget, 0) if window and budget >= budget_in(window) else 0
    return (
        Share("free", "F", max(budget - coming.plan.tokens, 0), room="free"),
        Share("kept for the reply", "R", kept, room="kept"),
    )


def _limits(coming: Next, window: int | None) -> Iterator[Row]:
    budget = coming.budget
    if budget is None:
        yield Row(("budget: none is known", ""), "dim")
        return
    free = budget - coming.plan.tokens
    yield Row(("free" if free >= 0 else "too many", coming.tokens(abs(free))))
    yield Row((f"budget ({coming.plan.limits.strategy})", f"{budget:,}"))
    if window is not None:
        yield Row(("left to the reply", f"{max(window - budget, 0):,}"))


def _left_out(coming: Next) -> Iterator[Row]:
    """Tell what stays out, by the reason why."""
    for fate in ("folded", "budget", "window", "muted"):
        those = [entry for entry in coming.entries if entry.fate == fate]
        if those:
            count = sum(entry.tokens for entry in those)
            yield Row(
                (f"{FATES[fate]} ({_count(len(those), 'message')})", coming.tokens(count)), "dim"
            )


def _reported(chat: Chat) -> str:
    counted = f"counted: {chat.session.planner.counter.precision}"
    usage = chat.session.last_usage
    if usage is None:
        return f"{counted}; the endpoint has reported nothing yet"
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return (
        f"{counted}; the endpoint reported {usage.prompt_tokens:,} tokens sent{cached} and "
        f"{usage.completion_tokens:,} received, the last time"
    )


def _trouble(coming: Next) -> Iterator[Event]:
    if coming.trouble is not None:
        yield Notice(coming.trouble.message, coming.trouble.hint, "warning")


def _views(_chat: Chat) -> Iterable[Choice]:
    return [Choice("raw", "the request as it will leave, in JSON")]


@command("context", "[N|raw]", complete=_views)
def context(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show each message, or the last N, and what becomes of it in the next request.

    What is dim is not sent: muted, told by the summary, or left out by the budget or the window.
    All of it stays in /history. /context raw shows the request in JSON as it will leave, with an
    empty message in the place of the one that you will type; no key is in it.

    Example: /context 6 shows the last six messages.
    """
    if arguments == "raw":
        yield from _raw(chat)
        return
    if arguments and not arguments.isdecimal():
        raise UsageError(f"/context has no view `{arguments}`", "/context, or /context raw")
    coming = next_request(chat)
    said = [entry for entry in coming.entries if entry.fate != "system"]
    shown = whole_number(arguments, max(len(said), 1), "how many messages to show")
    columns = ("N", "who", "tokens", "next request", "first words")
    yield Table(
        "The next request, message by message",
        columns,
        (*_always_sent(chat, coming), *_said(coming, said[-shown:])),
        numeric=frozenset({"tokens"}),
        cropped=frozenset({"first words"}),
        caption=_caption(coming),
    )
    yield from _trouble(coming)


def _raw(chat: Chat) -> Iterator[Event]:
    chat.wait_for_counting()
    request = chat.request(chat.session.plan("").messages)
    if request["model"] is None:
        yield Notice("the model will be the first that the endpoint lists", level="warning")
    yield Json(request)


def _always_sent(chat: Chat, coming: Next) -> Iterator[Row]:
    """Yield what goes before the history: system prompt, summary, examples."""
    plan = coming.plan
    for entry in coming.entries:
        if entry.fate == "system":
            yield _row(coming, entry)
    if plan.summary is not None:
        text = first_words(plan.summary.text)
        yield Row(("", "summary", coming.tokens(plan.summary_tokens), "sent", text))
    for example in plan.examples:
        count = chat.session.planner.counter.price(example)
        words = first_words(example.content)
        yield Row(("", f"example {example.role}", coming.tokens(count), "sent", words))


def _said(coming: Next, entries: Sequence[Planned]) -> Iterator[Row]:
    yield from (_row(coming, entry) for entry in entries)
    newest = coming.tokens(coming.plan.newest_tokens)
    yield Row(("", "user", newest, "sent", "(what you type next)"), "here")


def _row(coming: Next, entry: Planned) -> Row:
    number = "" if entry.number is None else str(entry.number)
    sent = entry.fate in {"system", "sent", "pinned"}
    cells = (
        number,
        entry.node.role,
        coming.tokens(entry.tokens),
        FATES[entry.fate],
        first_words(entry.node.content),
    )
    return Row(cells, None if sent else "dim")


def _caption(coming: Next) -> str:
    said = [entry for entry in coming.entries if entry.number is not None]
    going = sum(entry.fate in {"sent", "pinned"} for entry in said)
    limit = f" of {coming.budget:,}" if coming.budget else ""
    in_all = f"{coming.tokens(coming.plan.tokens)}{limit} tokens in all"
    itself = f"{coming.tokens(coming.plan.overhead)} of them for the request itself"
    return f"{going} of {_count(len(said), 'message')} go; {in_all}, {itself}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


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
        pairs = whole_number(number.strip(), session.planner.limits.window, "a window")
        session.planner.limits = replace(session.planner.limits, strategy=name, window=pairs)
    limits = session.planner.limits
    pairs_text = f", of {_count(limits.window, 'pair')}" if limits.strategy == "window" else ""
    yield Notice(f"the strategy is {limits.strategy}{pairs_text}")

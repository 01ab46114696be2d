"""/tokens /context: what the next request holds, and what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chatcli.commands.attach import parts_of
from chatcli.commands.costs import so_far
from chatcli.commands.planned import FATES, Next, next_request
from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation.context import Planned, budget_in
from chatcli.conversation.events import Event, Gauge, Json, Notice, Row, Share, Table
from chatcli.conversation.images import counted, said_of, shortened
from chatcli.conversation.injecting import expanded
from chatcli.conversation.messages import Message
from chatcli.conversation.text import first_words
from chatcli.errors import UsageError


@command("context", "[DRAFT]")
def tokens(chat: Chat, arguments: str) -> Iterator[Event]:
    """Show how full the next request is, and of what.

    With a draft, it is counted too, with the files that it names; so are those that are attached.
    What is not exact has `≈` before it. Below are the tokens that the endpoint itself has reported,
    of the last reply and of all; /context shows it message by message, /cost model by model.

    Example: /tokens, then /context to see which message takes the most.
    """
    coming = next_request(chat, arguments)
    yield Gauge((*_parts(coming), *_room(coming, chat.window)))
    rows = [Row((each.name, coming.tokens(each.size))) for each in _parts(coming) if each.size]
    rows.append(Row(("in all", coming.tokens(coming.plan.tokens)), "here"))
    rows += [*_limits(coming, chat.window), *_left_out(coming)]
    yield Table("The next request", ("part", "tokens"), tuple(rows), frozenset({"tokens"}))
    yield Notice(_reported(chat, coming))
    yield from so_far(chat)
    yield from _trouble(coming)


def _parts(coming: Next) -> tuple[Share, ...]:
    """Return what the request holds. The letters and their order stay, so that bars compare."""
    plan = coming.plan
    opening = plan.opening
    told = {each.name: each.tokens for each in opening.told}
    memory = told.pop("memory", 0)
    fixed = plan.overhead + opening.tokens + plan.example_tokens
    pinned, newest = plan.pinned_tokens, plan.newest_tokens
    return (
        Share("system prompt", "S", opening.system_tokens),
        Share("memory", "M", memory),
        Share("live facts", "L", sum(told.values())),
        Share("examples", "E", plan.example_tokens),
        Share("summary", "U", opening.summary_tokens),
        Share("pinned", "P", pinned),
        Share("history", "H", plan.tokens - fixed - pinned - newest),
        Share(coming.newest, "N", newest),
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


def _reported(chat: Chat, coming: Next) -> str:
    how = chat.session.planner.counter.precision
    images = coming.plan.images
    told = f"counted: {how}{', but for the images' if images and how == 'exact' else ''}"
    usage = chat.session.last_usage
    if usage is None:
        return f"{told}; the endpoint has reported nothing yet"
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return (
        f"{told}; the endpoint reported {usage.prompt_tokens:,} tokens sent{cached} and "
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
    All of it stays in /history. /context raw shows the request in JSON as it will leave, with what
    is attached in the place of the message that you will type; no key is in it, and of an image no
    more than its beginning.

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
    from chatcli.storage.attachments import with_files

    chat.wait_for_counting()
    going = chat.going_with("")
    *earlier, _ = chat.session.plan("", *parts_of(going)).messages
    newest = with_files("", going)
    request = chat.request([*earlier, Message("user", newest, tuple(parts_of(going)[1]))])
    if request["model"] is None:
        yield Notice("the model will be the first that the endpoint lists", level="warning")
    yield Json(shortened(request))


def _always_sent(chat: Chat, coming: Next) -> Iterator[Row]:
    """Yield what goes before the history: system prompt, live facts, summary, examples."""
    plan = coming.plan
    for entry in coming.entries:
        if entry.fate == "system":
            yield _row(coming, entry)
    yield from _facts(coming)
    if plan.summary is not None:
        text = first_words(plan.summary.text)
        yield Row(("", "summary", coming.tokens(plan.opening.summary_tokens), "sent", text))
    for example in plan.examples:
        count = chat.session.planner.counter.price(example)
        words = first_words(example.content)
        yield Row(("", f"example {example.role}", coming.tokens(count), "sent", words))


def _facts(coming: Next) -> Iterator[Row]:
    """Yield the facts that are told with the system prompt, and those that have no room in it."""
    opening = coming.plan.opening
    for each in opening.told:
        _, _, text = each.text.rpartition("\n")
        cells = ("", each.name, coming.tokens(each.tokens), "sent", first_words(text))
        yield Row(cells)
    for name, count in (opening.facts.left_out if opening.facts else {}).items():
        what = f"({count} of it)" if name == "memory" else f"({count} of them)"
        yield Row(("", name, "", FATES["budget"], what if count > 1 else ""), "dim")


def _said(coming: Next, entries: Sequence[Planned]) -> Iterator[Row]:
    yield from (_row(coming, entry) for entry in entries)
    newest = coming.tokens(coming.plan.newest_tokens)
    files = f", with {', '.join(coming.going)}" if coming.going else ""
    yield Row(("", "user", newest, "sent", f"(what you type next{files})"), "here")


def _as_sent(coming: Next, entry: Planned) -> str:
    """Return the text of a message; a system prompt is sent with its templates filled in."""
    facts = coming.plan.opening.facts
    text = entry.node.content
    return expanded(text, facts) if facts and entry.fate == "system" else text


def _row(coming: Next, entry: Planned) -> Row:
    number = "" if entry.number is None else str(entry.number)
    sent = entry.fate in {"system", "sent", "pinned"}
    images = entry.node.message.images
    unseen = f" without {counted(len(images))}" if images and coming.plan.unseen else ""
    cells = (
        number,
        entry.node.role,
        coming.tokens(entry.tokens),
        f"{FATES[entry.fate]}{unseen if sent else ''}",
        f"{first_words(_as_sent(coming, entry))}{said_of(images)}",
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

"""/summarize: what was said so far in fewer words, shown and put into other words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

from chatcli.commands.planned import Next, next_request
from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation import folding
from chatcli.conversation.events import Document, Draft, Event, Notice
from chatcli.conversation.messages import Message, new_id, now
from chatcli.conversation.records import Summary
from chatcli.conversation.text import allowed
from chatcli.errors import UsageError

Act: TypeAlias = Callable[[Chat], Iterator[Event]]


def _actions(_chat: Chat) -> Iterable[Choice]:
    return [Choice(name, (act.__doc__ or "").partition("\n")[0]) for name, act in ACTIONS.items()]


@command("context", "[show|edit|off|TEXT]", complete=_actions)
def summarize(chat: Chat, arguments: str) -> Iterator[Event]:
    """Have the model sum up what was said, and send that from here on in its place.

    Pinned messages are still sent as they are, and /history keeps it all. /summarize show shows the
    summary, edit brings it into the input line, TEXT puts your own wording in its place, and off
    has everything sent in full again.

    Example: /summarize, then /summarize edit to put it right.
    """
    if not arguments:
        yield from _fold(chat)
    elif arguments in ACTIONS:
        yield from ACTIONS[arguments](chat)
    else:
        yield from _reword(chat, arguments)


def _fold(chat: Chat) -> Iterator[Event]:
    session = chat.session
    before = _current(next_request(chat))
    if before is not None and folding.everything(session.plan()) is None:
        yield Notice("all that can be summed up is in the summary already")
    else:
        yield from session.summarize()
        if _current(next_request(chat)) is before:
            yield Notice("the conversation is as it was")
            return
    yield from show(chat)


def show(chat: Chat) -> Iterator[Event]:
    """Show the summary, what it stands for and what it takes."""
    coming = next_request(chat)
    summary = _needed(coming)
    wording = f"by {summary.model}" if summary.model else "in your words"
    price = chat.session.planner.counter.price(Message("system", summary.text))
    tokens = coming.tokens(coming.plan.opening.summary_tokens or price)
    yield Notice(f"the summary of {_span(coming)}, {wording}, {tokens} tokens:")
    yield Document(summary.text)
    if coming.plan.summary is None:
        yield Notice("it is not sent: there is no room for it, or /strategy full sends everything")
    else:
        yield Notice("/summarize edit changes it, /summarize off tells everything in full again")


def edit(chat: Chat) -> Iterator[Event]:
    """Bring the summary into the input line; Enter puts it in the place of the old one."""
    yield Draft(f"/summarize {_needed(next_request(chat)).text}")


def off(chat: Chat) -> Iterator[Event]:
    """Send everything in full again."""
    yield from chat.session.sum_up(_instead(_needed(next_request(chat)), ""))
    yield Notice("everything is told in full again", "/summarize sums it up anew")


ACTIONS: Final[dict[str, Act]] = {"show": show, "edit": edit, "off": off}


def _reword(chat: Chat, text: str) -> Iterator[Event]:
    yield from chat.session.sum_up(_instead(_needed(next_request(chat)), allowed(text)))
    yield Notice("the model will see the summary as you have written it", "/summarize show")


def _current(coming: Next) -> Summary | None:
    return coming.plan.course.summary


def _needed(coming: Next) -> Summary:
    summary = _current(coming)
    if summary is None:
        raise UsageError("there is no summary on this branch", "/summarize makes one")
    return summary


def _instead(old: Summary, text: str) -> Summary:
    """Return a summary in the user's words for the same messages; an empty one ends it."""
    return Summary(new_id(), old.until, text, now(), replaces=old.id)


def _span(coming: Next) -> str:
    """Say which messages the summary stands for."""
    course = coming.plan.course
    last = max(course.folded, default=-1)
    folded = [course.turns[index] for index in sorted(course.folded)]
    numbers = [e.number for turn in folded for e in turn.entries if e.number is not None]
    apart = any(turn.pinned for turn in course.turns[: last + 1])
    pinned = " (the pinned ones apart)" if apart else ""
    return f"messages {min(numbers, default=0)} to {max(numbers, default=0)}{pinned}"

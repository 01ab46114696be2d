"""/remember /memory /forget: what goes along with every request, beyond one conversation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from chatcli.commands.planned import Next, next_request
from chatcli.commands.registry import Chat, Choice, command, whole_number
from chatcli.conversation.events import Event, Notice, Row, Table
from chatcli.conversation.remembering import Memory, Reach, Scope, in_scope
from chatcli.errors import UsageError

_FLAGS: Final[dict[str, tuple[Reach, str]]] = {
    "--everywhere": ("everywhere", "in every conversation; so it is without a flag"),
    "--persona": ("persona", "only while this persona answers"),
    "--session": ("session", "only in this session"),
}

AUTO: Final = "auto"
_MODES: Final = ("off", AUTO)


def _reaches(_chat: Chat) -> Iterable[Choice]:
    return [Choice(flag, about) for flag, (_, about) in _FLAGS.items()]


@command("voice", "[--session|--persona] [TEXT]", complete=_reaches)
def remember(chat: Chat, arguments: str) -> Iterator[Event]:
    """Remember something, so that the model is told it with every request from here on.

    It holds in every conversation, with --persona only while this persona answers, with --session
    only in this one. Without a TEXT, what was forgotten last is remembered again.

    Example: /remember I prefer metric units
    """
    reach, text = _meant(arguments)
    if not text and reach is not None:
        raise UsageError("what shall be remembered?", f"/remember {arguments} TEXT")
    if text:
        scope = chat.recall.scope(reach or "everywhere", chat.session, chat.who)
        number, memory = chat.recall.remember(text, scope, chat.session)
    else:
        number, memory = chat.recall.take_back()
    where = _where(memory.scope, chat)
    yield Notice(f"remembered, {where}: {memory.text}", f"/forget {number} takes it back")
    yield from _not_for_good(chat)
    yield from _out_of_room(next_request(chat))


def _meant(arguments: str) -> tuple[Reach | None, str]:
    """Return the reach that a flag names, and the text behind it."""
    first, _, rest = arguments.partition(" ")
    if first in _FLAGS:
        return _FLAGS[first][0], rest.strip()
    if first.startswith("--") and first.removeprefix("--").isalpha():
        raise UsageError(f"/remember has no flag {first}", f"one of {', '.join(_FLAGS)}")
    return None, arguments


@command("voice")
def memory(chat: Chat, _arguments: str) -> Iterator[Event]:
    """List what is remembered: where it holds, where it comes from, and what it costs.

    What is dim is not sent: it belongs to another persona or session, or has no room, for the
    oldest is left out first. /set memory auto has the model itself asked, after a turn, for what
    is worth keeping.

    Example: /memory, then /forget 2
    """
    memories = chat.recall.shown()
    coming = next_request(chat)
    if memories:
        sent = _sent(chat, coming, memories)
        rows = (_row(chat, n, each, sent=each in sent) for n, each in enumerate(memories, 1))
        columns = ("N", "what", "where", "from")
        yield Table("Memory", columns, tuple(rows), caption=_price(chat, coming))
    elif not chat.recall.memories.trouble:
        yield Notice("nothing is remembered yet", "/remember TEXT")
    yield from _about_the_file(chat)
    yield from _not_for_good(chat)
    yield from _out_of_room(coming)


def _numbers(chat: Chat) -> Iterable[Choice]:
    return [Choice(str(n), each.text) for n, each in enumerate(chat.recall.shown(), 1)]


@command("voice", "N", complete=_numbers)
def forget(chat: Chat, arguments: str) -> Iterator[Event]:
    """Forget what /memory shows under this number; /remember alone takes that back.

    Example: /forget 2
    """
    if not arguments:
        raise UsageError("/forget wants a number", "/memory shows them")
    gone = chat.recall.forget(whole_number(arguments, 0, "what is to be forgotten"))
    where = _where(gone.scope, chat)
    yield Notice(f"forgotten, {where}: {gone.text}", "/remember alone takes that back")


def noticing(chat: Chat, value: str | None) -> Iterator[Event]:
    """Have the model asked, after a turn, for what is worth remembering: off or auto."""
    if value is not None and value not in _MODES:
        raise UsageError(f"memory can't be `{value}`", f"one of {', '.join(_MODES)}")
    if value is not None:
        chat.recall.notice_from_here(chat.session, wanted=value == AUTO)
    yield _told(on=chat.recall.notices(chat.who))


def _told(*, on: bool) -> Notice:
    if on:
        told = "memory is auto: after a turn the model is asked for what is worth remembering"
        return Notice(told, "/set memory off")
    return Notice("memory is off: only what you want remembered is", "/set memory auto")


def _sent(chat: Chat, coming: Next, memories: tuple[Memory, ...]) -> tuple[Memory, ...]:
    """Return what of the memory goes along: the newest of what holds here."""
    facts = coming.plan.opening.facts
    count = len(facts.memory) if facts else 0
    here = in_scope(memories, chat.persona, chat.session.conversation.header.id)
    return here[len(here) - count :]


def _row(chat: Chat, number: int, memory: Memory, *, sent: bool) -> Row:
    cells = (str(number), memory.text, _where(memory.scope, chat), _source(chat, memory))
    return Row(cells, None if sent else "dim")


def _where(scope: Scope, chat: Chat) -> str:
    match scope.reach:
        case "everywhere":
            return "everywhere"
        case "persona":
            return f"persona {scope.name}"
        case "session":
            here = scope.name == chat.session.conversation.header.id
            return "this session" if here else "another session"


def _source(chat: Chat, memory: Memory) -> str:
    here = memory.session == chat.session.conversation.header.id
    turn = f"turn {memory.turn}{'' if here else ' elsewhere'}" if memory.turn else ""
    parts = (memory.day, turn, "noticed" if memory.noticed else "")
    return ", ".join(part for part in parts if part)


def _price(chat: Chat, coming: Next) -> str:
    told = {each.name: each.tokens for each in coming.plan.opening.told}
    around = chat.session.planner.surroundings
    most = f" of {around().memory_budget:,}" if around else ""
    tokens = coming.tokens(told.get("memory", 0))
    return f"{tokens}{most} tokens (memory_budget) go with each request"


def _about_the_file(chat: Chat) -> Iterator[Event]:
    memories = chat.recall.memories
    if memories.trouble:
        yield from chat.recall.trouble()
    elif memories.strange:
        lines = "a line" if memories.strange == 1 else f"{memories.strange} lines"
        yield Notice(f"{lines} of {memories.path} can't be read", "each is left alone", "warning")
    elif memories.lasting and memories.path is not None and memories.path.exists():
        yield Notice(f"kept in {memories.path}", "edit it as you like")
    yield _told(on=chat.recall.notices(chat.who))


def _not_for_good(chat: Chat) -> Iterator[Event]:
    if not chat.recall.memories.lasting:
        yield Notice("what changes here lasts until you leave", "nothing is kept with --no-save")


def _out_of_room(coming: Next) -> Iterator[Event]:
    facts = coming.plan.opening.facts
    count = facts.left_out.get("memory", 0) if facts else 0
    if count:
        what = "the oldest thing has" if count == 1 else f"the oldest {count} things have"
        hint = "/forget makes some, and so does memory_budget in config.toml"
        yield Notice(f"{what} no room in the request", hint, "warning")

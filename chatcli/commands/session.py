"""/save /load /sessions /new /exit: where conversations rest and how one gets back to them."""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation.events import Event, Leave, Notice, Row, Table
from chatcli.errors import UsageError

SHOWN = 20


def _sessions(chat: Chat) -> list[Choice]:
    return chat.sessions()


@command("session", "[NAME]")
def save(chat: Chat, arguments: str) -> Iterator[Event]:
    """Give this conversation a name, or say where it is kept.

    Everything is saved as you go; a name is for finding it again: /save trip, then
    `chatcli chat --session trip` or /load trip on another day.
    """
    if arguments:
        yield from chat.save_as(arguments)
    else:
        yield from chat.session.save()
        yield Notice(f"saved in {chat.place}", "/save NAME gives it a name")


@command("session", "NAME|PATH", complete=_sessions)
def load(chat: Chat, arguments: str) -> Iterator[Event]:
    """Open another conversation.

    Takes a session's name or the path of a file: a session, or any JSON list of messages with
    role and content, of which a copy is made. The present conversation stays where it is.
    """
    if not arguments:
        raise UsageError("/load wants a name or a path", "/sessions lists what there is")
    yield from chat.open_session(arguments)


@command("session")
def sessions(chat: Chat, _arguments: str) -> Iterator[Event]:
    """List the stored conversations, newest first."""
    stored = chat.sessions()
    if not stored:
        yield Notice("no conversation is stored yet", "it is when you say something")
        return
    rows = [Row((s.name, s.about), "here" if s.here else None) for s in stored[:SHOWN]]
    hidden = len(stored) - len(rows)
    caption = f"and {hidden} more: `chatcli sessions list --all`" if hidden else ""
    yield Table("Sessions", ("name", "last written"), tuple(rows), caption=caption)


@command("session")
def new(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Begin a new conversation with the same persona and model."""
    yield from chat.new_session()


@command("session")
def exit_(_chat: Chat, _arguments: str) -> Iterator[Event]:
    """Leave; `chatcli chat --continue` comes back to this point."""
    yield Leave()

"""/save /load /sessions /new /rename /export /search /exit.

Where conversations rest, and how one gets back to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation.events import Event, Leave, Notice, Row, Table
from chatcli.errors import StorageError, UsageError

SHOWN = 20


def _sessions(chat: Chat) -> list[Choice]:
    return chat.choices.sessions()


@command("session", "[NAME]")
def save(chat: Chat, arguments: str) -> Iterator[Event]:
    """Give this conversation a name, or say where it is kept.

    Everything is saved as you go; a name is for finding it again, with /load or
    `chatcli chat --session`.

    Example: /save trip, and on another day `chatcli chat --session trip` or /load trip.
    """
    if arguments:
        yield from chat.save_as(arguments)
    else:
        yield from chat.session.save()
        if trouble := chat.session.trouble:
            raise StorageError(f"not saved: {trouble}", "it is tried again as you go on")
        yield Notice(f"saved in {chat.place}", "/save NAME gives it a name")


@command("session", "NAME|PATH", complete=_sessions)
def load(chat: Chat, arguments: str) -> Iterator[Event]:
    """Open another conversation.

    Takes a session's name or the path of a file: a session, or any JSON list of messages with
    role and content, of which a copy is made. The present conversation stays where it is.

    Example: /load trip, or /load ~/chats/trip.json
    """
    if not arguments:
        raise UsageError("/load wants a name or a path", "/sessions lists what there is")
    yield from chat.open_session(arguments)


@command("session")
def sessions(chat: Chat, _arguments: str) -> Iterator[Event]:
    """List the stored conversations, newest first.

    Example: /sessions, then /load with a name from the list.
    """
    stored = chat.choices.sessions()
    if not stored:
        yield Notice("no conversation is stored yet", "it is when you say something")
        return
    rows = [Row((s.name, s.about), "here" if s.here else None) for s in stored[:SHOWN]]
    hidden = len(stored) - len(rows)
    caption = f"and {hidden} more: `chatcli sessions list --all`" if hidden else ""
    yield Table("Sessions", ("name", "last written"), tuple(rows), caption=caption)


@command("session")
def new(chat: Chat, _arguments: str) -> Iterator[Event]:
    """Begin a new conversation with the same persona and model.

    Example: /new begins with an empty history; /load NAME goes back to the old one.
    """
    yield from chat.new_session()


@command("session", "NAME")
def rename(chat: Chat, arguments: str) -> Iterator[Event]:
    """Give this conversation another name, as /save NAME does.

    Example: /rename trip to Tortuga
    """
    if not arguments:
        raise UsageError("/rename wants a name", "/rename trip")
    yield from chat.save_as(arguments)


@command("session", "[FILE]")
def export(chat: Chat, arguments: str) -> Iterator[Event]:
    """Write this conversation into a file: .md to read, .json for programs.

    A name that ends in .md makes a Markdown document, .json a list of messages, both of this
    branch; .tree.json holds all branches, for /load and `chatcli sessions import`. Without a name
    it is a Markdown document in the folder where you are. No file is ever written over.

    Example: /export trip.md
    """
    from chatcli.storage import exporting

    talk = chat.session.conversation
    if not chat.session.history:
        raise UsageError("there is nothing to export yet", "say something")
    target = Path(arguments) if arguments else exporting.free_file(talk)
    yield Notice(f"written to {exporting.give_away(talk, target)}")


@command("session", "TEXT")
def search(chat: Chat, arguments: str) -> Iterator[Event]:
    """Look for words in all stored conversations, on all their branches, newest first.

    The numbers are those that /history shows, after /load NAME and, where one is named, /switch to
    that branch.

    Example: /search one mast
    """
    from chatcli.storage.search import told

    found = chat.search(arguments, SHOWN)
    lines = told(found, f"`chatcli sessions search` shows more than {SHOWN}")
    if not found.hits:
        yield from (Notice(line) for line in lines)
        return
    here = next((each.name for each in chat.choices.sessions() if each.here), None)
    rows = (
        Row((hit.session, hit.place, hit.snippet), "here" if hit.session == here else None)
        for hit in found.hits
    )
    yield Table("Found", ("session", "message", "text"), tuple(rows), caption="; ".join(lines))


@command("session")
def exit_(_chat: Chat, _arguments: str) -> Iterator[Event]:
    """Leave; `chatcli chat --continue` comes back to this point.

    Example: /exit, or Ctrl-D on an empty line.
    """
    yield Leave()

"""What there is to say before the first prompt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chatcli.conversation.events import Event, Notice, Transcript, numbered
from chatcli.conversation.session import Session
from chatcli.providers.profiles import LOCAL, SMOLLM2
from chatcli.storage import files
from chatcli.storage.library import Library

SHOWN_ON_RESUME: Final = 4


def welcome(model: str, library: Library, *, save: bool) -> Iterator[Event]:
    """Tell somebody who is here for the first time what they look at."""
    if model == f"{LOCAL}:{SMOLLM2}":
        small = "smollm2, a small model (135M), answers here"
        yield Notice(small, "--model NAME asks a better one")
    else:
        yield Notice(f"{model} answers")
    if save:
        yield Notice(f"what is said is kept in {files.tilded(library.folder)}")
    else:
        yield Notice("nothing that is said is kept (--no-save)")
    yield Notice("/help lists the commands")


def unfinished(library: Library) -> Iterator[Event]:
    """Offer a reply that a crash cut short in another session."""
    name = library.unfinished()
    if name is not None:
        text = f"a reply was cut short in `{name}`; what had come of it is kept"
        yield Notice(text, f"/load {name} opens it", "warning")


def newest(session: Session) -> Transcript:
    """Return the last messages of a session that is gone on with."""
    entries = numbered(session.history)
    skipped = max(len(entries) - SHOWN_ON_RESUME, 0)
    return Transcript(entries[skipped:], skipped)


def unanswered(session: Session) -> Iterator[Event]:
    """Say that the last question had no reply, be it for a fault or a crash."""
    head = session.tree.head
    if head is not None and head.role == "user":
        yield Notice("the last question has no reply yet", "/retry asks it again", "warning")

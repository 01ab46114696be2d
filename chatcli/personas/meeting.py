"""What a user is told when a persona begins to answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from chatcli.conversation.events import Document, Event, Notice
from chatcli.conversation.injecting import Facts, expanded
from chatcli.personas.persona import Persona
from chatcli.personas.remarks import remarks

LONGEST_GREETING: Final = 4_000
"""How many characters of a greeting are shown; a stranger's would fill the screen, or block it."""


def greeting(persona: Persona, user: str | None) -> Iterator[Event]:
    """Yield a persona's greeting, if it has one; a long one is Markdown, as a reply is."""
    if not persona.greeting:
        return
    today = datetime.now().astimezone().date()
    facts = Facts(1, today, user or "you", persona.name)
    text = expanded(persona.greeting[:LONGEST_GREETING], facts)
    yield Document(text) if "\n" in text else Notice(text)


def pointed_out(persona: Persona) -> Iterator[Event]:
    """Yield what its user should know of a persona's file."""
    for remark in remarks(persona):
        hint = f"`chatcli personas show {persona.name}` shows what counts"
        yield Notice(remark.text, hint, "warning")

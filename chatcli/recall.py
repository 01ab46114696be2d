"""Remembering, as a chat does it: what holds here, what is added and forgotten, what is noticed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from chatcli.conversation.aside import Noticed
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.injecting import Surroundings
from chatcli.conversation.remembering import (
    EVERYWHERE,
    REACHES,
    Memory,
    Reach,
    Scope,
    in_scope,
    one_line,
    scope_named,
)
from chatcli.conversation.session import Session
from chatcli.errors import ChatcliError, StorageError, UsageError
from chatcli.personas import INJECTIONS, Persona
from chatcli.settings import Settings
from chatcli.storage import files
from chatcli.storage.memory import FILE, Memories

AUTO: Final = "auto"
"""The setting that has the model asked, after a turn, for what is worth remembering."""


class Recall:
    """What is remembered, for the sessions of one run.

    Things go by the number that they had when they were shown last, whatever another process or an
    editor has done to the file since. `inject` is told beside what the persona wants told.
    """

    def __init__(self, memories: Memories, settings: Settings, inject: Sequence[str] = ()) -> None:
        self.memories = memories
        self._settings = settings
        self._inject = frozenset(inject)
        self._noticing: bool | None = None
        self._shown: tuple[Memory, ...] = ()
        self._forgotten: list[Memory] = []

    # What is told

    def surroundings(self, session: Session, persona: Persona | None) -> Surroundings:
        """Return what is known of the moment and may stand in the system prompt."""
        return Surroundings(
            _today(),
            self._inject.union(persona.inject if persona else ()),
            self._settings.user,
            persona.name if persona else None,
            tuple(memory.text for memory in self.here(session, persona)),
            self._settings.memory_budget,
        )

    def here(self, session: Session, persona: Persona | None) -> tuple[Memory, ...]:
        """Return what holds for a persona in a session, the oldest first."""
        name = persona.name if persona else None
        return in_scope(self.memories.all(), name, session.conversation.header.id)

    def shown(self) -> tuple[Memory, ...]:
        """Return all that is remembered, to be shown with its numbers, from 1 on."""
        self._shown = self.memories.all()
        return self._shown

    def trouble(self) -> Iterator[Event]:
        """Yield why what is remembered can't be told, if it can't."""
        self.memories.all()
        if trouble := self.memories.trouble:
            told = f"what is remembered is not told: {trouble}"
            yield Notice(told, "mend the file; nothing is written to it", "warning")

    # What the user wants remembered, and forgotten

    def scope(self, reach: Reach, session: Session, persona: Persona | None) -> Scope:
        """Return the scope of that reach here. Raises UsageError where there is none."""
        if reach not in REACHES:
            raise UsageError(f"there is no scope `{reach}`", f"one of {', '.join(REACHES)}")
        if reach == "everywhere":
            return EVERYWHERE
        if reach == "session":
            return scope_named(reach, session.conversation.header.id)
        if persona is None:
            raise UsageError("no persona answers here", "/persona NAME takes one")
        return scope_named(reach, persona.name)

    def remember(self, text: str, scope: Scope, session: Session) -> tuple[int, Memory]:
        """Remember a text, and return its number and how it is kept.

        Raises UsageError and StorageError.
        """
        turn = session.turn_count
        memory = self._dated(one_line(text), scope, session, turn or None)
        return self._add(memory), memory

    def forget(self, number: int) -> Memory:
        """Forget the thing of that number, and return it. Raises UsageError and StorageError."""
        known = self._shown or self.shown()
        if not known:
            raise UsageError("nothing is remembered", "/remember TEXT")
        if not 1 <= number <= len(known):
            raise UsageError(f"there is no number {number}", f"/memory has 1 to {len(known)}")
        memory = known[number - 1]
        self.memories.drop(memory)
        self._forgotten.append(memory)
        return memory

    def take_back(self) -> tuple[int, Memory]:
        """Remember again what was forgotten last. Raises UsageError and StorageError."""
        if not self._forgotten:
            raise UsageError("what shall be remembered?", "/remember TEXT")
        memory = self._forgotten[-1]
        number = self._add(memory)
        self._forgotten.pop()
        return number, memory

    def _add(self, memory: Memory) -> int:
        number = self.memories.add(memory)
        self.shown()
        return number

    def _dated(
        self, text: str, scope: Scope, session: Session, turn: int | None, *, noticed: bool = False
    ) -> Memory:
        name = session.conversation.header.id
        return Memory(text, scope, _today().isoformat(), turn, name, noticed)

    # What is noticed on the way

    def notices(self, persona: Persona | None) -> bool:
        """Tell whether the model is asked for what is worth remembering.

        What was said in this chat comes first, then the settings, then the persona.
        """
        if self._noticing is not None:
            return self._noticing
        if "memory" in self._settings.sources or persona is None or persona.memory is None:
            return self._settings.memory == AUTO
        return persona.memory == AUTO

    def notice_from_here(self, session: Session, *, wanted: bool) -> None:
        """Have the model asked from here on, or not."""
        self._noticing = wanted
        session.aside.stop()
        session.aside.pass_over(session.conversation)

    def notice(self, session: Session, persona: Persona | None) -> Iterator[Event] | None:
        """Get ready to ask what is worth remembering, and return what there will be to tell.

        None where there is nothing to ask. Nothing is asked before that is iterated;
        `session.aside.stop` ends it at any time.
        """
        if not self.notices(persona):
            return None
        known = [memory.text for memory in self.here(session, persona)]
        found = session.aside.begin(session.conversation, session.provider, known)
        return self._keep(found, session) if found else None

    def _keep(self, found: Iterator[Noticed], session: Session) -> Iterator[Event]:
        for each in found:
            memory = self._dated(each.text, EVERYWHERE, session, each.turn, noticed=True)
            try:
                number = self._add(memory)
            except ChatcliError as error:
                yield Notice(f"not remembered: {error.message}", error.hint, "warning")
                return
            told = f"noticed in turn {each.turn}, and remembered everywhere: {each.text}"
            yield Notice(told, f"/forget {number} takes it back")


def memories_at(settings: Settings, place: bool | str | Path) -> Memories:
    """Return the memory in the file at `place`.

    True stands for the command line's own, False for one that lasts as long as the session. Raises
    StorageError where the file can't be read, since its things would silently not be told.
    """
    if isinstance(place, bool):
        memories = Memories(settings.folders.data / FILE if place else None)
    else:
        memories = Memories(files.place(place))
    memories.all()
    if memories.trouble:
        raise StorageError(memories.trouble, "memory= wants the path of a text file")
    return memories


def checked_inject(wanted: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of live facts, be it one or several. Raises UsageError where one is none."""
    names = (wanted,) if isinstance(wanted, str) else wanted
    for name in names:
        if name not in INJECTIONS:
            raise UsageError(f"there is no live fact `{name}`", f"some of {', '.join(INJECTIONS)}")
    return tuple(names)


def _today() -> date:
    """Return the date where the user is."""
    return datetime.now().astimezone().date()

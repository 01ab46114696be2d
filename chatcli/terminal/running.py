"""What takes time runs in threads of its own and puts its events on a queue for the loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from chatcli.conversation.events import Draft, Event, Notice
from chatcli.conversation.messages import Node
from chatcli.errors import AttachmentError, BudgetError, ChatcliError

Begin: TypeAlias = Callable[[], Iterator[Event]]


@dataclass(frozen=True, slots=True)
class Line:
    """What was typed, and the message that it takes the place of, if it is an edited one."""

    text: str
    edits: Node | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What a thread was to do is done: a `turn`, or something in the background."""

    turn: bool


class Runner:
    """Runs one turn at a time, and beside it what goes on in the background.

    `changed` is set in the thread of the loop whenever there are events to take.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._events: queue.SimpleQueue[Event | Done] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._turn: threading.Thread | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which loop is to be told of events."""
        self._loop = loop

    @property
    def busy(self) -> bool:
        """Whether a turn is under way, or its end was not taken yet."""
        return self._turn is not None

    def turn(self, begin: Begin, line: Line) -> None:
        self._turn = threading.Thread(target=self._run, args=(begin, line), daemon=True)
        self._turn.start()

    def in_background(self, begin: Begin) -> None:
        threading.Thread(target=self._run, args=(begin, None), daemon=True).start()

    def take(self) -> Iterator[Event | Done]:
        """Yield the events that wait."""
        while not self._events.empty():
            event = self._events.get()
            if event == Done(turn=True):
                self._turn = None
            yield event

    def wait(self, seconds: float) -> None:
        """Wait for the turn under way to end, but no longer than that."""
        if self._turn is not None:
            self._turn.join(seconds)

    def _run(self, begin: Begin, line: Line | None) -> None:
        """Run a turn, or without a `line` something in the background; no error ends the loop."""
        try:
            for event in begin():
                self._tell(event)
        except ChatcliError as error:
            self._tell(Notice(error.message, error.hint, "error"))
            if isinstance(error, AttachmentError | BudgetError) and line is not None:
                self._tell(Draft(line.text, line.edits))
        except Exception as error:  # noqa: BLE001 - the chat outlives any mistake of ours
            what = f"{type(error).__name__}: {error}"
            self._tell(Notice(f"a mistake in chatcli: {what}", "please report it", "error"))
        self._tell(Done(turn=line is not None))

    def _tell(self, event: Event | Done) -> None:
        self._events.put(event)
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self.changed.set)

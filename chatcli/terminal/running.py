"""What takes time runs in threads of its own and puts its events on a queue for the loop."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from chatcli.conversation.events import Draft, Event, Notice, TextDelta
from chatcli.conversation.messages import Node
from chatcli.errors import AttachmentError, BudgetError, ChatcliError

Begin: TypeAlias = Callable[[], Iterator[Event]]

MOST_IN_A_DELTA: Final = 1000
"""Characters of a reply that are drawn in one go: an endpoint may send all of it at once."""


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

    def take(self, seconds: float = float("inf")) -> Iterator[Event | Done]:
        """Yield the events that wait, as many of them as are drawn in that time, but one at least.

        Where there are more, `changed` is set again.
        """
        end = time.monotonic() + seconds
        while not self._events.empty():
            event = self._events.get()
            if event == Done(turn=True):
                self._turn = None
            yield event
            if time.monotonic() >= end:
                break
        if not self._events.empty():
            self.changed.set()

    def wait(self, seconds: float) -> None:
        """Wait for the turn under way to end, but no longer than that."""
        if self._turn is not None:
            self._turn.join(seconds)

    def _run(self, begin: Begin, line: Line | None) -> None:
        """Run a turn, or without a `line` something in the background; no error ends the loop."""
        try:
            for event in begin():
                for part in _in_parts(event):
                    self._tell(part)
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


def _in_parts(event: Event) -> Iterator[Event]:
    """Yield an event, or the parts of a piece of a reply that is too long to be drawn in one go."""
    match event:
        case TextDelta(text) if len(text) > MOST_IN_A_DELTA:
            for start in range(0, len(text), MOST_IN_A_DELTA):
                yield TextDelta(text[start : start + MOST_IN_A_DELTA])
        case _:
            yield event

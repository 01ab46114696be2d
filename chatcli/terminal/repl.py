"""The loop: lines in, events out, one turn at a time.

A turn or a command runs in a worker thread, which puts its events on a queue. Here, in the thread
of the terminal, they are drawn in batches, so that a fast reply costs no more than a slow one and
the keys are always answered. What is typed meanwhile waits for its turn.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from chatcli.commands.registry import Chat, Run, Say
from chatcli.conversation.events import Draft, Event, Leave, Notice
from chatcli.errors import BudgetError, ChatcliError
from chatcli.terminal.completion import CommandCompleter
from chatcli.terminal.prompt import Prompt, history_in
from chatcli.terminal.render import Renderer
from chatcli.terminal.sanitize import clean_line

FRAME: Final = 0.05
"""Seconds between two drawings of a reply that streams."""

TICK: Final = 0.1
"""Seconds between two looks at the clock while something runs."""

WARM_UP_AFTER: Final = 0.15
"""Seconds after the first prompt before the heavy imports begin."""


class Host(Chat, Protocol):
    """The chat as the loop needs it: commands' view of it, and what happens around a turn."""

    def toolbar(self) -> list[str]:
        """What the toolbar tells, the most important first."""

    def activity(self) -> str:
        """What goes on in the background, such as a download; empty when nothing does."""

    def warm_up(self) -> Iterator[Event]:
        """Do what the first turn would otherwise have to wait for."""


@dataclass(frozen=True, slots=True)
class _Done:
    """What a thread was to do is done: a `turn`, or something in the background."""

    turn: bool


class Repl:
    """One chat on one terminal, until the user leaves."""

    def __init__(self, host: Host, renderer: Renderer, history: Path | None) -> None:
        self._host = host
        self._renderer = renderer
        self._events: queue.SimpleQueue[Event | _Done] = queue.SimpleQueue()
        self._waiting: deque[str] = deque()
        self._worker: threading.Thread | None = None
        self._since = 0.0
        self._live = ""
        self._leaving = False
        self._told_leave = False
        self._changed: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._bar = host.toolbar()
        look = renderer.look
        self._width = look.width()
        kept = history_in(history) if history else None
        self._prompt = Prompt(
            self, CommandCompleter(host), look.glyphs, color=look.color, history=kept
        )

    def run(self, opening: Iterator[Event], first: str | None = None) -> None:
        """Show what the opening says, then chat; `first` is sent as if it had been typed."""
        for event in opening:
            self._prompt.print_above(self._renderer.show(event))
        asyncio.run(self._main(first))

    async def _main(self, first: str | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        drawing = asyncio.create_task(self._draw())
        warming = asyncio.create_task(self._warm_up())
        try:
            await self._prompt.app.run_async(pre_run=lambda: self.submit(first) if first else None)
        finally:
            self._host.session.stop()
            drawing.cancel()
            warming.cancel()
            if self._worker is not None:
                await asyncio.to_thread(self._worker.join, 2.0)
            self._drain()

    async def _warm_up(self) -> None:
        await asyncio.sleep(WARM_UP_AFTER)
        threading.Thread(
            target=self._run, args=(self._host.warm_up, None), name="warm-up", daemon=True
        ).start()

    # Turns

    def submit(self, text: str) -> None:
        self._told_leave = False
        if not text.strip():
            return
        if self.busy():
            self._waiting.append(text)
        else:
            self._start(text)

    def _start(self, text: str) -> None:
        self._prompt.print_above(self._renderer.echo(text))
        try:
            meant = self._host.commands.interpret(text)
        except ChatcliError as error:
            self._show(Notice(error.message, error.hint, "error"))
            return
        self._since = time.monotonic()
        self._worker = threading.Thread(
            target=self._run, args=(lambda: self._events_of(meant), text), name="turn", daemon=True
        )
        self._worker.start()
        self._wake()

    def _events_of(self, meant: Say | Run) -> Iterator[Event]:
        match meant:
            case Say(text):
                return self._host.session.ask(text)
            case Run(command, arguments):
                return command.run(self._host, arguments)

    def _run(self, begin: Callable[[], Iterator[Event]], text: str | None) -> None:
        """Run a turn in the worker thread; no error of its ends the loop."""
        try:
            for event in begin():
                self._tell(event)
        except ChatcliError as error:
            self._tell(Notice(error.message, error.hint, "error"))
            if isinstance(error, BudgetError) and text is not None:
                self._tell(Draft(text))
        except Exception as error:  # noqa: BLE001 - the chat outlives any mistake of ours
            what = f"{type(error).__name__}: {error}"
            self._tell(Notice(f"a mistake in chatcli: {what}", "please report it", "error"))
        self._tell(_Done(turn=text is not None))

    def _tell(self, event: Event | _Done) -> None:
        self._events.put(event)
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()

    # Drawing

    async def _draw(self) -> None:
        """Draw what has come, at most once a frame; while something runs, its clock as well."""
        assert self._changed is not None, "the loop runs"
        while True:
            ticking = self.busy() or self._host.activity()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK if ticking else None):
                    await self._changed.wait()
            self._changed.clear()
            self._drain()
            self._prompt.app.invalidate()
            await asyncio.sleep(FRAME)

    def _drain(self) -> None:
        """Draw all events that wait, then go on with what the user typed meanwhile."""
        self._follow_window()
        final: list[str] = []
        ended = False
        while not self._events.empty():
            event = self._events.get()
            match event:
                case _Done(turn):
                    ended = True
                    if turn:
                        self._worker = None
                case Leave():
                    self._leaving = True
                case Draft(text):
                    self._prompt.set_draft(text)
                case _:
                    final.append(self._drawn(event))
        self._live = self._drawn_live()
        if ended:
            self._bar = self._host.toolbar()
        self._prompt.print_above("".join(final))
        if self._leaving:
            self.leave()
        elif ended and self._waiting and not self.busy():
            self._start(self._waiting.popleft())

    def _drawn(self, event: Event) -> str:
        try:
            return self._renderer.show(event)
        except Exception as error:  # noqa: BLE001 - what can't be laid out is still to be read
            return self._renderer.unlaid(event, error)

    def _drawn_live(self) -> str:
        try:
            return self._renderer.live(self._prompt.rows_for_reply())
        except Exception:  # noqa: BLE001 - the text comes again, finished
            return ""

    def _follow_window(self) -> None:
        width = self._renderer.look.width()
        if width != self._width:
            self._width = width
            self._renderer.resized()

    def _show(self, event: Event) -> None:
        self._prompt.print_above(self._renderer.show(event))

    # What the prompt asks (Desk)

    def busy(self) -> bool:
        return self._worker is not None

    def interrupt(self) -> None:
        if self.busy():
            self._host.session.stop()
            if self._waiting:
                self._prompt.set_draft("\n".join(self._waiting))
                self._waiting.clear()
        elif self._told_leave:
            self.leave()
        else:
            self._told_leave = True

    def leave(self) -> None:
        if self._prompt.app.is_running and not self._prompt.app.is_done:
            self._prompt.app.exit()

    def live(self) -> str:
        return self._live

    def status(self) -> str:
        glyphs = self._renderer.look.glyphs
        if self._told_leave:
            return "Ctrl-C again leaves; Ctrl-D does too"
        if not self.busy():
            return ""
        seconds = time.monotonic() - self._since
        spinner = glyphs.spinner[int(seconds / TICK) % len(glyphs.spinner)]
        doing = self._host.activity() or self._last_thought()
        queued = f"{len(self._waiting)} waiting: {self._waiting[0]}" if self._waiting else ""
        parts = [f"{spinner} {seconds:.0f} s", doing, queued]
        return clean_line(glyphs.dot.join(part for part in parts if part))

    def _last_thought(self) -> str:
        thought = self._renderer.thinking.strip().rpartition("\n")[2]
        return thought[-60:] if not self._live else ""

    def toolbar(self, width: int) -> str:
        """Return as many of the facts as fit, the most important first."""
        dot = self._renderer.look.glyphs.dot
        facts = [clean_line(fact) for fact in self._bar]
        if not self.busy() and (activity := self._host.activity()):
            facts.insert(0, clean_line(activity))
        while len(facts) > 1 and len(dot.join(facts)) > width:
            facts.pop()
        return dot.join(facts)[:width]

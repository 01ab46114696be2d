"""The loop: lines in, events out, one turn at a time.

A turn or a command runs in a worker thread, which puts its events on a queue. Here, in the thread
of the terminal, they are drawn in batches, so that a fast reply costs no more than a slow one and
the keys are always answered. What is typed meanwhile waits for its turn.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from prompt_toolkit.formatted_text import StyleAndTextTuples

from chatcli.conversation.events import Draft, Event, Leave, Notice, Preference
from chatcli.terminal import status, toolbar
from chatcli.terminal.away import Away
from chatcli.terminal.beside import save_again, warm_up
from chatcli.terminal.completion import CommandCompleter
from chatcli.terminal.drawing import Drawing
from chatcli.terminal.forecast import Forecast
from chatcli.terminal.history import PrivateHistory
from chatcli.terminal.host import Host
from chatcli.terminal.prompt import Prompt
from chatcli.terminal.render import Renderer
from chatcli.terminal.running import Done, Line
from chatcli.terminal.turns import Turns
from chatcli.terminal.window import folds

FRAME: Final = 0.05
"""Seconds between two drawings of a reply that streams."""

AT_ONCE: Final = 0.012
"""Seconds for which events are drawn before the keys are looked at again."""

BEHIND: Final = 0.002
"""Seconds between two drawings while there are more events than could be drawn at once."""

TICK: Final = 0.1
"""Seconds between two looks at the clock while something runs."""

PATIENCE_AT_THE_END: Final = 2.0
"""Seconds that a turn which was stopped has to come to its end when the user leaves."""

ENDS: Final = ("SIGHUP", "SIGTERM")
"""The signals of a window that is closed and of a program that is to end."""


class Repl:
    """One chat on one terminal, until the user leaves."""

    def __init__(self, host: Host, renderer: Renderer, history: Path | None) -> None:
        self._host = host
        self._leaving = False
        self._told_leave = False
        self._forecast = Forecast(host)
        look = renderer.look
        folding = folds(host.settings.surroundings)
        self._prompt = Prompt(
            self,
            CommandCompleter(host),
            look.glyphs,
            color=look.color,
            vi=host.settings.editing == "vi",
            folding=folding is True,
            history=PrivateHistory(history) if history else None,
        )
        self._drawing = Drawing(renderer, self._prompt)
        self._turns = Turns(host, self._drawing, self._prompt.set_draft)
        self._drawing.wear_theme()
        self._away = Away(host, self._prompt, self._drawing, self._back)
        self._prompt.ask(self._drawing.questions(folding=folding))

    def run(self, opening: Iterator[Event], first: str | None = None) -> None:
        """Show what the opening says, then chat; `first` is sent as if it had been typed."""
        for event in opening:
            self._drawing.show(event)
        asyncio.run(self._main(first))

    async def _main(self, first: str | None) -> None:
        self._turns.runner.attach(asyncio.get_running_loop())
        jobs = (
            self._draw(),
            self._foretell(),
            warm_up(self._turns.runner, self._host, self._drawing.renderer),
            save_again(self._turns.runner, self._host),
        )
        tasks = [asyncio.create_task(job) for job in jobs]
        for name in ENDS:
            # Where there are no such signals, and no way to be told of them, they don't come.
            with suppress(AttributeError, NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), self.leave)
        try:
            await self._prompt.run(lambda: self.submit(first) if first else None)
        finally:
            self._leaving = True
            self._host.session.stop()
            for task in tasks:
                task.cancel()
            await asyncio.to_thread(self._turns.runner.wait, PATIENCE_AT_THE_END)
            self._drain()
            self._tell_what_was_not_sent()

    def _tell_what_was_not_sent(self) -> None:
        unsent = [line.text for line in self._turns.queued.lines]
        if draft := self._prompt.keep_draft():
            unsent.append(draft)
        for text in unsent:
            self._drawing.show(Notice(f"not sent: {text}", level="warning"))

    async def _foretell(self) -> None:
        await self._forecast.keep_up(lambda: self._prompt.draft, self._prompt.app.invalidate)

    # Events

    async def _draw(self) -> None:
        """Draw what has come, at most once a frame; while something runs, its clock as well."""
        while True:
            ticking = self.busy() or self._host.activity()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK if ticking else None):
                    await self._turns.runner.changed.wait()
            self._turns.runner.changed.clear()
            self._drain(AT_ONCE)
            self._prompt.app.invalidate()
            await asyncio.sleep(BEHIND if self._turns.runner.changed.is_set() else FRAME)

    def _drain(self, seconds: float = float("inf")) -> None:
        """Draw the events that wait, or some of them, then go on with what was typed meanwhile."""
        self._drawing.follow_window()
        final: list[str] = []
        ended = turn_ended = False
        for event in self._turns.runner.take(seconds):
            if isinstance(event, Done):
                ended, turn_ended = True, turn_ended or event.turn
            else:
                final.append(self._done(event))
        if ended:
            self._forecast.old()
        if turn_ended:
            final += map(self._drawing.drawn, self._turns.afterwards())
        self._drawing.print("".join(final))
        if self._leaving:
            self.leave()
        elif ended:
            self._turns.over(turn=turn_ended)

    def _done(self, event: Event) -> str:
        """Do what an event asks for, and return what it adds to the screen."""
        match event:
            case Leave():
                self._leaving = True
                return ""
            case Draft(text, in_editor=True):
                self._away.write(text)
                return ""
            case Draft():
                return self._put_in_line(event)
            case Preference():
                told = self._drawing.drawn(event)
                self._drawing.wear_theme()
                return told
            case _:
                return self._drawing.drawn(event)

    def _put_in_line(self, draft: Draft) -> str:
        """Put a draft into the input line, and return what there is to say where it is in use."""
        if self._turns.queued.put_back(Line(draft.text, draft.edits)):
            return ""
        return self._drawing.drawn(Notice("you are typing something else", "try again after it"))

    # What the prompt asks (Desk)

    def busy(self) -> bool:
        return self._turns.runner.busy

    def submit(self, text: str) -> None:
        self._told_leave = False
        line = self._turns.queued.sent(text)
        if not text.strip():
            return
        if not self.busy():
            self._turns.begin(line)
        elif not self._away.opens_editor(text):
            self._turns.queued.add(line)

    def recall(self) -> bool:
        return self._turns.queued.recall()

    def interrupt(self) -> None:
        if self.busy():
            self._turns.stop()
            return
        self._host.session.aside.stop()
        self._turns.queued.editing = None
        if self._told_leave:
            self.leave()
        else:
            self._told_leave = True

    def open_editor(self) -> None:
        self._away.write()

    def suspend(self) -> None:
        self._away.suspend()

    def _back(self) -> None:
        if self._leaving:
            self.leave()

    def typed(self) -> None:
        if self._prompt.buffer.text:
            self._told_leave = False
        if not self.busy():
            self._forecast.old()

    def emptied(self) -> None:
        self._turns.queued.editing = None
        self.typed()

    def leave(self) -> None:
        self._leaving = self._leaving or self._prompt.away
        app = self._prompt.app
        if app.is_running and not app.is_done and not self._prompt.away:
            app.exit()

    def live(self) -> str:
        self._drawing.follow_window()
        return self._drawing.live

    def status(self) -> str:
        if self._told_leave:
            return status.ABOUT_TO_LEAVE
        if self.busy():
            return self._turns.status()
        if (edited := self._turns.queued.editing) is not None:
            return status.editing(edited, self._host.session.history)
        return ""

    def toolbar(self, width: int) -> StyleAndTextTuples:
        activity = "" if self.busy() else self._host.activity()
        glyphs = self._drawing.renderer.look.glyphs
        return toolbar.drawn(self._forecast.facts, width, glyphs, activity)

"""The loop: lines in, events out, one turn at a time.

A turn or a command runs in a worker thread, which puts its events on a queue. Here, in the thread
of the terminal, they are drawn in batches, so that a fast reply costs no more than a slow one and
the keys are always answered. What is typed meanwhile waits for its turn.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from prompt_toolkit.formatted_text import StyleAndTextTuples

from chatcli.commands.attach import say
from chatcli.commands.registry import Run, Say
from chatcli.conversation.events import Draft, Event, Leave, Notice, Preference
from chatcli.conversation.messages import Node
from chatcli.errors import ChatcliError
from chatcli.terminal import status, toolbar
from chatcli.terminal.answers import BACKGROUND, NAME, Question, Told
from chatcli.terminal.completion import CommandCompleter
from chatcli.terminal.editor import edited
from chatcli.terminal.forecast import Forecast
from chatcli.terminal.history import PrivateHistory
from chatcli.terminal.host import Host
from chatcli.terminal.prompt import Prompt
from chatcli.terminal.render import Renderer
from chatcli.terminal.running import Done, Line, Runner
from chatcli.terminal.theme import theme_on
from chatcli.terminal.window import folds, is_called_one_that_folds

FRAME: Final = 0.05
"""Seconds between two drawings of a reply that streams."""

TICK: Final = 0.1
"""Seconds between two looks at the clock while something runs."""

WARM_UP_AFTER: Final = 0.15
"""Seconds after the first prompt before the heavy imports begin."""

SAVE_AGAIN_EVERY: Final = 3.0
"""Seconds between two tries to save what could not be saved."""


PATIENCE_AT_THE_END: Final = 2.0
"""Seconds that a turn which was stopped has to come to its end when the user leaves."""


ENDS: Final = ("SIGHUP", "SIGTERM")
"""The signals of a window that is closed and of a program that is to end."""

EDITOR: Final = "editor"
"""The command that a reply under way does not hold up."""


class Repl:
    """One chat on one terminal, until the user leaves."""

    def __init__(self, host: Host, renderer: Renderer, history: Path | None) -> None:
        self._host = host
        self._renderer = renderer
        self._runner = Runner()
        self._waiting: deque[Line] = deque()
        self._afterwards: list[Event] = []
        self._editing: Node | None = None
        self._since = 0.0
        self._live = ""
        self._leaving = False
        self._told_leave = False
        self._forecast = Forecast(host)
        look = renderer.look
        kept = PrivateHistory(history) if history else None
        folding = folds(host.settings.surroundings)
        self._prompt = Prompt(
            self,
            CommandCompleter(host),
            look.glyphs,
            color=look.color,
            vi=host.settings.editing == "vi",
            folding=folding is True,
            history=kept,
        )
        self._prompt.wear(look.theme)
        questions: dict[Question, Told] = {}
        if look.color and not look.chosen:
            questions[BACKGROUND] = self._on_background
        if folding is None:
            questions[NAME] = self._on_name
        self._prompt.ask(questions)
        self._window = self._measured()

    def run(self, opening: Iterator[Event], first: str | None = None) -> None:
        """Show what the opening says, then chat; `first` is sent as if it had been typed."""
        for event in opening:
            self._prompt.print_above(self._renderer.show(event))
        asyncio.run(self._main(first))

    async def _main(self, first: str | None) -> None:
        self._runner.attach(asyncio.get_running_loop())
        jobs = (self._draw(), self._warm_up(), self._save_again(), self._foretell())
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
            await asyncio.to_thread(self._runner.wait, PATIENCE_AT_THE_END)
            self._drain()
            self._tell_what_was_not_sent()

    def _tell_what_was_not_sent(self) -> None:
        unsent = [line.text for line in self._waiting]
        if draft := self._prompt.keep_draft():
            unsent.append(draft)
        for text in unsent:
            self._show(Notice(f"not sent: {text}", level="warning"))

    async def _warm_up(self) -> None:
        await asyncio.sleep(WARM_UP_AFTER)
        self._runner.in_background(self._get_ready)

    def _get_ready(self) -> Iterator[Event]:
        """Do what the first turn, and the keys meanwhile, would otherwise have to wait for."""
        try:
            yield from self._renderer.warm_up()
            yield from self._host.warm_up()
        finally:
            # What was imported stays. To look through it for garbage, again and again, takes 80 ms
            # each time, in which no key is echoed.
            gc.freeze()

    async def _save_again(self) -> None:
        """Save what could not be saved, as soon as that is possible, whether one types or not."""
        while True:
            await asyncio.sleep(SAVE_AGAIN_EVERY)
            if self._host.session.trouble:
                self._runner.in_background(self._host.session.save)

    async def _foretell(self) -> None:
        await self._forecast.keep_up(lambda: self._prompt.draft, self._prompt.app.invalidate)

    # Turns

    def submit(self, text: str) -> None:
        self._told_leave = False
        line, self._editing = Line(text, self._editing), None
        if not text.strip():
            return
        if not self.busy():
            self._start(line)
        elif not self._opens_editor(text):
            self._waiting.append(line)

    def recall(self) -> bool:
        if not self._waiting or not self._prompt.set_draft(self._waiting[-1].text):
            return False
        self._editing = self._waiting.pop().edits
        return True

    def _start(self, line: Line) -> None:
        self._prompt.print_above(self._renderer.echo(line.text))
        try:
            meant = self._host.commands.interpret(line.text)
        except ChatcliError as error:
            self._show(Notice(error.message, error.hint, "error"))
            self._start_next()
            return
        self._since = time.monotonic()
        # A stop from here on is meant for this turn, however early it comes.
        self._host.session.ready()
        self._runner.turn(lambda: self._events_of(meant, line.edits), line)
        self._runner.changed.set()

    def _start_next(self) -> None:
        if self._waiting and not self.busy() and not self._leaving:
            self._start(self._waiting.popleft())

    def _events_of(self, meant: Say | Run, edits: Node | None) -> Iterator[Event]:
        match meant:
            case Say(text):
                return say(self._host, text, instead_of=edits)
            case Run(command, arguments):
                return command.run(self._host, arguments)

    # Drawing

    async def _draw(self) -> None:
        """Draw what has come, at most once a frame; while something runs, its clock as well."""
        while True:
            ticking = self.busy() or self._host.activity()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK if ticking else None):
                    await self._runner.changed.wait()
            self._runner.changed.clear()
            self._drain()
            self._prompt.app.invalidate()
            await asyncio.sleep(FRAME)

    def _drain(self) -> None:
        """Draw all events that wait, then go on with what the user typed meanwhile."""
        self._follow_window()
        final: list[str] = []
        ended = turn_ended = False
        for event in self._runner.take():
            match event:
                case Done(turn):
                    ended, turn_ended = True, turn_ended or turn
                case Leave():
                    self._leaving = True
                case Draft(text, in_editor=True):
                    self.open_editor(text)
                case Draft():
                    final.append(self._put_in_line(event))
                case Preference():
                    final.append(self._drawn(event))
                    self._prompt.wear(self._renderer.look.theme)
                case _:
                    final.append(self._drawn(event))
        self._live = self._drawn_live()
        if ended:
            self._forecast.old()
        self._prompt.print_above("".join([*final, *self._after(turn_ended)]))
        if self._leaving:
            self.leave()
        elif ended:
            self._start_next()
            self._notice(turn_ended)

    def _after(self, turn_ended: bool) -> Iterator[str]:
        """Yield what was to be told once the reply is over, if it is."""
        while turn_ended and self._afterwards:
            yield self._drawn(self._afterwards.pop(0))

    def _notice(self, turn_ended: bool) -> None:
        """Have the model asked, beside the keys, for what is worth remembering after a turn."""
        events = self._host.notice() if turn_ended and not self.busy() else None
        if events is not None:
            self._runner.in_background(lambda: events)

    def _put_in_line(self, draft: Draft) -> str:
        """Put a draft into the input line, and return what there is to say where it is in use."""
        if self._prompt.set_draft(draft.text):
            self._editing = draft.edits
            return ""
        return self._renderer.show(Notice("you are typing something else", "try again after it"))

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

    def _on_background(self, color: str) -> None:
        """Take the theme for the background that the terminal has, unless the user chose one."""
        look, theme = self._renderer.look, theme_on(color)
        if theme is not None and not look.chosen:
            self._renderer.look = replace(look, theme=theme)
            self._prompt.wear(theme)
            self._prompt.app.invalidate()

    def _on_name(self, name: str) -> None:
        self._prompt.app.renderer.folding = is_called_one_that_folds(name)

    def _follow_window(self) -> None:
        """Lay what is open out for the window as it is now."""
        window = self._measured()
        if window != self._window:
            self._window = window
            self._renderer.resized()
            self._live = self._drawn_live()

    def _measured(self) -> tuple[int, int]:
        """Return the window's width, and how many lines of an open reply it has room for."""
        return self._renderer.look.width(), self._prompt.rows_for_reply()

    def _show(self, event: Event) -> None:
        self._prompt.print_above(self._renderer.show(event))

    # What the prompt asks (Desk)

    def busy(self) -> bool:
        return self._runner.busy

    def interrupt(self) -> None:
        if self.busy():
            self._host.session.stop()
            self._take_back()
            return
        self._host.session.aside.stop()
        self._editing = None
        if self._told_leave:
            self.leave()
        else:
            self._told_leave = True

    def _take_back(self) -> None:
        """Give the lines that wait back: one into the input line, more to be recalled with Up."""
        lines = list(self._waiting)
        self._waiting.clear()
        if len(lines) == 1 and self._prompt.set_draft(lines[0].text):
            self._editing = lines[0].edits
        elif lines:
            which = "a line was" if len(lines) == 1 else f"{len(lines)} lines were"
            # Once the reply is over: this stands below it and not in the middle of it.
            self._afterwards.append(Notice(f"{which} not sent", "Up brings them back", "warning"))

    def open_editor(self, text: str = "") -> None:
        self._prompt.app.create_background_task(self._write_in_editor(text))

    async def _write_in_editor(self, text: str) -> None:
        """Have the draft written in the user's editor; `text` is one where there is none yet."""
        if text:
            self._prompt.set_draft(text)
        try:
            await self._prompt.rewrite(lambda draft: edited(draft, self._host.settings.editor))
        except ChatcliError as error:
            self._show(Notice(error.message, error.hint, "error"))
        if self._leaving:
            self.leave()

    def _opens_editor(self, line: str) -> bool:
        """Open the editor if a line says so: a reply that streams is no reason to wait."""
        with suppress(ChatcliError):
            match self._host.commands.interpret(line):
                case Run(command, arguments) if command.name == EDITOR:
                    self.open_editor(arguments)
                    return True
        return False

    def typed(self) -> None:
        if self._prompt.buffer.text:
            self._told_leave = False
        if not self.busy():
            self._forecast.old()

    def emptied(self) -> None:
        self._editing = None
        self.typed()

    def leave(self) -> None:
        self._leaving = self._leaving or self._prompt.away
        app = self._prompt.app
        if app.is_running and not app.is_done and not self._prompt.away:
            app.exit()

    def live(self) -> str:
        self._follow_window()
        return self._live

    def status(self) -> str:
        if self._told_leave:
            return status.ABOUT_TO_LEAVE
        if self.busy():
            seconds = time.monotonic() - self._since
            doing = self._host.activity() or self._last_thought()
            return status.working(seconds, doing, self._waiting, self._renderer.look.glyphs)
        if self._editing is not None:
            return status.editing(self._editing, self._host.session.history)
        return ""

    def _last_thought(self) -> str:
        return self._renderer.thoughts.passing[-60:] if not self._live else ""

    def toolbar(self, width: int) -> StyleAndTextTuples:
        activity = "" if self.busy() else self._host.activity()
        return toolbar.drawn(self._forecast.facts, width, self._renderer.look.glyphs, activity)

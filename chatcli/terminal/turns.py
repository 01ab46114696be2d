"""One turn at a time: what is sent begins, or waits for the one that is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from chatcli.commands.attach import say
from chatcli.commands.registry import Run, Say
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.messages import Node
from chatcli.errors import ChatcliError
from chatcli.terminal import status
from chatcli.terminal.drawing import Drawing
from chatcli.terminal.host import Host
from chatcli.terminal.queued import Queued
from chatcli.terminal.running import Line, Runner


class Turns:
    """Messages and commands in the order of their sending.

    `put` puts a text into the input line, unless something is typed there.
    """

    def __init__(self, host: Host, drawing: Drawing, put: Callable[[str], bool]) -> None:
        self.runner = Runner()
        self.queued = Queued(put)
        self._host = host
        self._drawing = drawing
        self._since = 0.0
        self._afterwards: list[Event] = []

    def begin(self, line: Line) -> None:
        """Do what a line says, in a thread; nothing may be under way."""
        self._drawing.echo(line.text)
        try:
            meant = self._host.commands.interpret(line.text)
        except ChatcliError as error:
            self._drawing.show(Notice(error.message, error.hint, "error"))
            self.go_on()
            return
        self._since = time.monotonic()
        # A stop from here on is meant for this turn, however early it comes.
        self._host.session.ready()
        self.runner.turn(lambda: self._events_of(meant, line.edits), line)
        self.runner.changed.set()

    def go_on(self) -> None:
        """Begin what has waited longest, if it need not wait any more."""
        if not self.runner.busy and (line := self.queued.next()):
            self.begin(line)

    def stop(self) -> None:
        """Stop what is under way; what waits for it is given back."""
        self._host.session.stop()
        if told := self.queued.give_back():
            # Once the reply is over: this stands below it and not in the middle of it.
            self._afterwards.append(told)

    def afterwards(self) -> Iterator[Event]:
        """Yield what there is to say now that a turn is over."""
        while self._afterwards:
            yield self._afterwards.pop(0)

    def over(self, *, turn: bool) -> None:
        """Go on after a `turn`, or after something in the background, that has come to its end.

        If nothing waits, the model is asked beside the keys what of a turn is worth remembering.
        """
        self.go_on()
        events = self._host.notice() if turn and not self.runner.busy else None
        if events is not None:
            self.runner.in_background(lambda: events)

    def status(self) -> str:
        """Return the line on the turn that is under way."""
        seconds = time.monotonic() - self._since
        doing = self._host.activity() or self._drawing.thought()
        glyphs = self._drawing.renderer.look.glyphs
        return status.working(seconds, doing, self.queued.lines, glyphs)

    def _events_of(self, meant: Say | Run, edits: Node | None) -> Iterator[Event]:
        match meant:
            case Say(text):
                if self._host.session.history:
                    # By an estimate, what was said so far may pass a budget that it should keep to.
                    self._host.wait_for_counting()
                return say(self._host, text, instead_of=edits)
            case Run(command, arguments):
                return command.run(self._host, arguments)

"""A chat without a screen: one input a line, plain text out, until the input ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from chatcli.commands.attach import put, say
from chatcli.commands.registry import Chat, Run, Say
from chatcli.conversation.events import (
    Draft,
    Event,
    Leave,
    Notice,
    Retrying,
    TextDelta,
    TurnFinished,
)
from chatcli.conversation.messages import INTERRUPTED, Node
from chatcli.errors import ChatcliError
from chatcli.terminal.render import Renderer
from chatcli.terminal.sanitize import clean

if TYPE_CHECKING:
    from chatcli.storage.attachments import Question

Write: TypeAlias = Callable[[str], None]


def prompted(read: Callable[[], str], out: Write, sign: str) -> Iterator[str]:
    """Yield the lines that `read` gives, with a prompt before each, until there are no more."""
    while True:
        out(sign)
        line = read()
        if not line:
            out("\n")
            return
        yield line


class PlainChat:
    """Runs questions, or the lines of a file or a pipe, as turns and commands.

    Replies go to `out`, what commands show to `aside`, warnings and errors to `err`. `turn` is how
    the last turn ended; `code` is the exit code of what went wrong last, 0 where nothing did.
    `hint` words the advice of an error for whoever reads it here.
    """

    def __init__(
        self,
        chat: Chat,
        renderer: Renderer,
        out: Write,
        err: Write,
        aside: Write | None = None,
        *,
        hint: Callable[[ChatcliError], str] = attrgetter("hint"),
    ) -> None:
        self._chat = chat
        self._renderer = renderer
        self._out = out
        self._err = err
        self._aside = aside or out
        self._hint = hint
        self._editing: Node | None = None
        self.turn: TurnFinished | None = None
        self.code = 0

    @property
    def stopped(self) -> bool:
        return self.turn is not None and self.turn.finish == INTERRUPTED

    def run(self, lines: Iterable[str], *, undaunted: bool = False) -> None:
        """Answer each line; ends early when a line says so, or when the user stops a reply.

        `undaunted` goes on after a reply that was stopped, as somebody who types the lines expects.
        """
        for line in lines:
            text = line.rstrip("\r\n")
            if text.strip() and not self.answer(text) and not (undaunted and self.stopped):
                return

    def answer(self, line: str) -> bool:
        """Do what a line says, command or message, and tell whether the chat goes on."""
        return self._show(lambda: self._meant(line))

    def put(self, question: Question) -> None:
        """Ask a question, whatever it looks like."""
        self._show(lambda: put(self._chat, question))

    def open(self, events: Iterable[Event]) -> None:
        """Show what there is to say before the first line, out of the way of the replies."""
        for event in events:
            self._err(self._renderer.show(event))

    def _meant(self, line: str) -> Iterator[Event]:
        edits, self._editing = self._editing, None
        match self._chat.commands.interpret(line):
            case Say(message):
                return say(self._chat, message, instead_of=edits)
            case Run(command, arguments):
                return command.run(self._chat, arguments)

    def _show(self, begin: Callable[[], Iterator[Event]]) -> bool:
        self._chat.session.ready()
        try:
            for event in begin():
                self._draw(event)
                if isinstance(event, Leave):
                    self.turn = None
                    return False
        except ChatcliError as error:
            self.code = error.exit_code
            self._draw(Notice(error.message, self._hint(error), "error"))
        return not self.stopped

    def _draw(self, event: Event) -> None:
        match event:
            case Notice(level="warning" | "error" as level):
                self.code = self.code or int(level == "error")
                self._err(self._renderer.show(event))
            case Retrying():
                self._err(self._renderer.show(event))
            case TurnFinished():
                self.turn = event
                self._out(self._renderer.end_reply())
                self._err(self._renderer.ending(event))
            case TextDelta():
                self._out(self._renderer.show(event))
            case Draft(in_editor=True):
                text = "an editor needs the input line of a terminal"
                self._draw(Notice(text, "chatcli chat without --plain has one", "error"))
            case Draft(text, edits):
                self._editing = edits
                self._aside(f"{clean(text)}\n")
                if edits is not None:
                    self._draw(Notice("the next line takes its place"))
            case _:
                self._aside(self._renderer.show(event))

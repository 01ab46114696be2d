"""The user, away from the input line for a while: in an editor, or in the shell."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final

from chatcli.commands.registry import Run
from chatcli.conversation.events import Notice
from chatcli.errors import ChatcliError
from chatcli.terminal.drawing import Drawing
from chatcli.terminal.editor import edited
from chatcli.terminal.host import Host
from chatcli.terminal.prompt import Prompt

EDITOR: Final = "editor"
"""The command that a reply under way does not hold up."""


class Away:
    """Lends the terminal, and calls `back` when the input line is there again."""

    def __init__(
        self, host: Host, prompt: Prompt, drawing: Drawing, back: Callable[[], None]
    ) -> None:
        self._host = host
        self._prompt = prompt
        self._drawing = drawing
        self._back = back

    def write(self, text: str = "") -> None:
        """Have the draft written in the user's editor; `text` is one where there is none yet."""
        self._begin(self._write(text))

    def suspend(self) -> None:
        """Let the shell go on, until it has the program go on."""
        self._begin(self._prompt.suspend())

    def opens_editor(self, line: str) -> bool:
        """Open the editor if a line says so: a reply that streams is no reason to wait."""
        with suppress(ChatcliError):
            match self._host.commands.interpret(line):
                case Run(command, arguments) if command.name == EDITOR:
                    self.write(arguments)
                    return True
        return False

    def _begin(self, doing: Coroutine[None, None, None]) -> None:
        async def do() -> None:
            await doing
            self._back()

        self._prompt.app.create_background_task(do())

    async def _write(self, text: str) -> None:
        if text:
            self._prompt.set_draft(text)
        try:
            await self._prompt.rewrite(lambda draft: edited(draft, self._host.settings.editor))
        except ChatcliError as error:
            self._drawing.show(Notice(error.message, error.hint, "error"))

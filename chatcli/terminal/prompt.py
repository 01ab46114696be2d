"""The application that the input line stands in, and who has the terminal.

One prompt_toolkit application lives for the whole chat. What is finished is written above it and
belongs to the terminal from then on: its scrollback, its selection, its search.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Mapping

from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer, ThreadedCompleter
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import History, InMemoryHistory
from prompt_toolkit.layout import Layout
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from chatcli.terminal.answers import Question, Told
from chatcli.terminal.asking import ask, listening, run
from chatcli.terminal.completion import offers_by_itself
from chatcli.terminal.desk import Desk
from chatcli.terminal.keys import bindings
from chatcli.terminal.layout import laid_out
from chatcli.terminal.paste import Pastes, keep_whole
from chatcli.terminal.theme import PALETTE, Glyphs, Theme
from chatcli.terminal.window import WindowApplication, is_called_one_that_folds

WAIT_FOR_THE_REST_OF_A_KEY = 0.1
"""Seconds after which an Escape is no longer taken for the beginning of another key."""

ROWS_BELOW = 3
"""Rows that an open reply has below it: the status, the input line and the toolbar."""


class Prompt:
    """The application: its buffer, its keys, and what is written above it."""

    def __init__(
        self,
        desk: Desk,
        completer: Completer,
        glyphs: Glyphs,
        *,
        color: bool = True,
        vi: bool = False,
        folding: bool = False,
        history: History | None = None,
    ) -> None:
        self._desk = desk
        self.buffer = Buffer(
            completer=ThreadedCompleter(completer),
            complete_while_typing=Condition(self._completes_by_itself),
            auto_suggest=AutoSuggestFromHistory(),
            history=history or InMemoryHistory(),
            multiline=True,
            accept_handler=self._accept,
            on_text_changed=lambda _buffer: desk.typed(),
        )
        self._held: list[str] = []
        self._away = False
        self._pastes = Pastes()
        self._keys = listening()
        self.app = WindowApplication(
            on_settled=self._let_go,
            folding=folding,
            layout=Layout(laid_out(self.buffer, desk, glyphs.prompt, self._columns)),
            key_bindings=bindings(self.buffer, desk, self._pastes, lambda: self._away),
            editing_mode=EditingMode.VI if vi else EditingMode.EMACS,
            cursor=ModalCursorShapeConfig() if vi else None,
            color_depth=lambda: None if color and self._theme.color else ColorDepth.DEPTH_1_BIT,
            input=self._keys,
            enable_page_navigation_bindings=False,
            erase_when_done=True,
        )
        self.wear(PALETTE)
        if isinstance(self.app.output, Vt100_Output):
            # The layout takes the rows it needs and no more, so the cursor's place is of no
            # interest, and a terminal that can't tell it is not asked.
            self.app.output.enable_cpr = False
        self.app.ttimeoutlen = WAIT_FOR_THE_REST_OF_A_KEY
        keep_whole(self._pastes, self.buffer, self.app.key_processor)

    def ask(self, questions: Mapping[Question, Told]) -> None:
        """Have the terminal asked as soon as the first prompt stands; see `asking.ask`."""
        ask(self.app, self._keys, questions)

    async def run(self, begin: Callable[[], None]) -> None:
        """Run until the user leaves."""
        await run(self.app, self._keys, begin)

    def wear(self, theme: Theme) -> None:
        """Take the colours of a theme from here on."""
        self._theme = theme
        self.app.style = Style.from_dict(theme.prompt())

    def print_above(self, text: str) -> None:
        """Write finished lines above the application, where they stay."""
        if self.app.still or self._away:
            self._held.append(text)
            return
        text = "".join([*self._held, text])
        self._held.clear()
        if not text:
            return
        if not self.app.is_running:
            self.app.output.write_raw(text)
            self.app.output.flush()
            return
        self.app.renderer.erase(leave_alternate_screen=False)
        self.app.output.write_raw(text.replace("\n", "\r\n"))
        self.app.output.flush()
        self.app._redraw()  # noqa: SLF001 - `invalidate` would leave a frame without a prompt

    def _let_go(self) -> None:
        self.print_above("")

    def rows_for_reply(self) -> int:
        """Return how many lines of an open reply are shown.

        With what stands below it takes half the window, so that a window of half the height, or
        half the width, still holds it: what a smaller window pushes out can't be taken back.
        """
        return max(self.app.output.get_size().rows // 2 - ROWS_BELOW, 2)

    def _columns(self) -> int:
        return self.app.output.get_size().columns

    def set_draft(self, text: str) -> bool:
        """Put a text into the input line for the user to go on with, unless one is typing."""
        if self.buffer.text or self._away:
            return False
        self.buffer.document = Document(text)
        return True

    @property
    def draft(self) -> str:
        """What stands in the input line, with all that was pasted."""
        return self._pastes.expanded(self.buffer.text)

    @property
    def away(self) -> bool:
        """Whether something else has the terminal."""
        return self._away

    def keep_draft(self) -> str:
        """Put what was not sent into the history, for the next chat, and return it."""
        text = self.draft
        if text.strip():
            self.buffer.document = Document(text)
            self.buffer.append_to_history()
        return text.strip()

    async def rewrite(self, writing: Callable[[str], str]) -> None:
        """Have the draft rewritten by something that takes the terminal, such as an editor.

        `writing` runs in a thread. What it raises leaves the draft as it was.
        """

        async def rewritten() -> None:
            text = await run_in_terminal(lambda: writing(self.draft), in_executor=True)
            self.buffer.save_to_undo_stack()
            self.buffer.document = Document(text)

        await self._lend(rewritten)

    async def suspend(self) -> None:
        """Stop as any program does on Ctrl-Z, until the shell has it go on."""

        async def stopped() -> None:
            await run_in_terminal(lambda: os.kill(0, signal.SIGTSTP))

        if hasattr(signal, "SIGTSTP"):
            await self._lend(stopped)

    async def _lend(self, using: Callable[[], Awaitable[None]]) -> None:
        """Let something else have the terminal; what is to be written meanwhile waits."""
        if self._away:
            return
        if self._keys is not None:
            await self._keys.hear_out()
        self._away = True
        try:
            await using()
        finally:
            self._away = False
            self._let_go()

    def called(self, name: str) -> None:
        """Take what the terminal calls itself into account."""
        self.app.renderer.folding = is_called_one_that_folds(name)

    def _completes_by_itself(self) -> bool:
        return offers_by_itself(self.buffer.document)

    def _accept(self, buffer: Buffer) -> bool:
        buffer.document = Document(self.draft)  # so that the history has it whole
        self._desk.submit(buffer.text)
        return False

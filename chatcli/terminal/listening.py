"""The keys of a terminal that is asked things, and where texts are pasted that mean harm."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, TextIO

from prompt_toolkit.input.posix_utils import PosixStdinReader
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.output import Output

from chatcli.terminal.answers import Answers, Question, Told
from chatcli.terminal.unbroken import UnbrokenPastes

PATIENCE: Final = 0.5
"""Seconds that answers which are still owed may keep us, so that nobody else gets them."""


class ListeningInput(Vt100Input):
    """A terminal's input in which answers are no keys and a paste is whole."""

    def __init__(self, stdin: TextIO) -> None:
        super().__init__(stdin)
        self._reader = _Reader(stdin.fileno(), stdin.encoding)
        self._heard = asyncio.Event()
        self.stdin_reader = self._reader

    def ask(self, questions: Mapping[Question, Told], output: Output) -> None:
        """Ask the terminal; each question is told its answer in the loop's thread, or never."""
        output.write_raw(self._reader.answers.expect(questions))
        output.flush()

    def read_keys(self) -> list[KeyPress]:
        keys = super().read_keys()
        if self.closed or not self._reader.answers.owed:
            self._heard.set()
        return keys

    def flush_keys(self) -> list[KeyPress]:
        self.vt100_parser.feed(self._reader.rest())
        return super().flush_keys()

    async def hear_out(self) -> None:
        """Wait for the answers that are owed, but not for long."""
        if self._reader.answers.owed and not self.closed:
            self._heard.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._heard.wait()

    async def swallow(self) -> None:
        """Read the answers that are owed when nobody reads keys any more, and drop them."""
        with suppress(EOFError), self.attach(self._drop):
            await self.hear_out()

    def _drop(self) -> None:
        self.read_keys()


class _Reader(PosixStdinReader):
    """What is typed and pasted."""

    def __init__(self, fileno: int, encoding: str) -> None:
        super().__init__(fileno, encoding=encoding)
        self.answers = Answers()
        self._pastes = UnbrokenPastes()

    def read(self, count: int = 1024) -> str:
        return self._pastes.passed(self.answers.without(super().read(count)))

    def rest(self) -> str:
        """Return what was held back, now that nothing has come for a while."""
        return self._pastes.passed(self.answers.rest()) + self._pastes.rest()

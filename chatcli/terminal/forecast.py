"""What the toolbar knows of the draft, counted beside the keys and a moment after the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from chatcli.terminal.facts import Facts
from chatcli.terminal.host import Host

AFTER: Final = 0.12
"""Seconds after a key before the toolbar tells what the draft would cost."""


class Forecast:
    """The facts of the toolbar, which are looked up again when they have become `old`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._old = asyncio.Event()
        self.facts: Facts = host.toolbar()

    def old(self) -> None:
        """Say that the draft, or what it is added to, is not what it was."""
        self._old.set()

    async def keep_up(self, draft: Callable[[], str], told: Callable[[], object]) -> None:
        """Look up what the next request holds with the `draft`, then call `told`, for ever."""
        while True:
            await self._old.wait()
            self._old.clear()
            text = draft()
            message = "" if text.startswith("/") else text
            with suppress(Exception):  # a number less is no reason to end a chat
                self.facts = await asyncio.to_thread(self._host.toolbar, message)
            told()
            await asyncio.sleep(AFTER)

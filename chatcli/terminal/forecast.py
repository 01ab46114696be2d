"""What the toolbar knows of the draft, counted beside the keys and a moment after the last one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from chatcli.commands.registry import Registry, Say
from chatcli.errors import UsageError
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
            self.facts = await self._looked_up(draft()) or self.facts
            told()
            await asyncio.sleep(AFTER)

    async def _looked_up(self, draft: str) -> Facts | None:
        """Return the facts, None where they can't be had: that is no reason to end a chat.

        A thread of asyncio's own would have to come to its end, in a file that is on its way over
        a slow network, before anybody could leave.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Facts | None] = loop.create_future()

        def settle(facts: Facts | None) -> None:
            if not found.done():
                found.set_result(facts)

        def look_up() -> None:
            facts = None
            # A panic in a library that is not written in Python is no Exception.
            with suppress(BaseException):
                facts = self._host.toolbar(message_in(draft, self._host.commands))
            with suppress(RuntimeError):  # the chat may have ended meanwhile
                loop.call_soon_threadsafe(settle, facts)

        threading.Thread(target=look_up, daemon=True).start()
        return await found


def message_in(draft: str, commands: Registry) -> str:
    """Return the message that a draft would be sent as; empty where it is a command."""
    try:
        meant = commands.interpret(draft)
    except UsageError:
        return ""
    return meant.text if isinstance(meant, Say) else ""

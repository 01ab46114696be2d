"""What is done beside the keys for as long as a chat lasts."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Final

from chatcli.conversation.events import Event
from chatcli.terminal.host import Host
from chatcli.terminal.render import Renderer
from chatcli.terminal.running import Runner

WARM_UP_AFTER: Final = 0.15
"""Seconds after the first prompt before the heavy imports begin."""

SAVE_AGAIN_EVERY: Final = 3.0
"""Seconds between two tries to save what could not be saved."""


async def warm_up(runner: Runner, host: Host, renderer: Renderer) -> None:
    """Do what the first turn, and the keys meanwhile, would otherwise have to wait for."""
    await asyncio.sleep(WARM_UP_AFTER)
    runner.in_background(lambda: _get_ready(host, renderer))


def _get_ready(host: Host, renderer: Renderer) -> Iterator[Event]:
    # What is imported stays. To look through it for garbage, on the way and ever after, takes 80 ms
    # each time, in which no key is echoed.
    gc.disable()
    try:
        yield from renderer.warm_up()
        yield from host.warm_up()
    finally:
        gc.freeze()
        gc.enable()


async def save_again(runner: Runner, host: Host) -> None:
    """Save what could not be saved, as soon as that is possible, whether one types or not."""
    while True:
        await asyncio.sleep(SAVE_AGAIN_EVERY)
        if host.session.trouble:
            runner.in_background(host.session.save)

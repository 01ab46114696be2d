"""The forecast of the toolbar: of what will be sent, beside the keys, and in nobody's way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import cast

import pytest

from chatcli import commands
from chatcli.terminal.facts import Facts
from chatcli.terminal.forecast import Forecast, message_in
from chatcli.terminal.host import Host

SHIPPED = commands.shipped()


class Panic(BaseException):
    """What a library that is not written in Python may raise."""


class Desk:
    """A host that knows no more than how to look up a toolbar."""

    def __init__(self, look_up: Callable[[str], Facts]) -> None:
        self.commands = SHIPPED
        self._look_up = look_up

    def toolbar(self, draft: str = "") -> Facts:
        return self._look_up(draft) if draft else facts("")


def facts(branch: str) -> Facts:
    return Facts("test:model", branch, 0, None)


def forecasting(look_up: Callable[[str], Facts]) -> Forecast:
    return Forecast(cast("Host", Desk(look_up)))


@pytest.mark.parametrize(
    ("draft", "message"),
    [
        ("see @notes.md", "see @notes.md"),
        ("//see @notes.md", "/see @notes.md"),
        ("/usr/bin is full", "/usr/bin is full"),
        ("/tokens see @notes.md", ""),
        ("/tok", ""),
        ("/", "/"),
        ("exit", ""),
    ],
)
def test_what_is_counted_is_what_would_be_sent(draft: str, message: str) -> None:
    assert message_in(draft, SHIPPED) == message


def test_a_look_up_that_does_not_come_back_keeps_nobody_from_leaving() -> None:
    waiting, released = threading.Event(), threading.Event()

    def look_up(draft: str) -> Facts:
        waiting.set()
        released.wait(20)
        return facts(draft)

    async def leave_meanwhile() -> None:
        forecast = forecasting(look_up)
        keeping = asyncio.create_task(forecast.keep_up(lambda: "draft", lambda: None))
        forecast.old()
        await asyncio.to_thread(waiting.wait, 20)
        keeping.cancel()

    leaving = threading.Thread(target=asyncio.run, args=(leave_meanwhile(),), daemon=True)
    leaving.start()
    leaving.join(10)
    left = not leaving.is_alive()
    released.set()
    assert left


def test_a_look_up_that_fails_leaves_the_last_facts_and_the_next_one_counts() -> None:
    drafts = iter(["one", "two", "three"])

    def look_up(draft: str) -> Facts:
        if draft == "two":
            raise Panic
        return facts(draft)

    async def follow() -> list[str]:
        forecast = forecasting(look_up)
        shown: list[str] = []
        enough = asyncio.Event()

        def told() -> None:
            shown.append(forecast.facts.branch)
            forecast.old()
            if len(shown) == 3:
                enough.set()

        keeping = asyncio.create_task(forecast.keep_up(lambda: next(drafts), told))
        forecast.old()
        await asyncio.wait_for(enough.wait(), 20)
        keeping.cancel()
        return shown

    assert asyncio.run(follow()) == ["one", "one", "three"]

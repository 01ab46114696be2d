"""A chat that meets faults one after the other, and what its user gets to see of each.

    with Meeting(folder, server.url) as meeting:
        met = meeting.meet("Hello")
        assert met.line == "the server failed (503): Overloaded; /retry asks again"

It is the chat by lines of the command line with its parts, in this process and in a hurry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from chatcli.app import App, Options
from chatcli.conversation.arriving import Patience
from chatcli.conversation.exchange import Exchange, Pause
from chatcli.conversation.messages import Node
from chatcli.providers.base import Waits
from chatcli.settings import load
from chatcli.storage.mending import read_session
from chatcli.terminal.looks import Look
from chatcli.terminal.plain import PlainChat
from chatcli.terminal.render import Renderer
from chatcli.terminal.theme import UNICODE

KEY = "sk-canary-0815"
AGAIN = "; sending again in "


@dataclass(frozen=True)
class Met:
    """What came of one line: the exit code, how the reply is marked and what is kept of it.

    `lines` is what was told beside the reply, but for the `retries` in it.
    """

    code: int
    mark: str
    kept: str
    lines: tuple[str, ...]
    retries: tuple[str, ...]

    @property
    def line(self) -> str:
        return " | ".join(self.lines)


class Hurried(Exchange):
    """Sends again at once what has to be sent again, and remembers how long it should wait."""

    def __init__(self, patience: Patience) -> None:
        super().__init__(patience)
        self.delays: list[float] = []

    def _interrupted(self, pause: Pause) -> bool:
        self.delays.append(pause.retrying.delay)
        return self.stopped


class Meeting:
    """One chat after the other, in `folder`, with the model at `url`.

    Nothing is waited for: a request is sent `attempts` times in all. `flags` are settings by their
    names.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        *,
        attempts: int = 2,
        waits: Waits | None = None,
        flags: Mapping[str, object] | None = None,
    ) -> None:
        environ = {"CHATCLI_HOME": str(folder), "OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}
        settings = load({"model": "gpt-4o", **(flags or {})}, environ=environ, cwd=folder)
        if waits is not None:
            settings = replace(settings, first_token_timeout=waits.first, token_timeout=waits.next)
        self._patience = Patience(attempts, chance=lambda: 0.0)
        self.app = App(settings, Options())
        self.begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.app.close()

    def begin(self) -> None:
        """Begin a new conversation."""
        for _ in self.app.new_session():
            pass
        self.exchange = Hurried(self._patience)
        self.app.session._exchange = self.exchange

    def meet(self, line: str) -> Met:
        """Say a line, and return what came of it."""
        told: list[str] = []
        out: list[str] = []
        look = Look(width=lambda: 80, color=False, markdown=False, glyphs=UNICODE, figures=False)
        talk = PlainChat(self.app, Renderer(look), out.append, told.append, out.append)
        talk.answer(line)
        lines = [line for text in told for line in text.splitlines()]
        reply = self.reply()
        return Met(
            130 if talk.stopped else talk.code,
            (reply.finish or "-") if reply else "-",
            reply.content if reply else "",
            tuple(line[2:] for line in lines if AGAIN not in line),
            tuple(line for line in lines if AGAIN in line),
        )

    def reply(self) -> Node | None:
        """The newest reply as the session's file has it, None where it has none."""
        assert self.app.path is not None
        head = read_session(self.app.path).conversation.tree.head
        return head if head is not None and head.role == "assistant" else None

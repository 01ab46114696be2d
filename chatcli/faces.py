"""The faces of chatcli: a chat on a screen, one by lines, one answer, a session to read.

Here is what the commands of `cli/` do once it is known what is wanted: prompts, streams and
signals are put to use, and the exit code comes back.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from operator import attrgetter
from types import FrameType
from typing import TYPE_CHECKING, Final, TextIO

from chatcli.conversation.text import in_quotes
from chatcli.errors import ChatcliError
from chatcli.settings import Settings

if TYPE_CHECKING:
    from chatcli.app import App
    from chatcli.conversation.records import Conversation
    from chatcli.storage.attachments import Question
    from chatcli.terminal.looks import Look
    from chatcli.terminal.plain import PlainChat
    from chatcli.terminal.waiting import WaitingLine

INTERRUPTED: Final = 130
ENDS: Final = (getattr(signal, "SIGHUP", None), getattr(signal, "SIGTERM", None))


def chat_on_screen(running: App, settings: Settings, first: str | None) -> None:
    """Chat on a terminal that can do what the screen wants of it."""
    from chatcli.terminal.render import Renderer
    from chatcli.terminal.repl import Repl

    history = settings.folders.data / "history" if running.options.save else None
    renderer = Renderer(look_of(settings, plain=False, markdown=True))
    Repl(running, renderer, history).run(running.opening(), first)
    _say_how_to_go_on(running)


def chat_by_lines(running: App, settings: Settings, first: str | None, *, typed: bool) -> int:
    """Chat without a screen: the lines come from a pipe, or are `typed` on a plain terminal.

    Returns the exit code.
    """
    from chatcli.terminal.plain import prompted
    from chatcli.terminal.waiting import showing

    look = look_of(settings, plain=True, markdown=False)
    with _stopping(running), showing(_activity(running), sys.stderr) as line:
        talk = _plain_chat(running, look, sys.stdout, line, typed=typed)
        talk.open(running.opening())
        running.wait_for_counting()
        out = line.to(sys.stdout)
        lines = prompted(sys.stdin.readline, out, look.glyphs.prompt) if typed else sys.stdin
        if first is None or talk.answer(first):
            talk.run(lines, undaunted=typed)
        if not talk.stopped:
            # Between two lines nothing waits for it: so it comes after the last.
            talk.open(running.notice() or ())
    if typed:
        _say_how_to_go_on(running)
        return 0
    return _code(talk)


def _say_how_to_go_on(running: App) -> None:
    from chatcli.terminal.sanitize import clean_line

    if running.path is not None and not running.session.trouble:
        session = in_quotes(running.session_name or "")
        print(clean_line(f"To go on: chatcli chat --session {session}"))


def ask(running: App, settings: Settings, question: Question, *, as_json: bool, plain: bool) -> int:
    """Ask one question and print the answer, or one JSON object. Returns the exit code."""
    from chatcli.terminal.waiting import showing

    look = look_of(settings, plain=plain, markdown=sys.stdout.isatty() and not plain)
    with _stopping(running), showing(_activity(running), sys.stderr) as line:
        talk = _plain_chat(running, look, sys.stderr, line, quiet=as_json)
        talk.open(running.warnings())
        if running.session.history:
            running.wait_for_counting()
        talk.put(question)
    if as_json:
        print(json_text(_answer(running, talk)))
    return _code(talk)


def _answer(running: App, talk: PlainChat) -> dict[str, object]:
    turn = talk.turn
    reply = turn.reply if turn else None
    return {
        "reply": reply.content if reply else "",
        "model": reply.model if reply else running.session.provider.model,
        "usage": asdict(turn.usage) if turn and turn.usage else None,
        "finish": turn.finish if turn else "error",
        "session": running.session_name,
    }


def _plain_chat(
    running: App,
    look: Look,
    aside: TextIO,
    line: WaitingLine,
    *,
    quiet: bool = False,
    typed: bool = False,
) -> PlainChat:
    from chatcli.terminal.plain import PlainChat
    from chatcli.terminal.render import Renderer

    out = (lambda _text: None) if quiet else line.to(sys.stdout)
    hint = attrgetter("hint") if typed else partial(_hint_at_the_shell, running)
    return PlainChat(running, Renderer(look), out, line.to(sys.stderr), line.to(aside), hint=hint)


def _hint_at_the_shell(running: App, error: ChatcliError) -> str:
    """Return an error's advice for somebody whose chat is over by then: where a command works."""
    if running.path is None or not running.path.exists():
        return error.hint_for_the_shell
    return error.hint_in(f"chatcli chat -s {in_quotes(running.session_name or '')}")


def _activity(running: App) -> Callable[[], str]:
    """Return what tells what is waited for.

    A pipe is told in a line of its own already that a request is sent again.
    """
    return running.activity if sys.stderr.isatty() else running.loading


def _code(talk: PlainChat) -> int:
    return INTERRUPTED if talk.stopped else talk.code


def look_of(settings: Settings, *, plain: bool, markdown: bool) -> Look:
    """Return what stdout can show."""
    from chatcli.terminal.clipboard import osc52
    from chatcli.terminal.looks import Look
    from chatcli.terminal.theme import ASCII, PALETTE, THEMES, UNICODE

    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return Look(
        width=_columns,
        color=settings.color and not plain and sys.stdout.isatty(),
        markdown=markdown,
        glyphs=UNICODE if utf8 else ASCII,
        figures=markdown and not plain,
        theme=THEMES[settings.theme] if settings.theme else PALETTE,
        chosen=settings.theme is not None,
        clipboard=partial(osc52, tmux="TMUX" in settings.surroundings)
        if markdown and not plain and sys.stdout.isatty()
        else None,
    )


def _columns() -> int:
    """Return how wide the terminal is now; COLUMNS would say how wide it was."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return shutil.get_terminal_size().columns


@contextmanager
def leaving_in_order() -> Iterator[None]:
    """Have a closed window and a `kill` end the program as if the user had left."""

    def on_end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    known = [number for number in ENDS if number is not None]
    before = [signal.signal(number, on_end) for number in known]
    try:
        yield
    finally:
        for number, handler in zip(known, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _stopping(running: App) -> Iterator[None]:
    """Have Ctrl-C stop the reply that is on its way, and the program where there is none."""

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        if not running.session.answering:
            raise KeyboardInterrupt
        running.session.stop()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def session_text(settings: Settings, name: str, talk: Conversation) -> str:
    """Return a conversation's branch for reading again: what it is, and its messages."""
    from chatcli.conversation.events import Transcript, numbered
    from chatcli.terminal.render import Renderer
    from chatcli.terminal.sanitize import clean_line

    look = look_of(settings, plain=False, markdown=sys.stdout.isatty())
    about = (name, talk.header.created[:10], talk.header.model, talk.header.persona)
    branch = f"branch {talk.tree.branch} of {len(talk.tree.heads)}"
    line = look.glyphs.dot.join(clean_line(each) for each in (*about, branch) if each)
    return f"{line}\n\n{Renderer(look).show(Transcript(numbered(talk.tree.path)))}"


def json_text(value: object) -> str:
    """Return a value as one line of JSON in which nothing drives a terminal."""
    return json_shown(json.dumps(value, ensure_ascii=False))


def json_shown(text: str) -> str:
    """Return the same JSON with what a terminal may act on escaped; it parses to the same."""
    from chatcli.terminal.jsontext import json_shown as shown

    return shown(text)

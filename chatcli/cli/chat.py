"""`chatcli chat` and `chatcli ask`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatcli import faces
from chatcli.cli.flags import (
    Budget,
    Continue,
    Fallback,
    Model,
    NoSave,
    Persona,
    Plain,
    SessionName,
    SessionsDir,
    Strategy,
    System,
    Window,
    given,
    options_of,
)
from chatcli.cli.saying import complain, leave_with
from chatcli.settings import Settings, load

if TYPE_CHECKING:
    from chatcli.app import App, Options


def chat(
    message: Annotated[
        str | None, typer.Argument(metavar="MESSAGE", help="The first thing to say.")
    ] = None,
    *,
    persona: Persona = None,
    model: Model = None,
    fallback: Fallback = None,
    session: SessionName = None,
    resume: Continue = False,
    system: System = None,
    budget: Budget = None,
    strategy: Strategy = None,
    window: Window = None,
    no_save: NoSave = False,
    sessions_dir: SessionsDir = None,
    plain: Plain = False,
) -> None:
    """Chat. Type /help for what can be done there; Ctrl-D leaves.

    Everything is saved as you go: `chatcli chat --continue` comes back to where you were.
    """
    settings = load(
        given(
            budget=budget,
            strategy=strategy,
            window=window,
            sessions_dir=sessions_dir,
            fallback=fallback,
        )
    )
    options = options_of(persona, model, session, system, resume=resume, no_save=no_save)
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with _opened(settings, options) as running:
        if on_terminal and not plain and not settings.dumb:
            faces.chat_on_screen(running, settings, message)
        else:
            leave_with(faces.chat_by_lines(running, settings, message, typed=on_terminal))


def ask(
    message: Annotated[str | None, typer.Argument(metavar="MESSAGE", help="The question.")] = None,
    *,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file", "-f", metavar="PATH", help="A file to go with it: text, PDF or image."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    persona: Persona = None,
    model: Model = None,
    fallback: Fallback = None,
    session: SessionName = None,
    resume: Continue = False,
    system: System = None,
    budget: Budget = None,
    strategy: Strategy = None,
    window: Window = None,
    no_save: NoSave = False,
    sessions_dir: SessionsDir = None,
    plain: Plain = False,
) -> None:
    """Ask one question and print the answer.

    What is piped in is appended to the question.
    """
    from chatcli.storage.attachments import question_of

    question = question_of(message, file or [], _piped())
    settings = load(
        given(
            budget=budget,
            strategy=strategy,
            window=window,
            sessions_dir=sessions_dir,
            fallback=fallback,
        )
    )
    options = options_of(persona, model, session, system, resume=resume, no_save=no_save)
    with _opened(settings, options) as running:
        _tell_first(settings, running)
        leave_with(faces.ask(running, settings, question, as_json=as_json, plain=plain))


def _tell_first(settings: Settings, running: App) -> None:
    """Tell what is set to no avail, and the ways to an answer where there can't be one."""
    from chatcli.app.firstrun import ways
    from chatcli.terminal.sanitize import clean_line

    for line in settings.notes:
        complain(line)
    lines = ways(running.session.provider.model, settings.fallback)
    if lines:
        print("\n".join(map(clean_line, lines)), file=sys.stderr)
        leave_with(1)


@contextmanager
def _opened(settings: Settings, options: Options) -> Iterator[App]:
    from chatcli.app import App

    running = App(settings, options)
    try:
        with faces.leaving_in_order():
            yield running
    finally:
        try:
            for line in running.leave():
                complain(line)
        finally:
            running.close()


def _piped() -> str | None:
    """Return what was piped into the program, None where it was started on a terminal."""
    return None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()

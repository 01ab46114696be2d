"""The options that several commands share, and what they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatcli.errors import ChatcliError, UsageError
from chatcli.settings import load

if TYPE_CHECKING:
    from chatcli.app import Options
    from chatcli.storage.library import Library

Persona = Annotated[
    str | None, typer.Option("--persona", "-p", metavar="NAME", help="Who the model shall be.")
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="[PROFILE:]MODEL",
        help="Which model answers: gpt-5-mini, ollama:llama3.2, local:/path/to.gguf.",
    ),
]
SessionName = Annotated[
    str | None,
    typer.Option("--session", "-s", metavar="NAME|PATH", help="Open this session, or create it."),
]
Continue = Annotated[
    bool, typer.Option("--continue", "-c", help="Go on with the session that was used last.")
]
System = Annotated[
    str | None,
    typer.Option("--system", metavar="TEXT", help="The system prompt, in place of the persona's."),
]
Budget = Annotated[
    int | None,
    typer.Option("--budget", metavar="N", min=1, help="Most prompt tokens per request."),
]
Strategy = Annotated[
    str | None,
    typer.Option(
        "--strategy",
        metavar="NAME",
        help="What to do when the budget is full: truncate, window, summarize or full.",
    ),
]
Window = Annotated[
    int | None,
    typer.Option("--window", metavar="N", min=1, help="Pairs that the strategy `window` keeps."),
]
NoSave = Annotated[bool, typer.Option("--no-save", help="Nothing touches the disk.")]
SessionsDir = Annotated[
    Path | None, typer.Option("--sessions-dir", metavar="DIR", help="Where sessions are kept.")
]
Plain = Annotated[bool, typer.Option("--plain", help="No colour, no live redraw.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def stored_names(incomplete: str) -> list[str]:
    """Return the sessions that a name can be completed to. The shell can't show what goes wrong."""
    try:
        stored = library_of(None).stored()
    except ChatcliError:
        return []
    from chatcli.terminal.sanitize import clean_line

    # A shell prints what it is offered as it is, and files have any name.
    names = [each.name for each in stored if clean_line(each.name) == each.name]
    return [name for name in names if name.startswith(incomplete)]


Stored = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A stored session.", autocompletion=stored_names),
]


# What they lead to


def given(**flags: object) -> Mapping[str, object]:
    return flags


def options_of(
    persona: str | None,
    model: str | None,
    session: str | None,
    system: str | None,
    *,
    resume: bool,
    no_save: bool,
) -> Options:
    from chatcli.app import Options

    if resume and session is not None:
        raise UsageError("--continue and --session each name a session", "use one of them")
    return Options(persona, model, session, resume, system, save=not no_save)


def library_of(sessions_dir: Path | None) -> Library:
    from chatcli.storage.library import Library

    return Library(load(given(sessions_dir=sessions_dir)).folders.sessions)

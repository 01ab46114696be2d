"""The options that several commands share, and what they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatcli.cli.offers import model_names, persona_names, session_names
from chatcli.errors import UsageError
from chatcli.settings import load

if TYPE_CHECKING:
    from chatcli.app import Options
    from chatcli.storage.library import Library

Persona = Annotated[
    str | None,
    typer.Option(
        "--persona",
        "-p",
        metavar="NAME",
        help="Who the model shall be.",
        autocompletion=persona_names,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="[PROFILE:]MODEL",
        help="Which model answers: local, ollama:llama3.2, local:/path/to.gguf.",
        autocompletion=model_names,
    ),
]
Fallback = Annotated[
    str | None,
    typer.Option(
        "--fallback",
        metavar="[PROFILE:]MODEL",
        help="Which model answers where the first can't.",
        autocompletion=model_names,
    ),
]
SessionName = Annotated[
    str | None,
    typer.Option(
        "--session",
        "-s",
        metavar="NAME|PATH",
        help="Open this session, or create it.",
        autocompletion=session_names,
    ),
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
    typer.Option("--window", metavar="N", min=1, help="Pairs of messages that `window` keeps."),
]
NoSave = Annotated[bool, typer.Option("--no-save", help="Nothing touches the disk.")]
SessionsDir = Annotated[
    Path | None, typer.Option("--sessions-dir", metavar="DIR", help="Where sessions are kept.")
]
Plain = Annotated[bool, typer.Option("--plain", help="No colour, no live redraw.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


Stored = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A stored session.", autocompletion=session_names),
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

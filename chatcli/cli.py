"""The door: what can be typed after `chatcli`, and the only place that exits.

Each command reads as if nothing could fail. `main` turns what failed into one line and a code:
0 done, 1 it failed, 2 wrong usage or configuration, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatcli import __version__, faces
from chatcli.errors import ChatcliError, UsageError
from chatcli.settings import Settings, load

if TYPE_CHECKING:
    from chatcli.app import App, Options
    from chatcli.storage.library import Library

app = typer.Typer(
    name="chatcli",
    help="Chat with any language model, in your terminal. Every branch of a conversation is kept, "
    "and what the model sees is always shown.\n\n"
    "Start with: chatcli chat --persona pirate",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sessions_app = typer.Typer(help="The stored conversations.", no_args_is_help=True)
personas_app = typer.Typer(help="The personas that a model can take on.", no_args_is_help=True)
app.add_typer(sessions_app, name="sessions")
app.add_typer(personas_app, name="personas")

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


def _stored_names(incomplete: str) -> list[str]:
    """Return the sessions that a name can be completed to. The shell can't show what goes wrong."""
    try:
        stored = _library(None).stored()
    except ChatcliError:
        return []
    from chatcli.terminal.sanitize import clean_line

    # A shell prints what it is offered as it is, and files have any name.
    names = [each.name for each in stored if clean_line(each.name) == each.name]
    return [name for name in names if name.startswith(incomplete)]


Stored = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A stored session.", autocompletion=_stored_names),
]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"chatcli {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error comes from.")] = False,
) -> None:
    pass


@app.command()
def chat(
    message: Annotated[str | None, typer.Argument(help="The first thing to say.")] = None,
    *,
    persona: Persona = None,
    model: Model = None,
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
        _flags(budget=budget, strategy=strategy, window=window, sessions_dir=sessions_dir)
    )
    options = _options(persona, model, session, system, resume=resume, no_save=no_save)
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    with _opened(settings, options) as running:
        if on_terminal and not plain and not settings.dumb:
            faces.chat_on_screen(running, settings, message)
        else:
            _exit(faces.chat_by_lines(running, settings, message, typed=on_terminal))


@app.command()
def ask(
    message: Annotated[str | None, typer.Argument(help="The question.")] = None,
    *,
    file: Annotated[
        list[Path] | None,
        typer.Option("--file", "-f", metavar="PATH", help="A text file to go with it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    persona: Persona = None,
    model: Model = None,
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
    """Ask one question and print the answer. What is piped in is appended to the question."""
    from chatcli.storage.attachments import question_of

    question = question_of(message, file or [], _piped())
    settings = load(
        _flags(budget=budget, strategy=strategy, window=window, sessions_dir=sessions_dir)
    )
    options = _options(persona, model, session, system, resume=resume, no_save=no_save)
    with _opened(settings, options) as running:
        _exit(faces.ask(running, settings, question, as_json=as_json, plain=plain))


@sessions_app.command("list")
def list_sessions(
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """List the stored conversations, newest first."""
    stored = _library(sessions_dir).stored()
    if as_json:
        rows = [{"name": s.name, "path": str(s.path), "changed": s.changed} for s in stored]
        print(faces.json_text(rows))
        return
    for found in stored if everything else stored[:20]:
        _say(found.name)


@sessions_app.command("show")
def show_session(
    name: Stored,
    *,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="B", help="Another branch of it.")
    ] = None,
    as_json: Json = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Show what was said in a stored conversation."""
    from chatcli.storage import shelf

    settings = load(_flags(sessions_dir=sessions_dir))
    path, talk = shelf.read_stored(_library(sessions_dir), name)
    talk = shelf.on_branch(talk, branch)
    if as_json:
        print(faces.json_text(shelf.described(path, talk)))
    else:
        print(faces.session_text(settings, path.stem, talk), end="")


@sessions_app.command("search")
def search_sessions(
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="Words that were said.")],
    *,
    most: Annotated[int, typer.Option("--most", metavar="N", min=1, help="How many.")] = 50,
    as_json: Json = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Search all stored conversations, on all their branches, newest first."""
    from chatcli.storage import search

    found = search.search(_library(sessions_dir).stored(), " ".join(text), most)
    if as_json:
        print(faces.json_text(search.described(found)))
        return
    for hit in found.hits:
        _say(f"{hit.session} {hit.place}: {hit.snippet}")
    for line in search.told(found, "--most N shows more"):
        _complain(line)
    _exit(int(not found.hits))


@sessions_app.command("rename")
def rename_session(
    old: Stored,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    *,
    sessions_dir: SessionsDir = None,
) -> None:
    """Give a stored conversation another name."""
    from chatcli.storage import shelf

    _say(f"{old} is {shelf.rename(_library(sessions_dir), old, new)} now")


@sessions_app.command("remove")
def remove_sessions(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME…", help="Sessions.", autocompletion=_stored_names),
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """Delete stored conversations, for good."""
    from chatcli.storage import shelf

    paths = shelf.to_remove(_library(sessions_dir), names)
    if yes or _agreed(f"Delete {', '.join(path.stem for path in paths)} for good?"):
        for path in paths:
            shelf.remove(path)
            _say(f"{path.stem} is deleted")


@sessions_app.command("export")
def export_session(
    name: Stored,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A new file; stdout without it.")
    ] = None,
    *,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="json, md or tree; else by FILE's ending."),
    ] = None,
    sessions_dir: SessionsDir = None,
) -> None:
    """Write a conversation as Markdown (.md), messages (.json) or all branches (.tree.json).

    Without FILE, Markdown or another --format is printed.
    """
    from chatcli.storage import exporting, shelf
    from chatcli.terminal.sanitize import clean

    _, talk = shelf.read_stored(_library(sessions_dir), name)
    if file is not None:
        _say(str(exporting.give_away(talk, file, form)))
        return
    text = exporting.text_of(talk, form or "md")
    print(clean(text) if form in {None, "md"} else faces.json_shown(text), end="")


@sessions_app.command("import")
def import_sessions(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE…", help="What others have kept.")],
    *,
    sessions_dir: SessionsDir = None,
) -> None:
    """Store the conversations that other programs have kept, and print the names that they get.

    Reads messages as JSON, ChatGPT's conversations.json, llm's logs.db, aichat's sessions, and
    chatcli's own files.
    """
    library = _library(sessions_dir)
    _exit(max(_import(library, path) for path in paths))


@personas_app.command("list")
def list_personas(*, as_json: Json = False) -> None:
    """List the personas, yours and the ones that ship."""
    from chatcli.parts import persona_store

    personas = persona_store(load()).list()
    if as_json:
        rows = [{"name": each.name, "description": each.description} for each in personas]
        print(faces.json_text(rows))
        return
    width = max((len(each.name) for each in personas), default=0)
    for each in personas:
        _say(f"{each.name:<{width}}  {each.description}")


def main() -> None:
    """Run the command line and exit."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What the terminal's encoding lacks is shown as `?`, which beats not being shown.
            stream.reconfigure(errors="replace")
    try:
        code = app(arguments, prog_name="chatcli", standalone_mode=False)
    except (typer.TyperException, ChatcliError) as error:
        _show_where(error, wanted=debug)
        _complain(str(error) if isinstance(error, ChatcliError) else _usage(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = faces.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, which is no failure of ours; a second one at exit is.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001 - a mistake of ours is told in a line as well
        _show_where(error, wanted=debug)
        _complain(f"a mistake in chatcli: {type(error).__name__}: {error}; --debug shows where")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


# The parts of the commands


def _import(library: Library, path: Path) -> int:
    """Store what a file holds, and return the exit code."""
    from chatcli.storage.importing import Taken, take_in

    taken = Taken()
    for name in take_in(library, path, taken):
        _say(name)
    for line in taken.told(path):
        _complain(line)
    return max((error.exit_code for error in taken.errors), default=int(not taken.count))


def _library(sessions_dir: Path | None) -> Library:
    from chatcli.storage.library import Library

    return Library(load(_flags(sessions_dir=sessions_dir)).folders.sessions)


def _agreed(question: str) -> bool:
    from chatcli.terminal.sanitize import clean_line

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("nobody is there to ask", "--yes deletes without asking")
    return typer.confirm(clean_line(question))


def _exit(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _say(text: str) -> None:
    from chatcli.terminal.sanitize import clean_line

    print(clean_line(text))


def _flags(**flags: object) -> Mapping[str, object]:
    return flags


def _options(
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
                _complain(line)
        finally:
            running.close()


def _piped() -> str | None:
    """Return what was piped into the program, None where it was started on a terminal."""
    return None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()


def _show_where(error: Exception, *, wanted: bool) -> None:
    """Print where an error comes from, for --debug; its text may be anybody's."""
    if wanted:
        import traceback

        from chatcli.terminal.sanitize import clean

        print(clean("".join(traceback.format_exception(error))), file=sys.stderr, end="")


def _complain(text: str) -> None:
    from chatcli.terminal.sanitize import clean_line

    print(f"chatcli: {clean_line(text)}", file=sys.stderr)


def _usage(error: typer.TyperException) -> str:
    return f"{error.format_message().rstrip('.')}; `chatcli --help` shows what there is"


if __name__ == "__main__":
    main()

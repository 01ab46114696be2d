"""The door: what can be typed after `chatcli`, and the only place that exits.

Each command reads as if nothing could fail. `main` turns what failed into one line and a code:
0 done, 1 it failed, 2 wrong usage or configuration, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from chatcli import __version__
from chatcli.errors import ChatcliError, UsageError
from chatcli.settings import Settings, load

if TYPE_CHECKING:
    from chatcli.app import App, Options
    from chatcli.terminal.plain import PlainChat
    from chatcli.terminal.render import Look

INTERRUPTED: Final = 130

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
        help="What to do when the budget is full: truncate, window or full.",
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
    with _opened(settings, options) as running:
        on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        if on_terminal and not plain and not settings.dumb:
            _chat_on_screen(running, settings, message)
        else:
            _chat_by_lines(running, settings, message, typed=on_terminal)


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
        _ask(running, settings, question, as_json=as_json, plain=plain)


@sessions_app.command("list")
def list_sessions(
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
    sessions_dir: SessionsDir = None,
) -> None:
    """List the stored conversations, newest first."""
    from chatcli.storage.library import Library

    settings = load(_flags(sessions_dir=sessions_dir))
    stored = Library(settings.folders.sessions).stored()
    if as_json:
        rows = [{"name": s.name, "path": str(s.path), "changed": s.changed} for s in stored]
        print(json.dumps(rows, ensure_ascii=False))
        return
    from chatcli.terminal.sanitize import clean_line

    for found in stored if everything else stored[:20]:
        print(clean_line(found.name))


@personas_app.command("list")
def list_personas(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False
) -> None:
    """List the personas, yours and the ones that ship."""
    from chatcli.parts import persona_store
    from chatcli.terminal.sanitize import clean_line

    personas = persona_store(load()).list()
    if as_json:
        rows = [{"name": each.name, "description": each.description} for each in personas]
        print(json.dumps(rows, ensure_ascii=False))
        return
    width = max((len(each.name) for each in personas), default=0)
    for each in personas:
        print(clean_line(f"{each.name:<{width}}  {each.description}"))


def main() -> None:
    """Run the command line and exit."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        code = app(arguments, prog_name="chatcli", standalone_mode=False)
    except (typer.TyperException, ChatcliError) as error:
        if debug:
            raise
        _complain(str(error) if isinstance(error, ChatcliError) else _usage(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, which is no failure of ours; a second one at exit is.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if debug:
            raise
        _complain(f"a mistake in chatcli: {type(error).__name__}: {error}; --debug shows where")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


# The parts of the commands


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
        yield running
    finally:
        running.close()


def _chat_on_screen(running: App, settings: Settings, first: str | None) -> None:
    from chatcli.terminal.render import Renderer
    from chatcli.terminal.repl import Repl

    history = settings.folders.data / "history" if running.options.save else None
    renderer = Renderer(_look(settings, plain=False, markdown=True))
    Repl(running, renderer, history).run(running.opening(), first)
    _say_how_to_go_on(running)


def _chat_by_lines(running: App, settings: Settings, first: str | None, *, typed: bool) -> None:
    """Chat without a screen: the lines come from a pipe, or are `typed` on a plain terminal."""
    from chatcli.terminal.plain import prompted
    from chatcli.terminal.waiting import showing

    look = _look(settings, plain=True, markdown=False)
    talk = _plain_chat(running, look, sys.stdout)
    talk.open(running.opening())
    running.wait_for_counting()
    out = _to(sys.stdout)
    lines = prompted(sys.stdin.readline, out, look.glyphs.prompt) if typed else sys.stdin
    with _stopping(running), showing(running.activity, sys.stderr):
        if first is None or talk.answer(first):
            talk.run(lines, undaunted=typed)
    if typed:
        _say_how_to_go_on(running)
    else:
        _exit_as(talk)


def _say_how_to_go_on(running: App) -> None:
    from chatcli.terminal.sanitize import clean_line

    if running.path is not None:
        print(clean_line(f"To go on: chatcli chat --session '{running.session_name}'"))


def _ask(running: App, settings: Settings, question: str, *, as_json: bool, plain: bool) -> None:
    from chatcli.terminal.waiting import showing

    look = _look(settings, plain=plain, markdown=sys.stdout.isatty() and not plain)
    talk = _plain_chat(running, look, sys.stderr, quiet=as_json)
    with _stopping(running), showing(running.activity, sys.stderr):
        talk.say(question)
    if as_json:
        print(json.dumps(_answer(running, talk), ensure_ascii=False))
    _exit_as(talk)


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


def _plain_chat(running: App, look: Look, aside: TextIO, *, quiet: bool = False) -> PlainChat:
    from chatcli.terminal.plain import PlainChat
    from chatcli.terminal.render import Renderer

    out = (lambda _text: None) if quiet else _to(sys.stdout)
    return PlainChat(running, Renderer(look), out, _to(sys.stderr), _to(aside))


def _exit_as(talk: PlainChat) -> None:
    if talk.stopped:
        raise typer.Exit(INTERRUPTED)
    if talk.code:
        raise typer.Exit(talk.code)


def _look(settings: Settings, *, plain: bool, markdown: bool) -> Look:
    from chatcli.terminal.render import Look
    from chatcli.terminal.theme import ASCII, UNICODE

    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return Look(
        width=lambda: shutil.get_terminal_size().columns,
        color=settings.color and not plain and sys.stdout.isatty(),
        markdown=markdown,
        glyphs=UNICODE if utf8 else ASCII,
        figures=markdown and not plain,
    )


def _to(stream: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def _piped() -> str | None:
    """Return what was piped into the program, None where it was started on a terminal."""
    return None if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()


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


def _complain(text: str) -> None:
    from chatcli.terminal.sanitize import clean_line

    print(f"chatcli: {clean_line(text)}", file=sys.stderr)


def _usage(error: typer.TyperException) -> str:
    return f"{error.format_message().rstrip('.')}; `chatcli --help` shows what there is"


if __name__ == "__main__":
    main()

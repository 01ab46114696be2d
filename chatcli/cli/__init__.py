"""The door: what can be typed after `chatcli`, and the only place that exits.

Each command reads as if nothing could fail. `main` turns what failed into one line and a code:
0 done, 1 it failed, 2 wrong usage or configuration, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from chatcli import __version__, faces
from chatcli.cli import chat, config, doctor, models, personas, sessions
from chatcli.cli.colons import whole_words
from chatcli.cli.saying import complain
from chatcli.errors import ChatcliError

app = typer.Typer(
    name="chatcli",
    help="Chat with any language model, in your terminal. Every branch of a conversation is kept, "
    "and what the model sees is always shown.\n\n"
    "Start with: chatcli chat --persona pirate",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(chat.chat)
app.command()(chat.ask)
app.command()(doctor.doctor)
app.add_typer(sessions.app, name="sessions")
app.add_typer(personas.app, name="personas")
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")


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


def main() -> None:
    """Run the command line and exit."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    _have_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # What the terminal's encoding lacks is shown as `?`, which beats not being shown.
            stream.reconfigure(errors="replace")
    # The openai client would write its log where replies are read.
    os.environ.pop("OPENAI_LOG", None)
    try:
        with whole_words():
            code = app(arguments, prog_name="chatcli", standalone_mode=False)
    except (typer.TyperException, ChatcliError) as error:
        _show_where(error, wanted=debug)
        complain(_failure(error) if isinstance(error, ChatcliError) else _usage(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = faces.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone, which is no failure of ours; a second one at exit is.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001 - a mistake of ours is told in a line as well
        _show_where(error, wanted=debug)
        from chatcli.cli.tracing import told

        complain(f"a mistake in chatcli: {told(error)}; --debug shows where")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _have_streams() -> None:
    """Let what is written to a stream that was closed before we began go nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # It is written to for as long as we run.
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _show_where(error: Exception, *, wanted: bool) -> None:
    """Print where an error comes from, for --debug; its text may be anybody's."""
    if wanted:
        from chatcli.cli.tracing import trace
        from chatcli.terminal.sanitize import clean

        print(clean(trace(error)), file=sys.stderr, end="")


def _failure(error: ChatcliError) -> str:
    hint = error.hint_for_the_shell
    return f"{error.message}; {hint}" if hint else error.message


def _usage(error: typer.TyperException) -> str:
    return f"{error.format_message().rstrip('.')}; `chatcli --help` shows what there is"

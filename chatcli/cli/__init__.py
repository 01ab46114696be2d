"""The door: what can be typed after `chatcli`, and the only place that exits.

Each command reads as if nothing could fail. `main` turns what failed into one line and a code:
0 done, 1 it failed, 2 wrong usage or configuration, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from chatcli import __version__, faces
from chatcli.cli import chat, doctor
from chatcli.cli.colons import whole_words
from chatcli.cli.groups import Commands, spare_pydantic
from chatcli.cli.saying import complain, help_alone
from chatcli.errors import ChatcliError

app = typer.Typer(
    name="chatcli",
    cls=Commands,
    help="Chat with any language model, in your terminal. Every branch of a conversation is kept, "
    "and what the model sees is always shown.\n\n"
    "Start with: chatcli chat --persona pirate",
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(chat.chat)
app.command()(chat.ask)
app.command()(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"chatcli {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
    _debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from.")
    ] = False,
) -> None:
    help_alone(context)


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
            code = _tree()(arguments, prog_name="chatcli", standalone_mode=False)
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


def _tree() -> Callable[..., object]:
    """Return the commands as typer runs them."""
    tree = typer.main.get_command(app)
    spare_pydantic(tree)
    return tree


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
    context: typer.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "chatcli"
    return f"{error.format_message().rstrip('.')}; `{command} --help` shows what there is"

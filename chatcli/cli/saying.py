"""What a command tells the user, and the code that it leaves with."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import typer

from chatcli.errors import UsageError


def say(text: str) -> None:
    from chatcli.terminal.sanitize import clean_line

    print(clean_line(text))


def complain(text: str) -> None:
    """Tell a line on stderr; a terminal, which would break it within a word, gets it folded."""
    from chatcli.terminal.sanitize import clean_line

    line = f"chatcli: {clean_line(text)}"
    if sys.stderr.isatty():
        from chatcli.terminal.folding import folded

        line = "\n".join(folded(line, columns_of(sys.stderr), indent=2))
    print(line, file=sys.stderr)


def columns_of(stream: TextIO) -> int:
    """Return how wide the terminal is that a stream leads to."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def help_alone(context: typer.Context) -> None:
    """Show what there is after a command that only names a group, where nothing comes after it."""
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(UsageError.exit_code)


def agreed(question: str) -> bool:
    from chatcli.terminal.sanitize import clean_line

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("nobody is there to ask", "--yes deletes without asking")
    return typer.confirm(clean_line(question))


def leave_with(code: int) -> None:
    if code:
        raise typer.Exit(code)

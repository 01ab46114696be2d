"""What a command tells the user, and the code that it leaves with."""

from __future__ import annotations

import sys

import typer

from chatcli.errors import UsageError


def say(text: str) -> None:
    from chatcli.terminal.sanitize import clean_line

    print(clean_line(text))


def complain(text: str) -> None:
    from chatcli.terminal.sanitize import clean_line

    print(f"chatcli: {clean_line(text)}", file=sys.stderr)


def agreed(question: str) -> bool:
    from chatcli.terminal.sanitize import clean_line

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("nobody is there to ask", "--yes deletes without asking")
    return typer.confirm(clean_line(question))


def leave_with(code: int) -> None:
    if code:
        raise typer.Exit(code)

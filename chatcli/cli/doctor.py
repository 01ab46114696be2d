"""`chatcli doctor`: what is configured, from where, and whether it works."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from chatcli import __version__, faces
from chatcli.cli.flags import Json
from chatcli.cli.saying import leave_with
from chatcli.settings import Settings, load

if TYPE_CHECKING:
    from chatcli.doctor import Finding, Terminal
    from chatcli.terminal.looks import Look

SIGNS: Final = {"good": "✓", "note": "·", "odd": "!", "bad": "✗", "mend": "→"}
ASCII_SIGNS: Final = {"good": "+", "note": "-", "odd": "!", "bad": "x", "mend": "->"}
_STYLES: Final = {"good": "here", "note": "dim", "odd": "warning", "bad": "error"}
_AREA: Final = 10
_NARROWEST: Final = 30


def doctor(
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no model elsewhere.")] = False,
    as_json: Json = False,
) -> None:
    """Check that all of it works, and say how to mend what does not.

    That is folders, settings, keys, personas, sessions and models. Each profile that is set up is
    asked for one token, unless --offline.
    """
    from chatcli.doctor import examine

    settings = load(lenient=True)
    look = faces.look_of(settings, plain=False, markdown=False)
    found: list[Finding] = []
    for finding in examine(settings, _terminal(settings), __version__, offline=offline):
        found.append(finding)
        if not as_json:
            print(_shown(finding, look), flush=True)
    bad = sum(each.state == "bad" for each in found)
    if as_json:
        print(faces.json_text(_described(settings, found)))
    elif bad:
        print(f"{bad} {'thing needs' if bad == 1 else 'things need'} mending")
    leave_with(int(bad > 0))


def _described(settings: Settings, found: list[Finding]) -> Mapping[str, object]:
    from chatcli import inventory

    return {
        "version": __version__,
        "ok": not any(each.state == "bad" for each in found),
        "findings": [asdict(each) for each in found],
        "configuration": inventory.described(settings),
    }


def _terminal(settings: Settings) -> Terminal:
    from chatcli.doctor import Terminal
    from chatcli.terminal.introducing import introduced
    from chatcli.terminal.theme import theme_on

    answers = introduced()
    theme = theme_on(answers.get("background", ""))
    size = os.get_terminal_size(sys.stdout.fileno()) if sys.stdout.isatty() else None
    return Terminal(
        size=(size.columns, size.lines) if size else None,
        kind="dumb" if settings.dumb else "",
        encoding=sys.stdout.encoding or "",
        color=settings.color,
        name=answers.get("name", ""),
        background=theme.name if theme else "",
    )


def _shown(finding: Finding, look: Look) -> str:
    """Return a finding in a line, and what to do about it in another, wrapped to the terminal."""
    from chatcli.terminal.sanitize import clean_line
    from chatcli.terminal.theme import UNICODE, painted

    signs = SIGNS if look.glyphs is UNICODE else ASCII_SIGNS
    mark, arrow = signs[finding.state], signs["mend"]
    text = clean_line(finding.text)
    hint = clean_line(finding.hint)
    head = f"{clean_line(finding.area):<{_AREA}} "
    lines = _wrapped(f"{head}{text}", "", look)
    lines += _wrapped(f"{arrow} {hint}", " " * len(head), look) if hint else []
    sign = painted(mark, _STYLES[finding.state], color=look.colored, theme=look.theme)
    return f"{sign} " + "\n  ".join(lines)


def _wrapped(text: str, indent: str, look: Look) -> list[str]:
    return textwrap.wrap(
        text,
        max(look.width() - 2, _NARROWEST),
        initial_indent=indent,
        subsequent_indent=" " * (_AREA + 1),
        break_on_hyphens=False,
    )

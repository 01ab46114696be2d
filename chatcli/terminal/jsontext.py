"""JSON that is safe to show and still says exactly the same when it is copied."""

from __future__ import annotations

import json
import re
from typing import Final

from chatcli.terminal.sanitize import clean

_NOT_ASCII: Final = re.compile(r"[^\x20-\x7e]")


def json_lines(value: object, *, ascii_only: bool) -> str:
    """Return a value as indented JSON.

    Cleaning would alter it: a line that holds what a terminal may act on, or what would not be
    seen, is written in ASCII instead, as JSON may write any text.
    """
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return f"{json_shown(text, ascii_only=ascii_only)}\n"


def json_shown(text: str, *, ascii_only: bool = False) -> str:
    """Return the same JSON so that `json_lines` would not alter it."""
    return "\n".join(_shown(line, ascii_only=ascii_only) for line in text.split("\n"))


def _shown(line: str, *, ascii_only: bool) -> str:
    if not ascii_only and clean(line) == line:
        return line
    # No string holds a tab or a carriage return as it is: one that stands there is between values.
    line = line.replace("\r", " ").replace("\t", " ")
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], line)

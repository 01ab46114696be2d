"""What errors tell to do next, in the words of somebody who writes Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chatcli.errors import ChatcliError

_IN_PYTHON: Final = {
    "retry": "retry()",
    "clear": "clear()",
    "switch": "switch()",
    "remember": "remember()",
    "branches": "branches",
    "history": "history",
    "memory": "memory",
    "model": "model=",
    "persona": "persona=",
    "budget": "max_tokens=",
    "strategy": "strategy=",
    "set": "parameters=",
}
_COMMAND: Final = re.compile(
    rf"(?:--[a-z]+ or )?(?<![\w./~-])/({'|'.join(_IN_PYTHON)})\b(?: (?:[A-Z]+\b|`[^`]*`))?"
)
_FLAG: Final = re.compile(r"--(model|persona|strategy|fallback) ([a-z][\w:.-]*)")


def in_python(hint: str) -> str:
    """Return a hint with the commands and flags of a chat as what a `Session` has for them."""
    told = _COMMAND.sub(lambda found: _IN_PYTHON[found[1]], hint)
    return _FLAG.sub(lambda found: f'{found[1]}="{found[2]}"', told)


@contextmanager
def for_scripts() -> Iterator[None]:
    """Have the errors that pass tell their hints `in_python`."""
    try:
        yield
    except ChatcliError as error:
        error.hint = in_python(error.hint)
        raise

"""The program itself, the terminal, and the vocabularies that count tokens."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from chatcli import vocabularies
from chatcli.doctor.finding import Finding
from chatcli.errors import ChatcliError

NARROW: Final = 40

_SAMPLE: Final = "Größe: 12345 naïve 猫 !"
_TOKENS: Final[Mapping[str, list[int]]] = {
    "cl100k_base": [6600, 80040, 25, 220, 4513, 1774, 95980, 588, 10447, 234, 104, 758],
    "o200k_base": [3193, 52715, 25, 220, 7633, 2548, 153475, 737, 129165, 104, 1073],
}
"""What tiktoken's own encodings make of the sample."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """What chatcli's output goes to. `size` is in columns and lines, None where it is no terminal.

    `name` is what it calls itself, and `background` whether that is light or dark, both empty where
    it has not said.
    """

    size: tuple[int, int] | None
    kind: str
    encoding: str
    color: bool
    name: str = ""
    background: str = ""


def program(version: str) -> Finding:
    """Tell which chatcli this is, and what it runs on."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return Finding("chatcli", "good", f"{version}, Python {platform.python_version()}, {system}")


def terminal(found: Terminal) -> Iterator[Finding]:
    """Tell what the terminal can do."""
    if found.size is None:
        yield Finding("terminal", "note", "the output goes to no terminal: plain text")
        return
    columns, lines = found.size
    told = [
        f"{columns} columns, {lines} lines",
        "colours" if found.color else "no colours (NO_COLOR)",
        found.encoding.upper() or "no encoding",
    ]
    told += [f"{found.background} background"] if found.background else []
    told += [f"it calls itself {found.name}"] if found.name else []
    yield Finding("terminal", "good", ", ".join(told))
    if columns < NARROW:
        yield Finding("terminal", "odd", "it is narrow", f"{NARROW} columns show more")
    if found.encoding.lower().replace("-", "") != "utf8":
        hint = "a UTF-8 locale shows all of a reply: export LANG=C.UTF-8"
        yield Finding("terminal", "odd", f"it takes {found.encoding}, not UTF-8", hint)
    if found.kind == "dumb":
        yield Finding("terminal", "odd", "TERM is dumb: the chat goes by lines", "set TERM")


def tokenizers() -> Iterator[Finding]:
    """Tell whether tokens are counted as tiktoken counts them."""
    try:
        wrong = [n for n, ids in _TOKENS.items() if vocabularies.load(n).encode(_SAMPLE) != ids]
    except ChatcliError as error:
        yield Finding("tokens", "bad", error.message, error.hint)
        return
    if wrong:
        told = f"{', '.join(wrong)}: not the tokens that tiktoken's vocabulary has"
        yield Finding("tokens", "bad", told, "reinstall chatcli")
    else:
        yield Finding("tokens", "good", f"{', '.join(_TOKENS)} load and count right")

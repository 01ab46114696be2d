"""What a terminal sends for each key (xterm's defaults)."""

from __future__ import annotations

NAMED = {
    "enter": "\r",
    "tab": "\t",
    "shift-tab": "\x1b[Z",
    "esc": "\x1b",
    "space": " ",
    "backspace": "\x7f",
    "delete": "\x1b[3~",
    "insert": "\x1b[2~",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "page-up": "\x1b[5~",
    "page-down": "\x1b[6~",
    "ctrl-up": "\x1b[1;5A",
    "ctrl-down": "\x1b[1;5B",
    "ctrl-right": "\x1b[1;5C",
    "ctrl-left": "\x1b[1;5D",
    "ctrl-space": "\0",
    "ctrl-\\": "\x1c",
    "ctrl-_": "\x1f",
    **{f"f{number}": f"\x1bO{letter}" for number, letter in enumerate("PQRS", start=1)},
}
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"


def sequence(name: str) -> str:
    """The characters of one key: `enter`, `ctrl-c`, `alt-enter`, `f1`, `x`."""
    if name in NAMED:
        return NAMED[name]
    prefix, _, rest = name.partition("-")
    if prefix == "alt" and rest:
        return "\x1b" + sequence(rest)
    if prefix == "ctrl" and len(rest) == 1 and rest.isascii() and rest.isalpha():
        return chr(ord(rest.upper()) - ord("@"))
    if len(name) == 1:
        return name
    raise ValueError(f"no key is called {name!r}")

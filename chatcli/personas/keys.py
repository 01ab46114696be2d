"""What each key of a persona may hold. A new key is a kind here and its line in `reading.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

from chatcli.conversation.strategies import STRATEGIES
from chatcli.errors import PersonaError
from chatcli.parameters import PARAMETERS, Kind, one_of, whole
from chatcli.personas.connections import connections_in, is_connection
from chatcli.personas.names import is_name, normal, shown
from chatcli.personas.persona import Example

T_co = TypeVar("T_co", covariant=True)

INJECTIONS: Final = ("turn", "date", "memory", "questions", "summary")
MEMORY: Final = ("off", "auto")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value.strip()


def _line(value: object) -> str:
    return " ".join(_text(value).split())


def _name(value: object) -> str:
    name = normal(_text(value))
    if not is_name(name):
        raise ValueError
    return name


def _model(value: object) -> str:
    if not _text(value).isprintable():
        raise ValueError
    return _text(value)


def _injections(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(word in INJECTIONS for word in value):
        raise ValueError
    return tuple(dict.fromkeys(value))


def _examples(value: object) -> tuple[Example, ...]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError
    if not all(each.keys() == {"user", "assistant"} for each in value):
        raise ValueError
    return tuple(Example(_text(each["user"]), _text(each["assistant"])) for each in value)


TEXT: Final = Kind("text", _text)
LINE: Final = Kind("text", _line)
NAME: Final = Kind("a name of letters, digits, `.`, `_` and `-`", _name)
MODEL: Final = Kind("the name of a model", _model)
STRATEGY: Final = one_of(*STRATEGIES)
WINDOW: Final = whole(1, 10_000)
BUDGET: Final = whole(1, 100_000_000)
INJECT: Final = Kind(f"a list of some of {', '.join(INJECTIONS)}", _injections)
EXAMPLES: Final = Kind("a list of pairs, each with a text for user and for assistant", _examples)
MEMORIES: Final = one_of(*MEMORY)

KEYS: Final = (
    *("name", "description", "model", *PARAMETERS, "strategy", "window", "budget"),
    *("inject", "memory", "greeting", "examples"),
)
"""All keys that mean something, in the order in which they are shown."""


class Keys:
    """The keys of one file, to be taken one by one; what is left over is unknown.

    `front` is the front matter, with its lines where they are in the file, so that an error can
    say which. Raises PersonaError where a key would say where messages go.
    """

    def __init__(self, path: Path, values: Mapping[str, object], front: str = "") -> None:
        self._path = path
        self._front = front
        self._left = dict(values)
        for key in values:
            if is_connection(key):
                raise self._refused(key, key)
        for each in connections_in(values.get("extra_body")):
            raise self._refused("extra_body", f"{each} in extra_body")

    def take(self, key: str, kind: Kind[T_co]) -> T_co | None:
        """Return the key's value, None where it is absent or empty. Raises PersonaError."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        try:
            return kind.read(value)
        except ValueError:
            told = f"{self._place(key)}{key} must be {kind.expected}, found {shown(value)}"
            raise PersonaError(told) from None

    def untaken(self) -> tuple[str, ...]:
        return tuple(self._left)

    def _refused(self, key: str, what: str) -> PersonaError:
        return PersonaError(
            f"{self._place(key)}{what} can't be set by a persona, which may come from anybody and"
            " must not choose where messages and keys go",
            "put it in config.toml or in the environment",
        )

    def _place(self, key: str) -> str:
        found = re.search(rf"^[\"']?{re.escape(key)}[\"']?[ \t]*:", self._front, re.MULTILINE)
        line = self._front.count("\n", 0, found.start()) + 1 if found else None
        return f"{self._path}: line {line}: " if line else f"{self._path}: "

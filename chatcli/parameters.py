"""How replies can be sampled: each parameter and what it may hold, for personas, profiles, /set.

The table is checked by hand and not by pydantic, because a persona is loaded before the prompt is
on screen and pydantic alone would take 100 ms of that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar

T_co = TypeVar("T_co", covariant=True)
Parameter: TypeAlias = float | int | str | tuple[str, ...] | Mapping[str, object]

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
LONGEST_EXTRA: Final = 16 * 1024
NOT_EXTRA: Final = frozenset({"model", "messages", "stream", "stream_options", "n"})
"""What no extra body may say: what is asked, and how the answer comes, is chatcli's to say."""


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """What a key may hold: in words, and as a function that raises ValueError on all else."""

    expected: str
    read: Callable[[object], T_co]


def number(least: float, most: float) -> Kind[float]:
    """A number within bounds, both of them included."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError
        if not least <= value <= most:
            raise ValueError
        return float(value)

    return Kind(f"a number from {least} to {most}", read)


def whole(least: int, most: int) -> Kind[int]:
    """A whole number within bounds, both of them included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError
        return value

    return Kind(f"a whole number from {least} to {most}", read)


def one_of(*known: str) -> Kind[str]:
    """One of some words."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError
        return value

    return Kind(f"one of {', '.join(known)}", read)


def _stop(value: object) -> tuple[str, ...]:
    texts = value if isinstance(value, list) else [value]
    # Not stripped: a line break is a common place to stop.
    if not all(isinstance(text, str) and text for text in texts):
        raise ValueError
    "".join(map(str, texts)).encode()  # half a surrogate pair can't be sent
    return tuple(texts)


def _extra(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError
    if NOT_EXTRA & value.keys():
        raise ValueError
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, RecursionError):
        raise ValueError from None
    if size > LONGEST_EXTRA:
        raise ValueError
    return dict(value)


PARAMETERS: Final[Mapping[str, Kind[Parameter]]] = {
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "max_reply": whole(1, 1_000_000),
    "stop": Kind("a text or a list of texts", _stop),
    "seed": whole(0, 2**32 - 1),
    "reasoning_effort": one_of(*EFFORTS),
    "extra_body": Kind(
        f"a table of what else the request says, without {', '.join(sorted(NOT_EXTRA))}", _extra
    ),
}
"""What can be set of a request. A new parameter is a line here and a field of `Parameters`."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A parameter of sampling: its value in words, None where it is left to the endpoint.

    `source` says where it comes from; `taken` is False where the model does not take it, so that it
    is not sent.
    """

    name: str
    value: str | None = None
    source: str = ""
    taken: bool = True


def from_text(name: str, text: str) -> Parameter:
    """Return a parameter that was typed: JSON where it is that, or else the text itself.

    Raises ValueError where the parameter can't hold it.
    """
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    return PARAMETERS[name].read(value)

"""JSON as the standard has it, from whoever wrote it."""

from __future__ import annotations

import codecs
import json
import math
import sys
from collections.abc import Sequence
from typing import Final, NoReturn


def strict_json(data: bytes | str) -> object:
    """Parse JSON as the standard has it: no NaN, no key twice. Raises ValueError."""
    if isinstance(data, bytes):
        data = data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogatepass")
    try:
        return _DECODER.decode(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(number: str) -> float:
    """Return the float nearest to a number; what is written of an infinity would be no JSON."""
    value = float(number)
    return value if math.isfinite(value) else math.copysign(sys.float_info.max, value)


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields


# `json.loads` would make a new one for each text.
_DECODER: Final = json.JSONDecoder(
    parse_float=_finite, parse_constant=_no_constant, object_pairs_hook=_unique
)

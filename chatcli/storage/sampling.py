"""The parameters that were chosen in a chat, as its file keeps them.

A file may come from anybody: each value is checked as one that is typed. What else a request says
(`extra_body`) is not kept, since it may ask an endpoint for things that cost money.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from chatcli.parameters import PARAMETERS

NOT_KEPT: Final = "extra_body"


def kept(chosen: Mapping[str, object]) -> dict[str, object]:
    """Return what a record says of the parameters."""
    return {name: value for name, value in chosen.items() if name != NOT_KEPT}


def read(fields: object) -> dict[str, object]:
    """Return the parameters that a record holds; what can be none of them is passed over."""
    found: dict[str, object] = {}
    for name, value in fields.items() if isinstance(fields, Mapping) else ():
        if name in PARAMETERS and name != NOT_KEPT:
            with suppress(ValueError):
                found[name] = PARAMETERS[name].read(value)
    return found

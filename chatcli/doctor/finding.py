"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["good", "note", "odd", "bad"]
"""`note` tells a fact; what is `odd` may be meant; what is `bad` needs mending."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in a line, and what to do about it where it is not good.

    `area` says what it is about, in a word. The texts may be anybody's.
    """

    area: str
    state: State
    text: str
    hint: str = ""

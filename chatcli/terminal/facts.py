"""What the toolbar is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Facts:
    """Where a chat stands: who answers, where one is, and what the next request holds.

    `tokens` is what the request holds with the draft, None where it can't be sent; `exact` tells
    whether that is counted or estimated. `budget` is None where none is known. `cost` is the
    price of sending it, in words. `warnings` are what should not be overlooked.
    """

    model: str
    branch: str
    turn: int
    persona: str | None = None
    tokens: int | None = None
    budget: int | None = None
    exact: bool = True
    cost: str = ""
    warnings: tuple[str, ...] = ()

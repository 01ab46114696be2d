"""What to do when the budget is full: which turns are left out, and why.

A new strategy is a function of the type `Strategy` and its line in STRATEGIES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from chatcli.errors import BudgetError

if TYPE_CHECKING:
    from chatcli.conversation.turns import Turn

Reason: TypeAlias = Literal["budget", "window"]


@dataclass(frozen=True, slots=True)
class Room:
    """What a strategy decides about: the turns before the newest but for those in `folded`.

    `excess` is how many tokens they are over what there is room for (negative: room is left);
    pinned turns go whatever is decided. `pairs` is the window.
    """

    turns: Sequence[Turn]
    folded: Set[int]
    excess: float
    pairs: int

    def free(self, start: int = 0, stop: int | None = None) -> Iterator[int]:
        """Yield the indices of the turns that may be left out, the oldest first."""
        for index in range(start, len(self.turns) - 1 if stop is None else stop):
            if index not in self.folded and not self.turns[index].pinned:
                yield index


Strategy: TypeAlias = Callable[[Room], dict[int, Reason]]
"""Returns why turns are left out, by their index; the others are sent."""


def truncate(room: Room) -> dict[int, Reason]:
    """Leave the oldest turns out until the rest fits."""
    return _oldest(room, 0, room.excess)


def window(room: Room) -> dict[int, Reason]:
    """Send the newest N pairs before the question, as many of them as fit."""
    start = max(len(room.turns) - 1 - room.pairs, 0)
    outside: dict[int, Reason] = dict.fromkeys(room.free(0, start), "window")
    saved = sum(room.turns[index].tokens for index in outside)
    return {**outside, **_oldest(room, start, room.excess - saved)}


def summarize(room: Room) -> dict[int, Reason]:
    """Fold the oldest turns into a summary before the budget is full; what still overflows leaves.

    The folding is a turn of its own with the model: see `folding.py`.
    """
    return truncate(room)


def full(room: Room) -> dict[int, Reason]:
    """Send everything, or nothing at all."""
    if room.excess > 0:
        raise BudgetError(
            f"the conversation is {int(room.excess):,} tokens over the budget",
            "/strategy truncate leaves the oldest turns out, /budget sets another limit",
        )
    return {}


STRATEGIES: Final[dict[str, Strategy]] = {
    "truncate": truncate,
    "window": window,
    "summarize": summarize,
    "full": full,
}


def _oldest(room: Room, start: int, excess: float) -> dict[int, Reason]:
    reasons: dict[int, Reason] = {}
    for index in room.free(start):
        if excess <= 0:
            break
        reasons[index] = "budget"
        excess -= room.turns[index].tokens
    return reasons

"""The context plan: which messages the next request holds, which it leaves out, and why.

`plan` is a pure function of the path, what each message costs, and the limits. It never changes
the conversation. A new strategy is a function of the type `Strategy` and its line in STRATEGIES.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from chatcli.conversation.messages import Message, Node
from chatcli.errors import BudgetError

Reason: TypeAlias = Literal["budget", "window"]
Fate: TypeAlias = Literal["system", "sent", "pinned", "newest", "muted", "replaced"] | Reason
SENT: Final[Set[Fate]] = frozenset({"system", "sent", "pinned", "newest"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may hold: tokens, the strategy that keeps to them, the window in pairs."""

    budget: int | None = None
    strategy: str = "truncate"
    window: int = 5


@dataclass(frozen=True, slots=True)
class Planned:
    """A message of the path with its number, its price in tokens, and what becomes of it.

    `number` is the one that /history shows; system prompts have none.
    """

    node: Node
    number: int | None
    tokens: int
    fate: Fate


@dataclass(frozen=True, slots=True)
class Plan:
    """What the next request holds. `tokens` includes the request's own `overhead`.

    `examples` are the persona's: they go between the system prompt and the history, and are no
    part of the conversation.
    """

    entries: tuple[Planned, ...]
    budget: int | None
    strategy: str
    overhead: int
    examples: tuple[Message, ...] = ()
    example_tokens: int = 0

    @property
    def messages(self) -> list[Message]:
        """What is sent, in the order in which it is sent: the system prompt first."""
        sent = self.sent()
        system = [entry.node.message for entry in sent if entry.fate == "system"]
        said = [entry.node.message for entry in sent if entry.fate != "system"]
        return [*system, *self.examples, *said]

    @property
    def tokens(self) -> int:
        return self.overhead + self.example_tokens + sum(entry.tokens for entry in self.sent())

    @property
    def newest_tokens(self) -> int:
        return sum(entry.tokens for entry in self.entries if entry.fate == "newest")

    def sent(self) -> list[Planned]:
        """The messages that go, in the order of the path."""
        return [entry for entry in self.entries if entry.fate in SENT]

    def left_out(self) -> list[Planned]:
        """The messages that stay out for want of room."""
        return [entry for entry in self.entries if entry.fate in {"budget", "window"}]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what was answered to it: sent together or not at all."""

    entries: tuple[Planned, ...]
    tokens: int
    pinned: bool


Strategy: TypeAlias = Callable[[Sequence[Turn], float, int], list[Reason | None]]
"""Takes the turns before the newest, the room for them in tokens, and the window in pairs.

Returns for each turn why it is left out, or None where it is sent.
"""


def truncate(turns: Sequence[Turn], room: float, _window: int = 0) -> list[Reason | None]:
    """Leave the oldest turns out until the rest fits."""
    excess = sum(turn.tokens for turn in turns) - room
    reasons: list[Reason | None] = [None] * len(turns)
    for index, turn in enumerate(turns):
        if excess <= 0:
            break
        if not turn.pinned:
            reasons[index] = "budget"
            excess -= turn.tokens
    return reasons


def window(turns: Sequence[Turn], room: float, pairs: int) -> list[Reason | None]:
    """Send the newest `pairs` turns before the question, as many of them as fit."""
    start = max(len(turns) - pairs, 0)
    inside = [turn for index, turn in enumerate(turns) if index >= start or turn.pinned]
    fitted = iter(truncate(inside, room))
    return [
        next(fitted) if index >= start or turn.pinned else "window"
        for index, turn in enumerate(turns)
    ]


def full(turns: Sequence[Turn], room: float, _window: int = 0) -> list[Reason | None]:
    """Send everything, or nothing at all."""
    excess = sum(turn.tokens for turn in turns) - room
    if excess > 0:
        raise BudgetError(
            f"the conversation is {int(excess):,} tokens over the budget",
            "/strategy truncate leaves the oldest turns out, /budget sets another limit",
        )
    return [None] * len(turns)


STRATEGIES: Final[dict[str, Strategy]] = {"truncate": truncate, "window": window, "full": full}


def plan(
    path: Sequence[Node],
    price: Callable[[Message], int],
    *,
    budget: int | None = None,
    strategy: str = "truncate",
    pairs: int = 5,
    overhead: int = 0,
    examples: Sequence[Message] = (),
    pinned: Set[str] = frozenset(),
    muted: Set[str] = frozenset(),
) -> Plan:
    """Plan the next request from the messages of `path`, root first.

    `price` gives a message's tokens, `overhead` what a request costs beside its messages. The
    newest system prompt, the examples, pinned messages (by id) and the last turn always go; muted
    ones never.
    A reply never goes without its question. `budget` None means that there is no known limit.
    Raises BudgetError when what must go exceeds the budget.
    """
    system, turns = _turns(path, price, pinned, muted)
    *earlier, newest = turns or [Turn((), 0, pinned=False)]
    shown = sum(price(example) for example in examples)
    must = overhead + shown + newest.tokens + sum(e.tokens for e in system if e.fate == "system")
    must += sum(turn.tokens for turn in earlier if turn.pinned)
    if budget is not None and must > budget:
        raise BudgetError(
            f"the newest message needs {must:,} tokens with what always goes along, "
            f"{must - budget:,} more than the budget of {budget:,}",
            "shorten it, or raise the budget with --budget or /budget",
        )
    kept_pins = sum(turn.tokens for turn in earlier if turn.pinned)
    room = float("inf") if budget is None else budget - must + kept_pins
    reasons = STRATEGIES[strategy](earlier, room, pairs)
    decided = [*system, *(_judged(newest.entries, "newest"))]
    for turn, reason in zip(earlier, reasons, strict=True):
        decided += _judged(turn.entries, reason or ("pinned" if turn.pinned else "sent"))
    decided.sort(key=lambda entry: entry.node.depth)
    return Plan(tuple(decided), budget, strategy, overhead, tuple(examples), shown)


def _turns(
    path: Sequence[Node], price: Callable[[Message], int], pinned: Set[str], muted: Set[str]
) -> tuple[list[Planned], list[Turn]]:
    """Part the path into its system prompts and its turns."""
    system: list[Planned] = []
    turns: list[list[Planned]] = []
    number = 0
    for node in path:
        tokens = price(node.message)
        if node.role == "system":
            system = [*(_judged(system, "replaced")), Planned(node, None, tokens, "system")]
            continue
        number += 1
        if node.role == "user" or not turns:
            turns.append([])
        silent = node.id in muted or (turns[-1] and turns[-1][0].fate == "muted")
        turns[-1].append(Planned(node, number, tokens, "muted" if silent else "sent"))
    return system, [_turn(entries, pinned) for entries in turns]


def _turn(entries: Sequence[Planned], pinned: Set[str]) -> Turn:
    audible = [entry for entry in entries if entry.fate != "muted"]
    held = any(entry.node.id in pinned for entry in audible)
    return Turn(tuple(entries), sum(entry.tokens for entry in audible), held)


def _judged(entries: Sequence[Planned], fate: Fate) -> list[Planned]:
    return [
        entry if entry.fate == "muted" else Planned(entry.node, entry.number, entry.tokens, fate)
        for entry in entries
    ]

"""Folding the oldest turns into a summary, before the budget is full.

Whether that is due, and what is to be folded, are pure functions of the plan. The model writes the
summary, from parts that fit into its window, each together with the summary so far; a new summary
includes the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.context import Plan
from chatcli.conversation.images import said_of
from chatcli.conversation.messages import Message, Node, Usage, new_id, now
from chatcli.conversation.records import Summary
from chatcli.conversation.turns import Price, Turn

FULL_AT: Final = 0.85
"""How full the budget is when folding begins, and below, how full it may be afterwards."""

DOWN_TO: Final = 0.55
SHARE_OF_SUMMARY: Final = 0.2
"""The part of the budget that a summary may take, twice that at the very most."""

WORDS_A_TOKEN: Final = 0.6
LEAST_WORDS: Final = 40
MOST_WORDS: Final = 600
NO_BUDGET: Final = 4096
"""The tokens of a part where no budget is known."""

_WISH: Final = (
    "Sum up this part of a conversation in at most {words} words, for somebody who has to go on "
    "with it. Keep names, facts, numbers, decisions, preferences and open questions. Write the "
    "summary alone."
)


@dataclass(frozen=True, slots=True)
class Fold:
    """What a summary is to stand for: these `turns`, and what the one `before` it stands for.

    `until` is the last message that either is about.
    """

    turns: tuple[Turn, ...]
    until: Node
    before: Summary | None

    @property
    def covers(self) -> tuple[str, ...]:
        return tuple(
            entry.node.id for turn in self.turns for entry in turn.entries if not entry.muted
        )

    def summary(self, text: str, model: str, usage: Usage | None) -> Summary:
        replaced = self.before.id if self.before else None
        return Summary(new_id(), self.until, text, now(), model, self.covers, replaced, usage)


def due(plan: Plan, *, full_at: float = FULL_AT, down_to: float = DOWN_TO) -> Fold | None:
    """Return what is to be folded so that the request takes `down_to` of the budget.

    None where it takes less than `full_at`, or where nothing can be folded.
    """
    turns, budget = plan.course.turns, plan.limits.budget
    if budget is None:
        return None
    total = plan.tokens + sum(turns[index].tokens for index in plan.reasons)
    if total <= full_at * budget:
        return None
    excess, chosen = total - down_to * budget, []
    for index in _foldable(plan):
        if excess <= 0:
            break
        chosen.append(index)
        excess -= turns[index].tokens
    return _fold(plan, chosen)


def everything(plan: Plan) -> Fold | None:
    """Return all turns that can be folded, None where there are none."""
    chosen = list(_foldable(plan))
    turns = plan.course.turns
    newest = len(turns) - 1
    if turns and newest not in _folded(plan) and _is_whole(turns[newest]):
        chosen.append(newest)
    return _fold(plan, chosen)


def _is_whole(turn: Turn) -> bool:
    """Tell whether a turn has been answered, and may be folded."""
    answered = turn.entries[-1].node.role == "assistant"
    return answered and bool(turn.tokens) and not turn.pinned


def _folded(plan: Plan) -> Set[int]:
    return plan.course.folded if plan.summary else frozenset[int]()


def _foldable(plan: Plan) -> Iterator[int]:
    """Yield the indices of the turns before the newest that a summary can stand for."""
    for index, turn in enumerate(plan.course.turns[:-1]):
        if not turn.pinned and turn.tokens and index not in _folded(plan):
            yield index


def _fold(plan: Plan, chosen: Sequence[int]) -> Fold | None:
    if not chosen:
        return None
    turns = tuple(plan.course.turns[index] for index in chosen)
    ends = [turns[-1].entries[-1].node, *([plan.summary.until] if plan.summary else [])]
    return Fold(turns, max(ends, key=lambda node: node.depth), plan.summary)


def words(budget: int | None) -> int:
    """Return how many words a summary may have."""
    tokens = (budget or NO_BUDGET) * SHARE_OF_SUMMARY
    return int(min(max(tokens * WORDS_A_TOKEN, LEAST_WORDS), MOST_WORDS))


def too_long(text: str, budget: int | None, price: Price) -> bool:
    """Tell whether a summary takes so much of the budget that it is of no use."""
    most = 2 * SHARE_OF_SUMMARY * (budget or NO_BUDGET)
    return price(Message("system", text)) > max(most, 2 * LEAST_WORDS)


def parts(fold: Fold, budget: int | None, price: Price) -> list[str]:
    """Return what is to be summed up as texts that each fit into a request.

    A message that is too long for one is cut into several.
    """
    room = int((budget or NO_BUDGET) * (1 - 2 * SHARE_OF_SUMMARY)) - price(Message("user", _WISH))
    pieces = [
        piece
        for turn in fold.turns
        for entry in turn.entries
        if not entry.muted
        for piece in _pieces(entry.node, max(room, LEAST_WORDS), price)
    ]
    return list(_packed(pieces, max(room, LEAST_WORDS), price))


def request(part: str, before: str, budget: int | None) -> list[Message]:
    """Return the request that asks for a summary of one part and of the summary so far."""
    earlier = f"What was said before it, summed up:\n{before}\n\n" if before else ""
    wish = _WISH.format(words=words(budget))
    return [Message("user", f"{earlier}The conversation:\n{part}\n\n{wish}")]


def _pieces(node: Node, room: int, price: Price) -> Iterator[str]:
    shown = said_of(node.message.images)
    text = f"{'User' if node.role == 'user' else 'Assistant'}: {node.content}{shown}"
    tokens = price(Message("user", text))
    count = -(-tokens // room)
    size = max(-(-len(text) // count), 1)
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _packed(pieces: Sequence[str], room: int, price: Price) -> Iterator[str]:
    """Join neighbouring pieces as long as they fit."""
    held: list[str] = []
    used = 0
    for piece in pieces:
        tokens = price(Message("user", piece))
        if held and used + tokens > room:
            yield "\n".join(held)
            held, used = [], 0
        held.append(piece)
        used += tokens
    if held:
        yield "\n".join(held)

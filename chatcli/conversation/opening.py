"""The system message as it is sent: the prompt, the live facts, and the summary.

One message, because many endpoints and templates take no second one. The facts give way where there
is no room for them: they take at most a part of the budget, and never the place of what must go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.injecting import MEMORY, Facts, Piece, expanded, pieces
from chatcli.conversation.messages import Message
from chatcli.conversation.turns import Price

SUMMARY: Final = "Summary of what was said earlier in this conversation:\n\n"

SHARE_OF_FACTS: Final = 0.25
"""The part of the budget that live facts may take."""


@dataclass(frozen=True, slots=True)
class Told:
    """A fact, the words that tell it, and what they add to the price in tokens."""

    name: str
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Opening:
    """The system message, None where nothing is in it, and what each part of it costs in tokens.

    `facts` are those that are told, with how many were left out.
    """

    message: Message | None = None
    tokens: int = 0
    system_tokens: int = 0
    summary_tokens: int = 0
    told: tuple[Told, ...] = ()
    facts: Facts | None = None

    @property
    def messages(self) -> list[Message]:
        return [self.message] if self.message else []

    @property
    def facts_tokens(self) -> int:
        return sum(each.tokens for each in self.told)


def composed(prompt: str, facts: Facts | None, summary: str | None, price: Price) -> Opening:
    """Put the system message together: the prompt, each fact, and the summary at its end."""
    text = expanded(prompt, facts) if facts else prompt
    system = tokens = _price(text, price)
    told = []
    for piece in pieces(facts) if facts else ():
        text, before = _joined(text, piece), tokens
        tokens = _price(text, price)
        told.append(Told(piece.name, piece.text, tokens - before))
    known = tokens
    if summary is not None:
        text = _joined(text, Piece("summary", f"{SUMMARY}{summary}"))
        tokens = _price(text, price)
    message = Message("system", text) if text else None
    return Opening(message, tokens, system, tokens - known, tuple(told), facts)


def fitted(
    prompt: str,
    facts: Facts | None,
    summary: str | None,
    price: Price,
    *,
    room: int | None,
    budget: int | None,
) -> Opening:
    """Put the system message together with as many of the facts as have room.

    `room` is what must go leaves of the `budget`. Where even the message without any facts takes
    more, that is what comes back.
    """

    def made(count: int) -> Opening:
        return composed(prompt, facts.without(count) if facts else None, summary, price)

    whole = made(0)
    if facts is None or room is None or budget is None:
        return whole

    def fits(opening: Opening) -> bool:
        return opening.tokens <= room and opening.facts_tokens <= SHARE_OF_FACTS * budget

    if fits(whole):
        return whole
    low, high = 1, facts.droppable
    while low < high:
        middle = (low + high) // 2
        if fits(made(middle)):
            high = middle
        else:
            low = middle + 1
    return made(facts.droppable and high)


def within(facts: Facts, budget: int, price: Price) -> Facts:
    """Keep what was remembered within its own budget in tokens; the oldest of it is left out."""
    if not facts.memory:
        return facts
    count = sum(1 for _ in _affordable(facts.memory, budget, price))
    return facts if count == len(facts.memory) else facts.remembering(count)


def _affordable(memory: Sequence[str], budget: int, price: Price) -> Iterator[str]:
    budget -= price(Message("system", MEMORY))
    for text in reversed(memory):
        budget -= price(Message("system", f"\n- {text}")) - price(Message("system", ""))
        if budget < 0:
            return
        yield text


def _price(text: str, price: Price) -> int:
    return price(Message("system", text)) if text else 0


def _joined(text: str, piece: Piece) -> str:
    return f"{text}\n\n{piece.text}" if text else piece.text

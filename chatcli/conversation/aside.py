"""A request beside the conversation: what of it is worth remembering. It leaves no message.

It is asked after a turn, while nothing else is under way, and gives way to the next turn at once:
what was not looked through then is looked through after that one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from chatcli.conversation import noticing
from chatcli.conversation.arriving import Arriving, Asked, Patience
from chatcli.conversation.exchange import Exchange
from chatcli.conversation.messages import now
from chatcli.conversation.noticing import Heard
from chatcli.conversation.ports import Provider
from chatcli.conversation.records import Conversation, Spent
from chatcli.errors import ProviderError, UsageError

PURPOSE: Final = "memory"

ONCE: Final = Patience(attempts=1)
"""Nobody waits for this answer, so nobody has to be told that it is asked for again."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A thing worth remembering, and the turn in which it was said."""

    text: str
    turn: int


class Aside:
    """Asks what is worth remembering, one request at a time. `stop` may come from any thread.

    `spend` is told what each request took, in the thread that makes it.
    """

    def __init__(self, spend: Callable[[Spent], None]) -> None:
        self._spend = spend
        self._passed: set[str] = set()
        self._exchange: Exchange | None = None
        self._guard = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether an answer is on its way."""
        return self._exchange is not None

    def pass_over(self, talk: Conversation) -> None:
        """Look through nothing of what was said so far."""
        self._passed.update(node.id for node in talk.tree.nodes())

    def begin(
        self, talk: Conversation, provider: Provider, known: Sequence[str]
    ) -> Iterator[Noticed] | None:
        """Get ready to ask about what was said since the last time, and return what will come.

        None where there is nothing to ask about. Nothing is asked before that is iterated; `stop`
        ends it, even before. `known` is what is remembered already.
        """
        silent = {name for name, marked in talk.marks.items() if marked.mark == "muted"}
        said = noticing.heard(talk.tree, frozenset(self._passed | silent | talk.merges.keys()))
        if said is None or self.busy:
            return None
        self._exchange = exchange = Exchange(ONCE)
        return self._ask(said, exchange, provider, tuple(known))

    def stop(self) -> None:
        """Give way. What was asked about is asked about again the next time."""
        with self._guard:
            exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.stop()

    def _ask(
        self, said: Heard, exchange: Exchange, provider: Provider, known: Sequence[str]
    ) -> Iterator[Noticed]:
        asked = Asked(said.nodes[-1], noticing.request(said, known))
        arriving = Arriving(asked, provider.model)
        try:
            for _ in exchange.stream(provider, arriving):
                if arriving.size > noticing.LONGEST_ANSWER:
                    break
        except (ProviderError, UsageError):
            # The same fault meets the next question, and is told there.
            return
        finally:
            self._end(exchange)
            if arriving.usage is not None:
                self._spend(Spent(PURPOSE, arriving.name, arriving.usage, now()))
        arriving.rest()
        if exchange.stopped:
            return
        self._passed.update(node.id for node in said.nodes)
        answer = arriving.node("stop").content
        for text in noticing.worth_keeping(answer, said, known):
            yield Noticed(text, said.turn_of(text))

    def _end(self, exchange: Exchange) -> None:
        with self._guard:
            if self._exchange is exchange:
                self._exchange = None

"""A reply as it comes in, and how patiently it is waited for."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chatcli.conversation.messages import Message, Node, Usage, new_id, now
from chatcli.conversation.ports import Finish
from chatcli.conversation.seam import Seam
from chatcli.conversation.text import LONGEST_TEXT, whole_text
from chatcli.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a failed request is sent in all, and the seconds before it is sent again.

    `longest_wait` is how long a server may want to be waited for. `chance` gives a number from 0
    to 1, so that not everybody who met the same failure comes back at the same moment.
    """

    attempts: int = 4
    first_delay: float = 1.0
    longest_delay: float = 30.0
    longest_wait: float = 120.0
    chance: Callable[[], float] = random.random

    def delay(self, attempt: int, wished: float | None) -> float:
        """Seconds to wait after failure number `attempt`; the server's own wish comes first.

        Of our own delay, half is left to chance; to what a server wants, up to a tenth is added.
        One that wants no wait at all, or names a time that is over, has failed all the same.
        """
        if wished:
            return wished * (1 + self.chance() / 10)
        longest = min(self.first_delay * 2 ** (attempt - 1), self.longest_delay)
        return float(longest * (1 + self.chance()) / 2)

    def allows(self, attempt: int, error: ProviderError) -> bool:
        """Tell whether a request is sent again after failure number `attempt`."""
        if not error.retryable or attempt >= self.attempts:
            return False
        return error.retry_after is None or error.retry_after <= self.longest_wait


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: the reply to `question`, by sending `messages`, which cost `tokens`.

    `before` is the part of the reply that is there already.
    """

    question: Node
    messages: list[Message]
    tokens: int = 0
    before: str = ""


@dataclass(slots=True)
class Arriving:
    """The reply to what was asked, as far as it has come."""

    asked: Asked
    model: str
    id: str = field(default_factory=new_id)
    started: float = field(default_factory=time.monotonic)
    pieces: list[str] = field(default_factory=list)
    size: int = field(init=False)
    first_token: float | None = None
    finish: Finish | None = None
    beginning: Node = field(init=False)
    _seam: Seam = field(init=False)

    def __post_init__(self) -> None:
        self.size = len(self.asked.before)
        self.beginning = self._node(self.asked.before, None)
        self.begin()

    def begin(self) -> None:
        """Get ready for a request that nothing has come of yet, be it the first or another."""
        self._seam = Seam(self.asked.before)

    def take(self, text: str) -> str:
        """Take the next piece from the model, and return what is new of it."""
        if text and self.first_token is None:
            self.first_token = self.seconds()
        return self._kept(self._seam.feed(text))

    def rest(self) -> str:
        """Return what was held back, now that no more comes."""
        return self._kept(self._seam.end())

    def node(self, finish: str) -> Node:
        """Return the reply as far as it has come."""
        # A server may cut a character in two; together the halves are one again.
        return self._node(whole_text(self.asked.before + "".join(self.pieces)), finish)

    @property
    def began(self) -> bool:
        """Whether anything was said."""
        return self.first_token is not None

    @property
    def room(self) -> int:
        """How many characters more the reply may have."""
        return max(LONGEST_TEXT - self.size, 0)

    @property
    def name(self) -> str:
        """The model that answers: its profile, and its name as the endpoint reported it."""
        reported = self.finish.model if self.finish else None
        return f"{self.model.partition(':')[0]}:{reported}" if reported else self.model

    @property
    def usage(self) -> Usage | None:
        return self.finish.usage if self.finish else None

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def _kept(self, text: str) -> str:
        if text:
            self.pieces.append(text)
            self.size += len(text)
        return text

    def _node(self, text: str, finish: str | None) -> Node:
        message = Message("assistant", text)
        return Node(self.id, self.asked.question, message, now(), self.name, self.usage, finish)

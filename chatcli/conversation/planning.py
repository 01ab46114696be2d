"""Planning with what is known at the moment: how tokens are counted, the limits, and the marks."""

from __future__ import annotations

import threading
from collections.abc import Set
from dataclasses import fields, replace
from typing import Any

from chatcli.conversation import tree as trees
from chatcli.conversation.context import Limits, Plan, Terms, plan
from chatcli.conversation.messages import Message, Node
from chatcli.conversation.ports import Counter
from chatcli.conversation.records import Conversation
from chatcli.conversation.turns import Course, Ledger, Marks, extended, standing


class Planner:
    """Plans requests. `counter`, `limits` and `examples` may be others from one to the next.

    `examples` show the model how to answer; they go with every request and are no part of the
    history. `defaults` are the limits as long as nobody has set others; `most` is what the endpoint
    has said that it reads, in prompt tokens, which no setting exceeds.
    """

    def __init__(self, counter: Counter, limits: Limits) -> None:
        self.counter = counter
        self.defaults = limits
        self.examples: tuple[Message, ...] = ()
        self.most: int | None = None
        self._chosen: dict[str, Any] = {}
        self._guard = threading.Lock()
        self._ledger: Ledger | None = None
        self._basis: tuple[object, ...] = ()
        self._version: object = None

    @property
    def limits(self) -> Limits:
        wanted = replace(self.defaults, **self._chosen)
        known = [each for each in (wanted.budget, self.most) if each is not None]
        return replace(wanted, budget=min(known, default=None))

    @limits.setter
    def limits(self, wanted: Limits) -> None:
        """Set limits for good: what differs from now stays, whatever the defaults become."""
        now = self.limits
        for each in fields(Limits):
            if getattr(wanted, each.name) != getattr(now, each.name):
                self._chosen[each.name] = getattr(wanted, each.name)
        if wanted.budget != now.budget:
            # Somebody knows better than what the endpoint said; if not, it says it again.
            self.most = None

    def choose_as(self, other: Planner) -> None:
        """Take over what was chosen for another conversation."""
        self._chosen = dict(other._chosen)

    def plan(self, talk: Conversation, head: Node | None, pinned: Set[str] = frozenset()) -> Plan:
        """Plan the request whose question is `head`; the messages `pinned` go whatever happens."""
        with self._guard:
            if pinned:
                course = Ledger(self.counter.price, marks(talk, pinned)).at(head)
            else:
                course = self._current(talk).at(head)
        return self._planned(course)

    def forecast(self, talk: Conversation, draft: str) -> Plan:
        """Plan the next request with a question that may still change; may be asked any time."""
        node = trees.say(talk.tree, Message("user", draft))
        with self._guard:
            course = self._current(talk).at(talk.tree.head)
        counter = self.counter
        return self._planned(
            extended(
                course, [node], lambda message: counter.count_draft(message.content), marks(talk)
            )
        )

    def _planned(self, course: Course) -> Plan:
        counter = self.counter
        terms = Terms(counter.price, self.limits, counter.overhead_of, self.examples)
        return plan(course, terms)

    def _current(self, talk: Conversation) -> Ledger:
        """Return the ledger, a new one where messages have another price or other marks now."""
        basis = (self.counter, talk.marks, talk.summaries)
        same = all(one is other for one, other in zip(basis, self._basis, strict=False))
        if self._ledger is None or not same or self._version != self.counter.version:
            self._ledger = Ledger(self.counter.price, marks(talk))
            self._basis, self._version = basis, self.counter.version
        return self._ledger


def marks(talk: Conversation, pinned: Set[str] = frozenset()) -> Marks:
    """Return how the messages of a conversation are marked."""
    held = {name for name, marked in talk.marks.items() if marked.mark == "pinned"}
    muted = {name for name, marked in talk.marks.items() if marked.mark == "muted"}
    return Marks(held | pinned, muted, standing(talk.summaries.values()))

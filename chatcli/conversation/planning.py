"""Planning with what is known at the moment: how tokens are counted, the limits, and the marks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, fields, replace
from typing import Any

from chatcli.conversation import tree as trees
from chatcli.conversation.context import Limits, Plan, Terms, plan
from chatcli.conversation.images import Image
from chatcli.conversation.injecting import Surroundings
from chatcli.conversation.messages import Message, Node
from chatcli.conversation.ports import Counter
from chatcli.conversation.records import Conversation
from chatcli.conversation.turns import Course, Ledger, Marks, extended, standing


@dataclass(frozen=True, slots=True)
class Examples:
    """Messages that show how to answer as one `prompt` says; under another they mean nothing."""

    prompt: str = ""
    messages: tuple[Message, ...] = ()

    def under(self, course: Course) -> tuple[Message, ...]:
        """Return what goes along where the system prompts are those of a course."""
        in_force = course.system[-1].node.content if course.system else ""
        return self.messages if in_force == self.prompt else ()


class Planner:
    """Plans requests. `counter`, `limits` and `examples` may be others from one to the next.

    `examples` show the model how to answer; they go with every request under their prompt and are
    no part of the history. `defaults` are the limits as long as nobody has set others; `most` is
    what the endpoint has said that it reads, in prompt tokens, which no setting exceeds.
    `surroundings` tells what is known of the moment and may stand in the system prompt; None, and
    that goes as it is.
    `takes_images` is False for a model that would refuse images, so that they are left out.
    """

    def __init__(self, counter: Counter, limits: Limits) -> None:
        self.counter = counter
        self.defaults = limits
        self.examples = Examples()
        self.most: int | None = None
        self.takes_images = True
        self.surroundings: Callable[[], Surroundings] | None = None
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

    def beside(self, counter: Counter, limits: Limits) -> Planner:
        """Return a planner that does as this one, for another model with other default limits."""
        other = Planner(counter, limits)
        other.examples, other.surroundings = self.examples, self.surroundings
        other.choose_as(self)
        return other

    def plan(self, talk: Conversation, head: Node | None, pinned: Set[str] = frozenset()) -> Plan:
        """Plan the request whose question is `head`; the messages `pinned` go whatever happens."""
        with self._guard:
            if pinned:
                course = Ledger(self._price, marks(talk, pinned)).at(head)
            else:
                course = self._current(talk).at(head)
        return self._planned(course)

    def forecast(
        self,
        talk: Conversation,
        draft: str,
        blocks: Sequence[str] = (),
        images: Sequence[Image] = (),
    ) -> Plan:
        """Plan the next request with a question that may still change; may be asked any time.

        `blocks` are the texts of files that go along below the draft, `images` those files that
        are none.
        """
        node = trees.say(talk.tree, Message("user", draft, tuple(images)))
        with self._guard:
            course = self._current(talk).at(talk.tree.head)
        counter = self.counter
        price = counter.count_draft(draft, blocks) + sum(map(counter.price_image, images))
        return self._planned(extended(course, [node], lambda _message: price, marks(talk)))

    def _planned(self, course: Course) -> Plan:
        counter = self.counter
        around = self.surroundings() if self.surroundings else None
        shown = self.examples.under(course)
        terms = Terms(counter.price, self.limits, counter.overhead_of, shown, around)
        return replace(plan(course, terms), takes_images=self.takes_images)

    def _price(self, message: Message) -> int:
        return self.counter.price(message if self.takes_images else message.without_images())

    def _current(self, talk: Conversation) -> Ledger:
        """Return the ledger, a new one where messages have another price or other marks now."""
        basis = (self.counter, talk.marks, talk.summaries, self.takes_images)
        same = all(one is other for one, other in zip(basis, self._basis, strict=False))
        if self._ledger is None or not same or self._version != self.counter.version:
            self._ledger = Ledger(self._price, marks(talk))
            self._basis, self._version = basis, self.counter.version
        return self._ledger


def marks(talk: Conversation, pinned: Set[str] = frozenset()) -> Marks:
    """Return how the messages of a conversation are marked."""
    held = {name for name, marked in talk.marks.items() if marked.mark == "pinned"}
    muted = {name for name, marked in talk.marks.items() if marked.mark == "muted"}
    return Marks(held | pinned, muted, standing(talk.summaries.values()))

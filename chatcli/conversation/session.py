"""The engine: one conversation, asked and answered, kept as it goes.

A `Session` is synchronous and shows nothing: a turn is a generator of events. Every question is
with the journal before the model is asked. `stop` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from chatcli.conversation import folding, wishes
from chatcli.conversation import tree as trees
from chatcli.conversation.arriving import Arriving, Asked, Patience
from chatcli.conversation.context import Limits, Plan, budget_in
from chatcli.conversation.events import Event, Notice, TextDelta, TurnFinished, TurnStarted
from chatcli.conversation.exchange import Exchange
from chatcli.conversation.folding import Fold
from chatcli.conversation.messages import (
    EDITED,
    FAILED,
    INTERRUPTED,
    Message,
    Node,
    Usage,
    new_id,
    now,
)
from chatcli.conversation.planning import Planner
from chatcli.conversation.ports import Counter, Journal, Provider
from chatcli.conversation.records import Conversation, Merged, Moved
from chatcli.conversation.summing import summed_up
from chatcli.conversation.talk import Talk
from chatcli.conversation.text import allowed
from chatcli.conversation.tree import TreeError
from chatcli.conversation.wishes import Wish
from chatcli.errors import BudgetError, ChatcliError, Overflow

SHARE_AFTER_OVERFLOW: Final = 0.75
"""How much of a prompt is sent again that was too long by an unknown number of tokens."""


class Session(Talk):
    """One conversation with its provider, its journal and its limits."""

    def __init__(
        self,
        conversation: Conversation,
        provider: Provider,
        journal: Journal,
        counter: Counter,
        *,
        limits: Limits | None = None,
        patience: Patience | None = None,
        stored: bool = False,
        learned_window: Callable[[int], None] = lambda _tokens: None,
    ) -> None:
        """`stored` says that the journal already holds the conversation.

        `learned_window` is told the context window that an endpoint stated, in tokens.
        """
        super().__init__(conversation, journal, stored=stored)
        self.provider = provider
        self.planner = Planner(counter, limits or Limits())
        self.learned_window = learned_window
        self.last_usage: Usage | None = None
        self._exchange = Exchange(patience or Patience())
        self._answering = False

    # What is sent

    def plan(self, draft: str | None = None) -> Plan:
        """Plan the next request, with `draft` as its newest message where one is given."""
        if draft is not None:
            return self.planner.forecast(self.conversation, draft)
        return self.planner.plan(self.conversation, self.tree.head)

    @property
    def answering(self) -> bool:
        """Whether a reply is on its way."""
        return self._answering

    # Turns

    def ask(self, text: str, *, instead_of: Node | None = None) -> Iterator[Event]:
        """Say `text` and get the reply to it.

        `instead_of` is a message that it takes the place of; that one, and what followed, stays on
        a branch. In the place of a reply, `text` is kept as it is and nothing is asked. Raises
        BudgetError, with nothing kept, when the text can't be sent at all, and ProviderError, with
        all kept that came, when the reply fails.
        """
        allowed(text)
        if instead_of is not None and not trees.holds(self.tree, instead_of):
            raise TreeError("the message that was edited is not in this conversation", "/history")
        if instead_of is not None and instead_of.role == "assistant":
            yield from self._reword(instead_of, text)
            return
        tree, branch = self.tree, None
        if instead_of is not None:
            tree, branch = trees.revise(tree, instead_of, keep="edited")
        question = trees.say(tree, Message("user", text))
        self.planner.plan(self.conversation, question)
        self._keeper.begin()
        if branch is not None:
            yield from self._go_back(tree, branch)
        yield from self._add(question)
        yield from self._answer(Wish(question, question))

    def _reword(self, reply: Node, text: str) -> Iterator[Event]:
        tree, branch = trees.revise(self.tree, reply, keep="edited")
        message = Message("assistant", text)
        own = Node(new_id(), reply.parent, message, now(), reply.model, finish=EDITED)
        if branch is not None:
            yield from self._go_back(tree, branch)
        yield from self._add(own, Moved(self.tree.branch, own))
        yield Notice("the model will see the reply as you have written it")

    def answer(self) -> Iterator[Event]:
        """Ask the newest question again. An earlier reply stays on a branch of its own."""
        yield from self._answer(wishes.again(self.tree, self.conversation.merges))

    def go_on(self) -> Iterator[Event]:
        """Have the model go on with a reply that was cut off, and join the two parts."""
        yield from self._answer(wishes.go_on(self.tree, self.conversation.merges))

    def merge(self, name: str) -> Iterator[Event]:
        """Ask what was said on the branch called `name`, so that its gist is known on this one."""
        wish, source = wishes.summary(self.tree, name)
        request = self.planner.plan(self.conversation, wish.last)
        merged = Merged(wish.question, source)
        yield from self._add(wish.question, merged)
        self.conversation = self.conversation.merged(merged)
        if left_out := request.left_out():
            text = f"{len(left_out)} messages of `{name}` have no room in the request"
            yield Notice(text, "/budget sets another limit", "warning")
        yield from self._answer(wish)

    def summarize(self) -> Iterator[Event]:
        """Have all that was said summed up now, whatever the strategy."""
        fold = folding.everything(self.planner.plan(self.conversation, self.tree.head))
        if fold is None:
            raise TreeError("there is nothing to sum up", "say something first")
        yield from self._fold(fold)

    def ready(self) -> None:
        """Forget an earlier `stop`: what is begun from here on goes on until the next."""
        self._exchange.ready()

    def stop(self) -> None:
        """End the turn that is under way, or about to begin; what has come is kept."""
        self._exchange.stop()

    def _answer(self, wish: Wish) -> Iterator[Event]:
        marked = self.conversation.marks.get(wish.question.id)
        if marked is not None and marked.mark == "muted":
            raise TreeError("the question is muted, so that it is never sent", "/unmute N first")
        # A conversation that was loaded from elsewhere is in no file of its own before this.
        yield from self.save()
        arriving: Arriving | None = None
        self._answering = True
        try:
            yield TurnStarted(wish.question)
            yield from self._fold_if_due(wish)
            arriving = self._arriving(wish)
            try:
                yield from self._stream(arriving, wish)
            except Overflow as overflow:
                if arriving.pieces:
                    raise
                arriving = self._shortened(wish, arriving, overflow)
                yield Notice(*_shorter(overflow, arriving), "warning")
                yield from self._stream(arriving, wish)
        except ChatcliError:
            yield from self._conclude(arriving, wish, FAILED)
            raise
        except BaseException:
            # Whoever reads the events has gone: what came is kept, but there is nobody to tell.
            self._conclude(arriving, wish, INTERRUPTED)
            raise
        yield from self._conclude(arriving, wish, self._exchange.ending(arriving))

    def _fold_if_due(self, wish: Wish) -> Iterator[Event]:
        """Have the oldest turns summed up where the strategy wants that and it is time."""
        if self.planner.limits.strategy == "summarize":
            request = self.planner.plan(self.conversation, wish.last, wish.pinned)
            yield from self._fold(folding.due(request))

    def _fold(self, fold: Fold | None) -> Iterator[Event]:
        if fold is None:
            return
        answering, self._answering = self._answering, True
        try:
            summary = yield from summed_up(fold, self.planner, self._exchange, self.provider)
        finally:
            self._answering = answering
        if summary is not None:
            yield from self.sum_up(summary)
            count = len(fold.covers)
            text = f"{count} message{'s go' if count > 1 else ' goes'} as a summary from here on"
            yield Notice(text, "/summarize shows it, /context what is sent")

    def _shortened(self, wish: Wish, failed: Arriving, overflow: Overflow) -> Arriving:
        """Plan a request again that was too long, with what the server has said of its limit.

        Raises `overflow` where that can't be done.
        """
        planner, sent = self.planner, failed.asked.tokens
        if overflow.prompt_tokens:
            planner.counter.learn(failed.asked.messages, overflow.prompt_tokens)
        if overflow.limit:
            self.learned_window(overflow.limit)
        before, limit = planner.most, overflow.limit
        planner.most = budget_in(limit) if limit else int(sent * SHARE_AFTER_OVERFLOW)
        try:
            shorter = self._arriving(wish)
        except BudgetError:
            planner.most = before if limit is None else planner.most
            raise overflow from None
        if shorter.asked.messages == failed.asked.messages:
            raise overflow
        return shorter

    def _arriving(self, wish: Wish) -> Arriving:
        request = self.planner.plan(self.conversation, wish.last, wish.pinned)
        asked = Asked(wish.question, request.messages, request.tokens, wish.before)
        return Arriving(asked, self.provider.model)

    def _stream(self, arriving: Arriving, wish: Wish) -> Iterator[Event]:
        for event in self._exchange.stream(self.provider, arriving):
            if isinstance(event, TextDelta):
                yield from self._make_room(wish)
                self._keeper.partial(arriving.beginning, event.text)
            yield event

    def _make_room(self, wish: Wish) -> Iterator[Event]:
        """Go back to the question if there is an earlier reply, now that another one comes."""
        if self.tree.head is not wish.question:
            tree, branch = trees.rewind(self.tree, wish.question, keep=wish.keep)
            yield from self.become(tree)
            yield Notice(f"the reply as it was is kept on `{branch}`", f"/switch {branch}")

    def _conclude(self, arriving: Arriving | None, wish: Wish, finish: str) -> list[Event]:
        """Keep what came, and return how the turn ended: it is kept, whoever reads that or not."""
        self._answering = False
        if arriving is None:
            return [TurnFinished(None, finish)]
        events: list[Event] = []
        held_back = arriving.rest()
        if held_back:
            events += self._make_room(wish)
        self.last_usage = arriving.usage or self.last_usage
        reply = arriving.node(finish) if arriving.pieces else None
        if reply is not None:
            events += self._add(reply, Moved(self.tree.branch, reply))
        self._keeper.settle()
        if held_back:
            events.append(TextDelta(held_back))
        times = (arriving.seconds(), arriving.first_token)
        events.append(TurnFinished(reply, finish, arriving.usage, *times))
        if arriving.usage is not None:
            events += self._learn(arriving, arriving.usage)
        return events

    def _learn(self, arriving: Arriving, usage: Usage) -> Iterator[Event]:
        cut = self.planner.counter.learn(arriving.asked.messages, usage.prompt_tokens)
        if cut:
            sent, read = arriving.asked.tokens, usage.prompt_tokens
            yield Notice(
                f"the server read {read:,} of about {sent:,} tokens: it cuts long prompts silently",
                f"/budget {read:,} keeps to what it reads",
                "warning",
            )


def _shorter(overflow: Overflow, arriving: Arriving) -> tuple[str, str]:
    """Say that a request was too long, and that a shorter one is on its way."""
    limit = f"at most {overflow.limit:,}" if overflow.limit else "fewer"
    text = f"the model reads {limit} tokens: the oldest turns are left out"
    return text, f"sending it once more, with about {arriving.asked.tokens:,}"

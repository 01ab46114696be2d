"""The engine: one conversation, asked and answered, kept as it goes.

A `Session` is synchronous and shows nothing: a turn is a generator of events. Every question is
with the journal before the model is asked. `stop` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from chatcli.conversation import folding, wishes
from chatcli.conversation import tree as trees
from chatcli.conversation.arriving import Arriving, Asked, Patience
from chatcli.conversation.context import Limits, Plan, budget_in
from chatcli.conversation.events import Event, Notice, TextDelta, TurnFinished, TurnStarted
from chatcli.conversation.exchange import Exchange
from chatcli.conversation.folding import Fold
from chatcli.conversation.keeping import Keeper
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
from chatcli.conversation.records import (
    Conversation,
    Mark,
    Marked,
    Merged,
    Moved,
    Noted,
    Record,
    Summary,
    moves,
    whole,
)
from chatcli.conversation.summing import summed_up
from chatcli.conversation.tree import Tree, TreeError
from chatcli.conversation.wishes import Wish
from chatcli.errors import ChatcliError, Overflow

SHARE_AFTER_OVERFLOW: Final = 0.75
"""How much of a prompt is sent again that was too long by an unknown number of tokens."""


class Session:
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
        self.conversation = conversation
        self.provider = provider
        self.planner = Planner(counter, limits or Limits())
        self.learned_window = learned_window
        self.last_usage: Usage | None = None
        self._keeper = Keeper(journal, () if stored else whole(conversation), began=stored)
        self._exchange = Exchange(patience or Patience())
        self._answering = False

    # What there is

    @property
    def tree(self) -> Tree:
        return self.conversation.tree

    @property
    def journal(self) -> Journal:
        return self._keeper.journal

    @property
    def trouble(self) -> str:
        """Why something that was said is not saved yet; empty when all is."""
        return self._keeper.trouble

    @property
    def history(self) -> tuple[Node, ...]:
        """What was said on this branch, system prompts apart."""
        return tuple(node for node in self.tree.path if node.role != "system")

    @property
    def turn_count(self) -> int:
        """How many questions were asked on this branch."""
        return sum(node.role == "user" for node in self.tree.path)

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
        # A conversation that was loaded from elsewhere is in no file of its own before this.
        yield from self.save()
        self._answering = True
        yield TurnStarted(wish.question)
        arriving: Arriving | None = None
        try:
            yield from self._fold_if_due(wish)
            arriving = self._arriving(wish)
            try:
                yield from self._stream(arriving, wish)
            except Overflow as overflow:
                if arriving.pieces:
                    raise
                yield self._learn_from(overflow, arriving)
                arriving = self._arriving(wish)
                yield from self._stream(arriving, wish)
        except ChatcliError:
            yield from self._conclude(arriving, wish, FAILED)
            raise
        except BaseException:
            # Whoever reads the events has gone: what came is kept, but there is nobody to tell.
            for _ in self._conclude(arriving, wish, INTERRUPTED):
                pass
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
        summary = yield from summed_up(fold, self.planner, self._exchange, self.provider)
        if summary is not None:
            yield from self.sum_up(summary)
            count = len(fold.covers)
            text = f"{count} message{'s go' if count > 1 else ' goes'} as a summary from here on"
            yield Notice(text, "/summarize shows it, /context what is sent")

    def _learn_from(self, overflow: Overflow, arriving: Arriving) -> Notice:
        """Take note of how much the model can read, which it has just said. Raises `overflow`."""
        sent = arriving.asked.tokens
        limits = self.planner.limits
        if overflow.prompt_tokens:
            self.planner.counter.learn(arriving.asked.messages, overflow.prompt_tokens)
        budget = budget_in(overflow.limit) if overflow.limit else int(sent * SHARE_AFTER_OVERFLOW)
        if limits.strategy == "full" or (limits.budget or budget) < budget:
            raise overflow
        if overflow.limit:
            self.learned_window(overflow.limit)
        self.planner.most = budget
        told = f"{overflow.limit:,}" if overflow.limit else f"less than {sent:,}"
        hint = f"sending it once more, in at most {budget:,}"
        return Notice(f"the model reads {told} tokens", hint, "warning")

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

    def _conclude(self, arriving: Arriving | None, wish: Wish, finish: str) -> Iterator[Event]:
        """Keep what came, and say how the turn ended."""
        self._answering = False
        if arriving is None:
            yield TurnFinished(None, finish)
            return
        if held_back := arriving.rest():
            yield from self._make_room(wish)
            yield TextDelta(held_back)
        self.last_usage = arriving.usage or self.last_usage
        reply = arriving.node(finish) if arriving.pieces else None
        if reply is not None:
            yield from self._add(reply, Moved(self.tree.branch, reply))
        self._keeper.settle()
        yield TurnFinished(reply, finish, arriving.usage, arriving.seconds(), arriving.first_token)
        if arriving.usage is not None:
            yield from self._learn(arriving, arriving.usage)

    def _learn(self, arriving: Arriving, usage: Usage) -> Iterator[Event]:
        cut = self.planner.counter.learn(arriving.asked.messages, usage.prompt_tokens)
        if cut:
            sent, read = arriving.asked.tokens, usage.prompt_tokens
            yield Notice(
                f"the server read {read:,} of about {sent:,} tokens: it cuts long prompts silently",
                f"/budget {read:,} keeps to what it reads",
                "warning",
            )

    # Moving about, and keeping it

    def become(self, tree: Tree) -> Iterator[Event]:
        """Take on `tree`, which the functions of `tree.py` made of the present one."""
        before = self.tree
        known = {id(node) for node in before.nodes()}
        fresh = [node for node in tree.nodes() if id(node) not in known]
        self.conversation = replace(self.conversation, tree=tree)
        yield from self._keeper.keep(*fresh, *moves(before, tree))

    def mark(self, node: Node, mark: Mark | None) -> Iterator[Event]:
        """Pin a message, mute it, or neither any more."""
        marked = Marked(node, mark)
        self.conversation = self.conversation.marked(marked)
        yield from self._keeper.keep(marked)

    def sum_up(self, summary: Summary) -> Iterator[Event]:
        """Send a summary from here on in the place of what it stands for."""
        self.conversation = self.conversation.summarized(summary)
        yield from self._keeper.keep(summary)

    def note(self, note: Noted) -> Iterator[Event]:
        """Give the conversation a title, or note that its persona or model is another now."""
        self.conversation = self.conversation.noted(note)
        yield from self._keeper.keep(note)

    def save(self) -> Iterator[Event]:
        """Keep what is not kept yet."""
        self._keeper.begin()
        yield from self._keeper.keep()

    def save_elsewhere(self, journal: Journal) -> Iterator[Event]:
        """Keep all of the conversation in another journal, now and from now on."""
        yield from self._keeper.move(journal, whole(self.conversation))

    def _go_back(self, tree: Tree, branch: str) -> Iterator[Event]:
        yield from self.become(tree)
        yield Notice(f"what was here is kept on `{branch}`", f"/switch {branch}")

    def _add(self, node: Node, *more: Record) -> Iterator[Event]:
        self.conversation = replace(self.conversation, tree=trees.add(self.tree, node))
        yield from self._keeper.keep(node, *more)

"""The engine: one conversation, asked and answered, kept as it goes.

A `Session` is synchronous and shows nothing: a turn is a generator of events. Every question is
with the journal before the model is asked. `stop` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from chatcli.conversation import tree as trees
from chatcli.conversation import wishes
from chatcli.conversation.arriving import Arriving, Asked, Patience
from chatcli.conversation.context import Limits, Plan, plan
from chatcli.conversation.events import Event, Notice, TextDelta, TurnFinished, TurnStarted
from chatcli.conversation.exchange import Exchange
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
from chatcli.conversation.ports import Counter, Journal, Provider
from chatcli.conversation.records import Conversation, Merged, Moved, Noted, Record, moves, whole
from chatcli.conversation.tree import Tree
from chatcli.conversation.wishes import Wish
from chatcli.errors import ProviderError


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
    ) -> None:
        """`stored` says that the journal already holds the conversation.

        `examples`, none at first, show the model how to answer; they go with every request and
        are no part of the history.
        """
        self.conversation = conversation
        self.provider = provider
        self.counter = counter
        self.limits = limits or Limits()
        self.examples: tuple[Message, ...] = ()
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
        path = self.tree.path
        if draft is not None:
            path = (*path, trees.say(self.tree, Message("user", draft)))
        return self._plan(path)

    def _plan(self, path: Sequence[Node], pinned: Set[str] = frozenset()) -> Plan:
        return plan(
            path,
            self.counter.price,
            budget=self.limits.budget,
            strategy=self.limits.strategy,
            pairs=self.limits.window,
            overhead=self.counter.overhead,
            examples=self.examples,
            pinned=pinned,
        )

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
        messages = self._plan((*tree.path, question)).messages
        self._keeper.begin()
        if branch is not None:
            yield from self._go_back(tree, branch)
        yield from self._add(question)
        yield from self._answer(Asked(question, messages))

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
        yield from self._grant(wishes.again(self.tree, self.conversation.merges))

    def go_on(self) -> Iterator[Event]:
        """Have the model go on with a reply that was cut off, and join the two parts."""
        yield from self._grant(wishes.go_on(self.tree, self.conversation.merges))

    def merge(self, name: str) -> Iterator[Event]:
        """Ask what was said on the branch called `name`, so that its gist is known on this one."""
        wish, source = wishes.summary(self.tree, name)
        request = self._plan(wish.path)
        merged = Merged(wish.question, source)
        yield from self._add(wish.question, merged)
        self.conversation = self.conversation.merged(merged)
        if left_out := request.left_out():
            text = f"{len(left_out)} messages of `{name}` have no room in the request"
            yield Notice(text, "/budget sets another limit", "warning")
        yield from self._answer(Asked(wish.question, request.messages))

    def ready(self) -> None:
        """Forget an earlier `stop`: what is begun from here on goes on until the next."""
        self._exchange.ready()

    def stop(self) -> None:
        """End the turn that is under way, or about to begin; what has come is kept."""
        self._exchange.stop()

    def _grant(self, wish: Wish) -> Iterator[Event]:
        request = self._plan(wish.path, wish.pinned)
        yield from self._answer(Asked(wish.question, request.messages, wish.before, wish.keep))

    def _answer(self, asked: Asked) -> Iterator[Event]:
        # A conversation that was loaded from elsewhere is in no file of its own before this.
        yield from self.save()
        arriving = Arriving(asked, self.provider.model)
        self._answering = True
        yield TurnStarted(asked.question)
        try:
            for event in self._exchange.stream(self.provider, arriving):
                if isinstance(event, TextDelta):
                    yield from self._make_room(asked)
                    self._keeper.partial(arriving.beginning, event.text)
                yield event
        except ProviderError:
            yield from self._conclude(arriving, FAILED)
            raise
        except BaseException:
            # Whoever reads the events has gone: what came is kept, but there is nobody to tell.
            for _ in self._conclude(arriving, INTERRUPTED):
                pass
            raise
        else:
            yield from self._conclude(arriving, self._exchange.ending(arriving))

    def _make_room(self, asked: Asked) -> Iterator[Event]:
        """Go back to the question if there is an earlier reply, now that another one comes."""
        if self.tree.head is not asked.question:
            tree, branch = trees.rewind(self.tree, asked.question, keep=asked.keep)
            yield from self.become(tree)
            yield Notice(f"the reply as it was is kept on `{branch}`", f"/switch {branch}")

    def _conclude(self, arriving: Arriving, finish: str) -> Iterator[Event]:
        """Keep what came, and say how the turn ended."""
        self._answering = False
        if held_back := arriving.rest():
            yield from self._make_room(arriving.asked)
            yield TextDelta(held_back)
        self.last_usage = arriving.usage or self.last_usage
        reply = arriving.node(finish) if arriving.pieces else None
        if reply is not None:
            yield from self._add(reply, Moved(self.tree.branch, reply))
        self._keeper.settle()
        if arriving.usage is not None:
            self.counter.learn(arriving.asked.messages, arriving.usage.prompt_tokens)
        yield TurnFinished(reply, finish, arriving.usage, arriving.seconds(), arriving.first_token)

    # Moving about, and keeping it

    def become(self, tree: Tree) -> Iterator[Event]:
        """Take on `tree`, which the functions of `tree.py` made of the present one."""
        before = self.tree
        known = {id(node) for node in before.nodes()}
        fresh = [node for node in tree.nodes() if id(node) not in known]
        self.conversation = replace(self.conversation, tree=tree)
        yield from self._keeper.keep(*fresh, *moves(before, tree))

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
        self._keeper.move(journal, whole(self.conversation))
        yield from self._keeper.keep()

    def _go_back(self, tree: Tree, branch: str) -> Iterator[Event]:
        yield from self.become(tree)
        yield Notice(f"what was here is kept on `{branch}`", f"/switch {branch}")

    def _add(self, node: Node, *more: Record) -> Iterator[Event]:
        self.conversation = replace(self.conversation, tree=trees.add(self.tree, node))
        yield from self._keeper.keep(node, *more)

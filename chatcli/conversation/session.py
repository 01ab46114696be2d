"""The engine: one conversation, asked and answered, kept as it goes.

A `Session` is synchronous and shows nothing: a turn is a generator of events. Every question is
with the journal before the model is asked. `stop` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from chatcli.conversation import endings, folding, wishes
from chatcli.conversation import tree as trees
from chatcli.conversation.arriving import Patience
from chatcli.conversation.aside import Aside
from chatcli.conversation.asking import Asking, Respondent, Spare, refuse_unseen
from chatcli.conversation.context import Limits, Plan
from chatcli.conversation.events import Event, Notice, TextDelta, TurnFinished, TurnStarted
from chatcli.conversation.exchange import Exchange, Pause
from chatcli.conversation.folding import Fold
from chatcli.conversation.images import Image, in_one_message
from chatcli.conversation.messages import FAILED, INTERRUPTED, Message, Node, Usage
from chatcli.conversation.planning import Planner
from chatcli.conversation.ports import Counter, Journal, Provider, takes_images
from chatcli.conversation.records import Conversation, Merged, Moved
from chatcli.conversation.summing import summed_up
from chatcli.conversation.talk import Talk
from chatcli.conversation.text import allowed
from chatcli.conversation.tree import TreeError
from chatcli.conversation.wishes import Wish
from chatcli.errors import ChatcliError

KEPT: Final = "what came is kept: /continue goes on with it, /retry asks again"


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
        spare: Spare | None = None,
    ) -> None:
        """`stored` says that the journal already holds the conversation.

        `learned_window` is told the context window that an endpoint stated, in tokens. `spare`
        answers where the provider fails before it has said anything.
        """
        super().__init__(conversation, journal, stored=stored)
        self.provider = provider
        self.planner = Planner(counter, limits or Limits())
        self.planner.takes_images = takes_images(provider)
        self.learned_window = learned_window
        self.spare = spare
        self.last_usage: Usage | None = None
        self.aside = Aside(self.spend)
        self._exchange = Exchange(patience or Patience())
        self._answering = False

    # What is sent

    def plan(
        self,
        draft: str | None = None,
        blocks: Sequence[str] = (),
        images: Sequence[Image] = (),
    ) -> Plan:
        """Plan the next request, with `draft` as its newest message where one is given.

        `blocks` and `images` are of the files that go along with the draft.
        """
        if draft is not None:
            return self.planner.forecast(self.conversation, draft, blocks, images)
        return self.planner.plan(self.conversation, self.tree.head)

    @property
    def answering(self) -> bool:
        """Whether a reply is on its way."""
        return self._answering

    @property
    def pause(self) -> Pause | None:
        """What is waited for before a request that failed is sent again, if it is at the moment."""
        return self._exchange.pause

    # Turns

    def ask(
        self, text: str, *, images: Sequence[Image] = (), instead_of: Node | None = None
    ) -> Iterator[Event]:
        """Say `text`, show the `images`, and get the reply.

        `instead_of` is a message that it takes the place of; that one, and what followed, stays on
        a branch. In the place of a reply, `text` is kept as it is and nothing is asked. Raises
        BudgetError or AttachmentError, with nothing kept, when that can't be sent at all, and
        ProviderError, with all kept that came, when the reply fails.
        """
        text = allowed(text)
        seen = in_one_message(text, images, self.journal.room)
        refuse_unseen(self.planner, self.provider, seen, self.spare)
        if instead_of is not None and not trees.holds(self.tree, instead_of):
            raise TreeError("the message that was edited is not in this conversation", "/history")
        if instead_of is not None and instead_of.role == "assistant":
            yield from self._reword(instead_of, text)
            return
        tree, branch = self.tree, None
        if instead_of is not None:
            tree, branch = trees.revise(tree, instead_of, keep="edited")
        question = trees.say(tree, Message("user", text, seen))
        self.planner.plan(self.conversation, question)
        self._keeper.begin()
        if branch is not None:
            yield from self._go_back(tree, branch)
        yield from self._add(question)
        yield from self._answer(Wish(question, question))

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
        self.aside.stop()
        self._exchange.ready()

    def stop(self) -> None:
        """End the turn that is under way, or about to begin; what has come is kept."""
        self.aside.stop()
        self._exchange.stop()

    def _answer(self, wish: Wish) -> Iterator[Event]:
        marked = self.conversation.marks.get(wish.question.id)
        if marked is not None and marked.mark == "muted":
            raise TreeError("the question is muted, so that it is never sent", "/unmute N first")
        # A conversation that was loaded from elsewhere is in no file of its own before this.
        yield from self.save()
        respondent = Respondent(self.provider, self.planner, self.learned_window)
        asking = Asking(self._exchange, wish, respondent)
        self._answering = True
        try:
            yield TurnStarted(wish.question)
            yield from self._fold_if_due(wish)
            yield from self._stream(asking, wish)
        except ChatcliError as error:
            yield from self._conclude(asking, wish, FAILED)
            if asking.arriving is not None and asking.arriving.pieces:
                error.hint = KEPT
            raise
        except BaseException:
            # Whoever reads the events has gone: what came is kept, but there is nobody to tell.
            self._conclude(asking, wish, INTERRUPTED)
            raise
        assert asking.arriving is not None, "what ended without an error was asked for"
        yield from self._conclude(asking, wish, self._exchange.ending(asking.arriving))

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

    def _stream(self, asking: Asking, wish: Wish) -> Iterator[Event]:
        for event in asking.stream(self.conversation, self.spare):
            if isinstance(event, TextDelta):
                yield from self._make_room(wish)
                assert asking.arriving is not None, "text comes of what was asked"
                self._keeper.partial(asking.arriving.beginning, event.text)
            yield event

    def _make_room(self, wish: Wish) -> Iterator[Event]:
        """Go back to the question if there is an earlier reply, now that another one comes."""
        if self.tree.head is not wish.question:
            tree, branch = trees.rewind(self.tree, wish.question, keep=wish.keep)
            yield from self.become(tree)
            yield Notice(f"the reply as it was is kept on `{branch}`", f"/switch {branch}")

    def _conclude(self, asking: Asking, wish: Wish, finish: str) -> list[Event]:
        """Keep what came, and return how the turn ended: it is kept, whoever reads that or not."""
        self._answering = False
        arriving = asking.arriving
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
        if (ending := endings.told(finish)) is not None:
            events.append(ending)
        events += asking.learned()
        return events

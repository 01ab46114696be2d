"""The engine: one conversation, asked and answered, kept as it goes.

A `Session` is synchronous and shows nothing: a turn is a generator of events. Every question is
with the journal before the model is asked. `stop` may be called from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from chatcli.conversation import tree as trees
from chatcli.conversation.context import Plan, plan
from chatcli.conversation.events import (
    Event,
    Notice,
    ReasoningDelta,
    Retrying,
    TextDelta,
    TurnFinished,
    TurnStarted,
)
from chatcli.conversation.messages import FAILED, INTERRUPTED, Message, Node, Usage, new_id, now
from chatcli.conversation.ports import Counter, Finish, Journal, Provider, Reply
from chatcli.conversation.records import Conversation, Moved, Noted, Record, moves, whole
from chatcli.conversation.text import whole_text
from chatcli.conversation.tree import Tree
from chatcli.errors import ProviderError, StorageError

PARTIAL_EVERY: Final = 0.2
"""Seconds between two writes of an unfinished reply."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may hold: tokens, the strategy that keeps to them, the window in pairs."""

    budget: int | None = None
    strategy: str = "truncate"
    window: int = 5


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a failed request is sent in all, and the seconds before it is sent again."""

    attempts: int = 4
    first_delay: float = 1.0
    longest_delay: float = 30.0

    def delay(self, attempt: int, wished: float | None) -> float:
        """Seconds to wait after failure number `attempt`; the server's own wish comes first."""
        if wished is not None:
            return wished
        return float(min(self.first_delay * 2 ** (attempt - 1), self.longest_delay))


@dataclass(slots=True)
class _Arriving:
    """A reply as it comes in."""

    question: Node
    request: list[Message]
    model: str
    id: str = field(default_factory=new_id)
    started: float = field(default_factory=time.monotonic)
    pieces: list[str] = field(default_factory=list)
    first_token: float | None = None
    finish: Finish | None = None
    kept_at: float = 0.0

    def node(self, finish: str) -> Node:
        """Return the reply as far as it has come."""
        return Node(
            self.id,
            self.question,
            # A server may cut a character in two; together the halves are one again.
            Message("assistant", whole_text("".join(self.pieces))),
            now(),
            model=(self.finish and self.finish.model) or self.model,
            usage=self.usage,
            finish=finish,
        )

    @property
    def usage(self) -> Usage | None:
        return self.finish.usage if self.finish else None

    def seconds(self) -> float:
        return time.monotonic() - self.started


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
        self.journal = journal
        self.counter = counter
        self.limits = limits or Limits()
        self.patience = patience or Patience()
        self.examples: tuple[Message, ...] = ()
        self.last_usage: Usage | None = None
        self._unsaved: list[Record] = [] if stored else whole(conversation)
        self._began = stored
        self._homeless = False
        self._stopped = threading.Event()
        self._reply: Reply | None = None
        self._answering = False

    # What there is

    @property
    def tree(self) -> Tree:
        return self.conversation.tree

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
        return plan(
            path,
            self.counter.price,
            budget=self.limits.budget,
            strategy=self.limits.strategy,
            pairs=self.limits.window,
            overhead=self.counter.overhead,
            examples=self.examples,
        )

    @property
    def answering(self) -> bool:
        """Whether a reply is on its way."""
        return self._answering

    # Turns

    def ask(self, text: str) -> Iterator[Event]:
        """Say `text` and get the reply to it.

        Raises BudgetError, with nothing kept, when the text can't be sent at all, and
        ProviderError, with all kept that came, when the reply fails.
        """
        self.plan(text)
        question = trees.say(self.tree, Message("user", text))
        self._began = True
        yield from self._add(question)
        yield from self._answer(question)

    def answer(self, *, keep: str = "retried") -> Iterator[Event]:
        """Ask the newest question again. An earlier reply stays on a branch called after `keep`."""
        question = trees.last_question(self.tree)
        if question is None:
            raise trees.TreeError("there is no question to ask again", "say something first")
        tree, branch = trees.rewind(self.tree, question, keep=keep)
        if branch is not None:
            yield from self.become(tree)
            yield Notice(f"the earlier reply is kept on `{branch}`", f"/switch {branch}")
        yield from self._answer(question)

    def stop(self) -> None:
        """End the turn that is under way; what has come is kept."""
        self._stopped.set()
        if self._reply is not None:
            self._reply.close()

    def _answer(self, question: Node) -> Iterator[Event]:
        self._stopped.clear()
        arriving = _Arriving(question, self.plan().messages, self.provider.model)
        self._answering = True
        yield TurnStarted(question)
        try:
            yield from self._stream(arriving)
        except ProviderError:
            yield from self._conclude(arriving, FAILED)
            raise
        except BaseException:
            # Whoever reads the events has gone: what came is kept, but there is nobody to tell.
            for _ in self._conclude(arriving, INTERRUPTED):
                pass
            raise
        else:
            finish = INTERRUPTED if self._stopped.is_set() else _reason(arriving)
            yield from self._conclude(arriving, finish)

    def _stream(self, arriving: _Arriving) -> Iterator[Event]:
        """Stream the reply, sending the request again where that may help."""
        for attempt in range(1, self.patience.attempts + 1):
            try:
                yield from self._receive(arriving)
            except ProviderError as error:
                if self._stopped.is_set():
                    return
                last = attempt == self.patience.attempts
                if last or arriving.pieces or not error.retryable:
                    raise
                delay = self.patience.delay(attempt, error.retry_after)
                yield Retrying(error.message, delay, attempt, self.patience.attempts)
                if self._stopped.wait(delay):
                    return
            else:
                return

    def _receive(self, arriving: _Arriving) -> Iterator[Event]:
        self._reply = reply = self.provider.stream(arriving.request)
        if self._stopped.is_set():
            return
        try:
            for delta in reply:
                match delta:
                    case TextDelta(text):
                        if arriving.first_token is None:
                            arriving.first_token = arriving.seconds()
                        arriving.pieces.append(text)
                        self._keep_partial(arriving)
                        yield delta
                    case ReasoningDelta():
                        yield delta
                    case Finish():
                        arriving.finish = delta
        finally:
            self._reply = None
            reply.close()

    def _keep_partial(self, arriving: _Arriving) -> None:
        at = time.monotonic()
        if at - arriving.kept_at >= PARTIAL_EVERY:
            arriving.kept_at = at
            self.journal.partial(arriving.node(INTERRUPTED))

    def _conclude(self, arriving: _Arriving, finish: str) -> Iterator[Event]:
        """Keep what came, and say how the turn ended."""
        self._answering = False
        self.last_usage = arriving.usage or self.last_usage
        reply = arriving.node(finish) if arriving.pieces else None
        if reply is not None:
            yield from self._add(reply, Moved(self.tree.branch, reply))
        self.journal.settle()
        if arriving.usage is not None:
            self.counter.learn(arriving.request, arriving.usage.prompt_tokens)
        yield TurnFinished(reply, finish, arriving.usage, arriving.seconds(), arriving.first_token)

    # Moving about, and keeping it

    def become(self, tree: Tree) -> Iterator[Event]:
        """Take on `tree`, which the functions of `tree.py` made of the present one."""
        before = self.tree
        known = {id(node) for node in before.nodes()}
        fresh = [node for node in tree.nodes() if id(node) not in known]
        self.conversation = replace(self.conversation, tree=tree)
        yield from self._keep(*fresh, *moves(before, tree))

    def note(self, note: Noted) -> Iterator[Event]:
        """Give the conversation a title, or note that its persona or model is another now."""
        self.conversation = self.conversation.noted(note)
        yield from self._keep(note)

    def save(self) -> Iterator[Event]:
        """Keep what is not kept yet."""
        self._began = True
        yield from self._keep()

    def _add(self, node: Node, *more: Record) -> Iterator[Event]:
        self.conversation = replace(self.conversation, tree=trees.add(self.tree, node))
        yield from self._keep(node, *more)

    def _keep(self, *records: Record) -> Iterator[Event]:
        """Hand records to the journal, in order; what it can't take now it gets the next time.

        A conversation in which nothing was said yet leaves no file.
        """
        self._unsaved += records
        if not self._began:
            return
        try:
            self.journal.append(*self._unsaved)
        except StorageError as error:
            if not self._homeless:
                yield Notice(f"not saved: {error.message}", error.hint, "error")
            self._homeless = True
            return
        self._unsaved = []
        if self._homeless:
            self._homeless = False
            yield Notice("saved again: everything said meanwhile is in the file")


def _reason(arriving: _Arriving) -> str:
    return arriving.finish.reason if arriving.finish else "stop"

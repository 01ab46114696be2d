"""Asking for one reply: of the model, with less where that was too much, and of the spare one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.arriving import Arriving, Asked
from chatcli.conversation.context import budget_in
from chatcli.conversation.endings import without_a_word
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.exchange import Exchange
from chatcli.conversation.images import Image, counted
from chatcli.conversation.planning import Planner
from chatcli.conversation.ports import Provider, goes_on_by_itself, takes_images
from chatcli.conversation.records import Conversation
from chatcli.conversation.seam import left_open
from chatcli.conversation.text import first_words
from chatcli.conversation.wishes import Wish
from chatcli.errors import (
    AttachmentError,
    BudgetError,
    ChatcliError,
    NoImages,
    Overflow,
    ProviderError,
    UsageError,
)

SHARE_AFTER_OVERFLOW: Final = 0.75
"""How much of a prompt is sent again that was too long by an unknown number of tokens."""

NO_IMAGES: Final = "--model or /model asks one that does"

NOTHING_TO_LEAVE_OUT: Final = "/edit shortens the question, /model asks one that reads more"
STRATEGY: Final = "/strategy truncate leaves the oldest turns out"

_SHOWN_OF_EACH: Final = 90
"""The most characters of each error where two are told in one line."""


@dataclass(frozen=True, slots=True)
class Spare:
    """A model that answers where the one that was asked can't.

    `ready` is given the planner of that one and returns its own; it is called before each time that
    the model is asked, and may take its time. `learned_window` is told the context window that its
    endpoint states, in tokens.
    """

    provider: Provider
    ready: Callable[[Planner], Planner]
    learned_window: Callable[[int], None] = lambda _tokens: None


@dataclass(frozen=True, slots=True)
class Respondent:
    """A model that is asked, and how requests to it are planned."""

    provider: Provider
    planner: Planner
    learned_window: Callable[[int], None]

    def request(self, talk: Conversation, wish: Wish) -> Arriving:
        """Plan a request, and return the reply that is to come to it.

        Raises BudgetError, or AttachmentError where the question has images for a model that
        takes none.
        """
        refuse_unseen(self.planner, self.provider, wish.question.message.images)
        request = self.planner.plan(talk, wish.last, wish.pinned)
        messages = request.messages
        if wish.before and goes_on_by_itself(self.provider):
            messages = left_open(messages)
        asked = Asked(wish.question, messages, request.tokens, wish.before)
        return Arriving(asked, self.provider.model)

    def shorter(
        self, talk: Conversation, wish: Wish, failed: Arriving, overflow: Overflow
    ) -> Arriving:
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
            shorter = self.request(talk, wish)
        except BudgetError:
            planner.most = before if limit is None else planner.most
            overflow.hint = STRATEGY if planner.limits.strategy == "full" else NOTHING_TO_LEAVE_OUT
            raise overflow from None
        if shorter.asked.messages == failed.asked.messages:
            overflow.hint = NOTHING_TO_LEAVE_OUT
            raise overflow
        return shorter


class Asking:
    """One reply that is asked for.

    `arriving` is the reply as far as it has come, None before anything is asked; `respondent` is
    who was asked last.
    """

    def __init__(self, exchange: Exchange, wish: Wish, respondent: Respondent) -> None:
        self.arriving: Arriving | None = None
        self.respondent = respondent
        self._exchange = exchange
        self._wish = wish

    def stream(self, talk: Conversation, spare: Spare | None) -> Iterator[Event]:
        """Yield what comes, of the spare model where the first fails before it has said anything.

        A model is not its own spare. Raises ProviderError where nobody answers, and where a reply
        breaks off.
        """
        try:
            yield from self._ask(talk)
        except (ProviderError, UsageError) as error:
            first = self.respondent.provider
            if spare is None or spare.provider is first or self._has_begun():
                raise
            yield Notice(
                _named(first, error.message, " can't answer: "),
                f"{spare.provider.model} answers instead",
                "warning",
            )
            yield from self._ask_instead(talk, spare, error)

    def learned(self) -> Iterator[Event]:
        """Take note of the usage that was reported, and say what there is to say of it."""
        arriving = self.arriving
        if arriving is None or arriving.usage is None:
            return
        sent, read = arriving.asked.tokens, arriving.usage.prompt_tokens
        if self.respondent.planner.counter.learn(arriving.asked.messages, read):
            yield Notice(
                f"the server read {read:,} of about {sent:,} tokens: it cuts long prompts silently",
                f"/budget {read:,} keeps to what it reads",
                "warning",
            )

    def _has_begun(self) -> bool:
        return self.arriving is not None and bool(self.arriving.pieces)

    def _ask(self, talk: Conversation) -> Iterator[Event]:
        yield from self._receive(talk)
        arriving = self.arriving
        # What goes on with another reply may have nothing to add.
        if arriving is None or arriving.began or self._wish.before or self._exchange.stopped:
            return
        raise without_a_word(self._exchange.ending(arriving))

    def _receive(self, talk: Conversation) -> Iterator[Event]:
        provider = self.respondent.provider
        self.arriving = self.respondent.request(talk, self._wish)
        try:
            yield from self._exchange.stream(provider, self.arriving)
        except Overflow as overflow:
            if self._has_begun():
                raise
            self.arriving = self.respondent.shorter(talk, self._wish, self.arriving, overflow)
            yield Notice(*_shortened(overflow, self.arriving), "warning")
            yield from self._exchange.stream(provider, self.arriving)
        except NoImages:
            self.respondent.planner.takes_images = False
            if self._has_begun() or self._wish.question.message.images:
                raise
            self.arriving = self.respondent.request(talk, self._wish)
            text = f"{provider.model} takes no images: those of earlier messages are left out"
            yield Notice(text, "/model asks one that does", "warning")
            yield from self._exchange.stream(provider, self.arriving)

    def _ask_instead(
        self, talk: Conversation, spare: Spare, error: ChatcliError
    ) -> Iterator[Event]:
        failed = self.respondent
        try:
            planner = spare.ready(failed.planner)
            planner.takes_images = takes_images(spare.provider)
            self.respondent = Respondent(spare.provider, planner, spare.learned_window)
            yield from self._left_out(talk, failed)
            yield from self._ask(talk)
        except (ProviderError, UsageError, BudgetError) as second:
            if self._has_begun():
                raise
            raise ProviderError(
                f"{_briefly(failed.provider, error)}, and {_briefly(spare.provider, second)}",
                "/retry asks both again",
            ) from second

    def _left_out(self, talk: Conversation, failed: Respondent) -> Iterator[Notice]:
        """Say what the model that is asked now is not sent of what the first one was.

        Raises BudgetError where it can't be sent even the question.
        """
        wish, model = self._wish, self.respondent.provider.model
        now = self.respondent.planner.plan(talk, wish.last, wish.pinned)
        fewer, unseen = len(now.left_out()), now.unseen
        # A question that is too long for the first one may be why it failed.
        with suppress(BudgetError):
            first = failed.planner.plan(talk, wish.last, wish.pinned)
            fewer, unseen = fewer - len(first.left_out()), unseen - first.unseen
        if fewer > 0:
            told = f"{fewer} more message{' is' if fewer == 1 else 's are'} left out"
            yield Notice(f"{model} reads less: {told}", level="warning")
        if unseen > 0:
            told = f"{counted(unseen)} of earlier messages left out"
            yield Notice(f"{model} takes no images: {told}", level="warning")


def refuse_unseen(
    planner: Planner, provider: Provider, images: Sequence[Image], spare: Spare | None = None
) -> None:
    """Raise AttachmentError where a question has images and the model is known to take none.

    Nor does the spare one, if there is one that may be asked.
    """
    if not images or planner.takes_images:
        return
    if spare is None or spare.provider is provider or not takes_images(spare.provider):
        raise AttachmentError(f"{provider.model} takes no images", NO_IMAGES)


def _briefly(provider: Provider, error: ChatcliError) -> str:
    return _named(provider, first_words(error.message, _SHOWN_OF_EACH), ": ")


def _named(provider: Provider, what: str, between: str) -> str:
    """Return what a model has met, with its name before it unless it stands there already."""
    return what if what.startswith(provider.model) else f"{provider.model}{between}{what}"


def _shortened(overflow: Overflow, arriving: Arriving) -> tuple[str, str]:
    """Say that a request was too long, and that a shorter one is on its way."""
    limit = f"at most {overflow.limit:,}" if overflow.limit else "fewer"
    text = f"the model reads {limit} tokens: the oldest turns are left out"
    return text, f"sending it once more, with about {arriving.asked.tokens:,}"

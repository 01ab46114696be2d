"""chatcli for scripts and notebooks: the engine of the command line as one class.

from chatcli import Session

session = Session(system_prompt="You are a helpful assistant.")
session.send("My name is Alice.")
print(session.send("What is my name?"))
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from chatcli.conversation import tree as trees
from chatcli.conversation.context import Limits
from chatcli.conversation.events import Event, TextDelta
from chatcli.conversation.ports import Forgetful, Journal, Provider
from chatcli.conversation.records import Conversation
from chatcli.conversation.session import Session as Engine
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import BadSession, StorageError
from chatcli.parts import begin, examples_of, limits_for, load_encoder, model_for, persona_store
from chatcli.providers.models import Model, Models
from chatcli.settings import Settings, load
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.library import Library
from chatcli.storage.opening import open_stored


class Session:
    """A conversation with a language model, kept in memory until it is saved.

    Without `base_url` and `api_key`, or a `provider` of your own, the model is the one that the
    command line would ask: the same environment, `.env` and config.toml count. `max_tokens` is the
    budget of the history, in prompt tokens per request; what does not fit is left out by
    `strategy` (truncate, window, summarize or full) and stays in `history`. `window` is in pairs
    of messages.

    Not for use by several threads at once; sessions of different threads don't meet.
    """

    def __init__(
        self,
        system_prompt: str | None = None,
        *,
        model: str | None = None,
        max_tokens: int | None = None,
        strategy: str | None = None,
        window: int | None = None,
        persona: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        provider: Provider | None = None,
    ) -> None:
        """Raises UsageError where a name or a setting is wrong; nothing is asked yet."""
        settings = _settings(base_url, api_key, max_tokens, strategy, window)
        who = persona_store(settings).get(persona) if persona else None
        self._models = Models(settings)
        self._own = own = None if provider else model_for(self._models, settings, who, model)
        answering = _either(provider, own)
        talk = begin(answering, who, system_prompt)
        self._limits = partial(limits_for, settings, who)
        self._start(talk, answering, Forgetful(), self._limits(own))
        self._engine.planner.examples = () if system_prompt else examples_of(who)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        model: str | None = None,
        max_tokens: int | None = None,
        strategy: str | None = None,
        window: int | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        provider: Provider | None = None,
    ) -> Session:
        """Go on with a stored session; it is saved after every message. Raises StorageError.

        The file is this process's until `close`, or until the object is gone. A list of messages of
        another program stays as it is: what is said from here on goes into a session beside it.
        """
        settings = _settings(base_url, api_key, max_tokens, strategy, window)
        journal, talk, stored = _opened(Path(path))
        session = cls.__new__(cls)
        session._models = Models(settings)
        try:
            spec = model or (None if base_url else talk.header.model)
            own = None if provider else model_for(session._models, settings, None, spec)
        except BaseException:
            journal.close()
            raise
        session._own = own
        session._limits = partial(limits_for, settings, None)
        session._start(talk, _either(provider, own), journal, session._limits(own), stored=stored)
        return session

    def _start(
        self,
        talk: Conversation,
        provider: Provider,
        journal: Journal,
        limits: Limits,
        *,
        stored: bool = False,
    ) -> None:
        counter = TokenCounter(provider.model)
        self._engine = Engine(talk, provider, journal, counter, limits=limits, stored=stored)

    def send(self, text: str) -> str:
        """Say `text` and return the reply. Raises ProviderError, or BudgetError if it can't fit."""
        return "".join(event.text for event in self.stream(text) if isinstance(event, TextDelta))

    def stream(self, text: str) -> Iterator[Event]:
        """Say `text` and yield the events of the reply, `TextDelta`s for the most part.

        What has come when the iteration is given up is kept, marked as interrupted. Raises
        StorageError, after the reply, when it could not be saved.
        """
        self._engine.ready()
        self._count_exactly()
        yield from self._engine.ask(text)
        self._raise_if_unsaved()

    @property
    def history(self) -> list[dict[str, str]]:
        """The messages of this branch, the system prompt first, as role/content dicts."""
        return [node.message.as_dict() for node in self._engine.tree.path]

    @property
    def turn_count(self) -> int:
        """How many questions were asked on this branch."""
        return self._engine.turn_count

    @property
    def branches(self) -> list[str]:
        return list(self._engine.tree.heads)

    def count_tokens(self) -> int:
        """Return the prompt tokens of the next request, before its question."""
        self._count_exactly()
        return self._engine.plan().tokens

    def clear(self) -> None:
        """Start again from the system prompt; what was said stays on a branch."""
        if self._engine.history:
            tree, _ = trees.clear(self._engine.tree)
            self._become(tree)

    def branch(self, name: str) -> None:
        """Fork a branch here and go on, on it. Raises UsageError if there is one of that name."""
        self._become(trees.branch(self._engine.tree, name))

    def switch(self, name: str) -> None:
        """Go to another branch. Raises UsageError if there is none of that name."""
        self._become(trees.switch(self._engine.tree, name))

    def save(self, path: str | Path) -> None:
        """Write the conversation to a new file, and from now on every message after it.

        Raises StorageError when the file exists or can't be written.
        """
        target = Path(path)
        if target.exists():
            raise StorageError(
                f"there is a file at {target} already", "Session.open goes on with it"
            )
        journal = FileJournal(at(target))
        for _ in self._engine.save_elsewhere(journal):
            pass

    def close(self) -> None:
        """Let go of the file and of a model that was started for this session."""
        self._engine.journal.close()
        self._models.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        engine = self._engine
        model, branch = engine.provider.model, engine.tree.branch
        return f"<Session {model}, turn {engine.turn_count} on {branch!r}>"

    def _repr_html_(self) -> str:
        """What a notebook shows of the session: its name, and the messages of this branch."""
        from chatcli.notebook import html_of

        return html_of(repr(self).strip("<>"), self._engine.tree.path)

    def _count_exactly(self) -> None:
        if self._own is not None:
            self._own.warm_up()
            self._engine.planner.defaults = self._limits(self._own)
        load_encoder(self._engine, self._own)

    def _become(self, tree: Tree) -> None:
        for _ in self._engine.become(tree):
            pass
        self._raise_if_unsaved()

    def _raise_if_unsaved(self) -> None:
        if trouble := self._engine.trouble:
            raise StorageError(f"not saved: {trouble}", "it is tried again with the next message")


def _settings(
    base_url: str | None,
    api_key: str | None,
    max_tokens: int | None,
    strategy: str | None,
    window: int | None,
) -> Settings:
    return load(
        {
            "base_url": base_url,
            "api_key": api_key,
            "budget": max_tokens,
            "strategy": strategy,
            "window": window,
        }
    )


def _opened(path: Path) -> tuple[Journal, Conversation, bool]:
    """Return a session's journal and conversation, and whether the one holds the other."""
    try:
        journal, talk, _ = FileJournal.open(path)
    except BadSession:
        opened = open_stored(Library(path.parent), path)
        return opened.journal, opened.conversation, opened.stored
    return journal, talk, True


def _either(provider: Provider | None, own: Model | None) -> Provider:
    """Return the caller's provider, or else the one that the settings led to."""
    chosen = provider or own
    assert chosen is not None, "without a provider of the caller's there is a model"
    return chosen

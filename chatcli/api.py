"""chatcli for scripts and notebooks: the engine of the command line as one class.

from chatcli import Session

session = Session(system_prompt="You are a helpful assistant.")
session.send("My name is Alice.")
print(session.send("What is my name?"))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chatcli.conversation import tree as trees
from chatcli.conversation.asking import Spare
from chatcli.conversation.context import Limits
from chatcli.conversation.events import Event, TextDelta
from chatcli.conversation.ports import Forgetful, Journal, Provider
from chatcli.conversation.records import Conversation
from chatcli.conversation.remembering import Reach
from chatcli.conversation.session import Session as Engine
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import BadSession, PersonaError, StorageError
from chatcli.parts import (
    begin,
    examples_of,
    keeping_a_summary,
    limits_for,
    load_encoder,
    model_for,
    persona_store,
    spare_for,
)
from chatcli.personas import Persona
from chatcli.providers.models import Model, Models
from chatcli.recall import Recall, checked_inject, memories_at
from chatcli.settings import Settings, load
from chatcli.storage.attachments import attach, question_with
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.library import Library
from chatcli.storage.opening import open_stored


class Session:
    """A conversation with a language model, kept in memory until it is saved.

    Without `base_url` and `api_key`, or a `provider` of your own, the model is the one that the
    command line would ask: the same environment, `.env` and config.toml count. `max_tokens` is the
    budget of the history, in prompt tokens per request; what does not fit is left out by
    `strategy` (truncate, window, summarize or full) and stays in `history`. `window` is in pairs
    of messages. `fallback` names a model that answers where the first fails before its first word.

    `inject` are live facts that the system prompt is sent with, beside those that the persona
    wants: turn, date, questions, summary. `{turn}`, `{date}`, `{user}` and `{persona}` in a system
    prompt are filled in as it is sent. What `remember` was told is sent too; it lasts as long as
    the session, and no file is touched, unless `memory` is the path of one, or True for the command
    line's own.

    Not for use by several threads at once; sessions of different threads don't meet.
    """

    def __init__(
        self,
        system_prompt: str | None = None,
        *,
        model: str | None = None,
        fallback: str | None = None,
        max_tokens: int | None = None,
        strategy: str | None = None,
        window: int | None = None,
        persona: str | None = None,
        inject: Sequence[str] = (),
        memory: bool | str | Path = False,
        base_url: str | None = None,
        api_key: str | None = None,
        provider: Provider | None = None,
    ) -> None:
        """Raises UsageError where a name or a setting is wrong; nothing is asked yet."""
        settings = load(
            {
                "base_url": base_url,
                "api_key": api_key,
                "fallback": fallback,
                "budget": max_tokens,
                "strategy": strategy or keeping_a_summary(inject),
                "window": window,
            }
        )
        facts = checked_inject(inject)
        who = persona_store(settings).get(persona) if persona else None
        self._models = Models(settings)
        self._own = own = None if provider else model_for(self._models, settings, who, model)
        answering = _either(provider, own)
        talk = begin(answering, who, system_prompt)
        self._limits = partial(limits_for, settings, who)
        self._start(talk, answering, Forgetful(), self._limits(own))
        self._engine.spare = _spare(self._models, settings, who)
        self._engine.planner.examples = () if system_prompt else examples_of(who, settings.user)
        self._recalling(Recall(memories_at(settings, memory), settings, facts), who)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        model: str | None = None,
        fallback: str | None = None,
        max_tokens: int | None = None,
        strategy: str | None = None,
        window: int | None = None,
        inject: Sequence[str] = (),
        memory: bool | str | Path = False,
        base_url: str | None = None,
        api_key: str | None = None,
        provider: Provider | None = None,
    ) -> Session:
        """Go on with a stored session; it is saved after every message. Raises StorageError.

        The file is this process's until `close`, or until the object is gone. A list of messages of
        another program stays as it is: what is said from here on goes into a session beside it.
        """
        settings = load(
            {
                "base_url": base_url,
                "api_key": api_key,
                "fallback": fallback,
                "budget": max_tokens,
                "strategy": strategy or keeping_a_summary(inject),
                "window": window,
            }
        )
        facts = checked_inject(inject)
        journal, talk, stored = _opened(Path(path))
        session = cls.__new__(cls)
        session._models = Models(settings)
        try:
            spec = model or (None if base_url else talk.header.model)
            own = None if provider else model_for(session._models, settings, None, spec)
            spare = _spare(session._models, settings, None)
        except BaseException:
            journal.close()
            raise
        session._own = own
        session._limits = partial(limits_for, settings, None)
        session._start(talk, _either(provider, own), journal, session._limits(own), stored=stored)
        session._engine.spare = spare
        recall = Recall(memories_at(settings, memory), settings, facts)
        session._recalling(recall, _persona_of(talk, settings))
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

    def _recalling(self, recall: Recall, persona: Persona | None) -> None:
        engine = self._engine
        self._recall, self._persona = recall, persona
        engine.planner.surroundings = partial(recall.surroundings, engine, persona)

    def send(self, text: str, files: Iterable[str | Path] = ()) -> str:
        """Say `text`, with `files` that go along, and return the reply.

        Raises ProviderError, BudgetError if it can't fit, or AttachmentError for a file.
        """
        events = self.stream(text, files)
        return "".join(event.text for event in events if isinstance(event, TextDelta))

    def stream(self, text: str, files: Iterable[str | Path] = ()) -> Iterator[Event]:
        """Say `text` and yield the events of the reply, `TextDelta`s for the most part.

        `files` go along with it: texts and PDFs as text below it, images to models that take them.
        What has come when the iteration is given up is kept, marked as interrupted. Raises
        StorageError, after the reply, when it could not be saved.
        """
        question = question_with(text, [attach(path) for path in files])
        self._engine.ready()
        self._count_exactly()
        yield from self._engine.ask(question.text, images=question.images)
        self._raise_if_unsaved()

    @property
    def history(self) -> list[dict[str, Any]]:
        """The messages of this branch, the system prompt first, as role/content dicts.

        A content is a text, or where there are images a list of parts, as the API takes them.
        """
        return [node.message.as_dict() for node in self._engine.tree.path]

    @property
    def turn_count(self) -> int:
        """How many questions were asked on this branch."""
        return self._engine.turn_count

    @property
    def branches(self) -> list[str]:
        return list(self._engine.tree.heads)

    @property
    def questions(self) -> list[str]:
        """What was asked on this branch, the oldest first: question N was asked in turn N."""
        return [node.content for node in self._engine.history if node.role == "user"]

    @property
    def memory(self) -> list[str]:
        """What is remembered, the oldest first; `forget` counts in it, from 1."""
        return [each.text for each in self._recall.shown()]

    def remember(self, text: str, scope: Reach = "everywhere") -> None:
        """Have the model told this with every request from here on.

        `scope` is everywhere, persona or session. Raises UsageError, or StorageError where the
        memory is a file.
        """
        reach = self._recall.scope(scope, self._engine, self._persona)
        self._recall.remember(text, reach, self._engine)

    def forget(self, number: int) -> str:
        """Forget the thing of that number in `memory`, and return it. Raises as `remember` does."""
        self._recall.shown()
        return self._recall.forget(number).text

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


def _opened(path: Path) -> tuple[Journal, Conversation, bool]:
    """Return a session's journal and conversation, and whether the one holds the other."""
    try:
        journal, talk, _ = FileJournal.open(path)
    except BadSession:
        opened = open_stored(Library(path.parent), path)
        return opened.journal, opened.conversation, opened.stored
    return journal, talk, True


def _spare(models: Models, settings: Settings, persona: Persona | None) -> Spare | None:
    found = spare_for(
        models,
        settings,
        persona,
        lambda model: TokenCounter(model.model),
        lambda model, tokens: model.learn_window(tokens),
    )
    return found[1] if found else None


def _persona_of(talk: Conversation, settings: Settings) -> Persona | None:
    """Return the persona of a stored session, None where it is gone; its prompt is stored."""
    name = talk.header.persona
    try:
        return persona_store(settings).get(name) if name else None
    except PersonaError:
        return None


def _either(provider: Provider | None, own: Model | None) -> Provider:
    """Return the caller's provider, or else the one that the settings led to."""
    chosen = provider or own
    assert chosen is not None, "without a provider of the caller's there is a model"
    return chosen

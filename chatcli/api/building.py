"""What a `Session` of the library is made of: the engine, its model, and what it remembers.

The command line puts the same parts together in `app.py`. What is made here starts nothing and
touches no file that its caller has not named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from chatcli.conversation.asking import Spare
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.ports import Forgetful, Journal, Provider
from chatcli.conversation.records import Conversation
from chatcli.conversation.session import Session as Engine
from chatcli.conversation.tokens import TokenCounter
from chatcli.errors import BadSession, PersonaError, UsageError
from chatcli.parameters import PARAMETERS, Parameter
from chatcli.parts import (
    begin,
    examples_of,
    keeping_a_summary,
    limits_for,
    load_encoder,
    model_or_spare,
    persona_store,
    spare_for,
)
from chatcli.personas import Persona
from chatcli.providers.models import Model, Models
from chatcli.recall import Recall, checked_inject, memories_at
from chatcli.settings import Settings, load
from chatcli.storage import files
from chatcli.storage.journal import FileJournal
from chatcli.storage.library import Library
from chatcli.storage.opening import open_stored

_SPELLED: Final = {"budget": "max_tokens"}
"""What the library calls by another name than the settings do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks for; None leaves it to the settings. See `chatcli.api.Session`."""

    model: str | None = None
    fallback: str | None = None
    max_tokens: int | None = None
    strategy: str | None = None
    window: int | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    inject: str | Sequence[str] = ()
    memory: bool | str | Path = False
    base_url: str | None = None
    api_key: str | None = None
    provider: Provider | None = None


class Works:
    """An engine and all that surrounds it.

    `own` is the model that the settings led to, None where the caller has a provider. Once it is
    `closed`, nothing more can be said.
    """

    def __init__(
        self,
        wanted: Wanted,
        settings: Settings,
        persona: Persona | None,
        talk: Conversation | None,
        *,
        prompt: str | None = None,
        journal: Journal | None = None,
        stored: bool = False,
    ) -> None:
        """Go on with a `talk`, or begin one with the persona's prompt or another.

        `stored` says that the journal has all of the talk. Raises ChatcliError.
        """
        self.closed = False
        self.persona = persona
        self.recall = Recall(
            memories_at(settings, wanted.memory), settings, checked_inject(wanted.inject)
        )
        self._settings = settings
        self._told: list[Event] = []
        own = _checked(wanted)
        self._chosen = dict(talk.chosen if talk else {}) | own
        self.models = Models(settings)
        stated = talk.header.model if talk and not wanted.base_url else None
        self.own = None if wanted.provider else self._model(wanted.model or stated)
        answering = wanted.provider or self.own
        assert answering is not None, "without a provider of the caller's there is a model"
        self.engine = Engine(
            talk or replace(begin(answering, persona, prompt), chosen=own),
            answering,
            journal or Forgetful(),
            TokenCounter(answering.model, encoding=self.own.encoding if self.own else None),
            limits=limits_for(settings, persona, self.own),
            stored=stored,
            spare=self._spare(),
        )
        planner = self.engine.planner
        planner.examples = examples_of(persona, settings.user)
        planner.surroundings = partial(self.recall.surroundings, self.engine, persona)

    def count_exactly(self) -> None:
        """Have tokens counted as exactly as they can be."""
        if self.own is not None:
            self.own.warm_up()
            self.engine.planner.defaults = limits_for(self._settings, self.persona, self.own)
        load_encoder(self.engine, self.own)

    def check_open(self) -> None:
        """Raise UsageError where it is closed."""
        if self.closed:
            raise UsageError(
                "the session is closed", "Session.open goes on with one that was saved"
            )

    def close(self) -> None:
        """Let go of the session's file and of what was started."""
        self.closed = True
        self.engine.journal.close()
        self.models.close()

    def told(self) -> Iterator[Event]:
        """Yield, once, that another model answers than the one that was asked for."""
        notices, self._told = self._told, []
        yield from notices

    def _model(self, spec: str | None) -> Model:
        model, why = model_or_spare(self.models, self._settings, self.persona, spec)
        if why is not None:
            self._told = [Notice(why.message, f"{model.model} answers instead", "warning")]
        return self._tuned(model)

    def _tuned(self, model: Model) -> Model:
        model.parameters = model.parameters.updated(self._chosen)
        return model

    def _spare(self) -> Spare | None:
        found = spare_for(
            self.models,
            self._settings,
            self.persona,
            lambda model: TokenCounter(model.model, encoding=model.encoding),
            lambda model, tokens: model.learn_window(tokens),
        )
        if found is None:
            return None
        self._tuned(found[0])
        return found[1]


def begun(wanted: Wanted, prompt: str | None, persona: str | None) -> Works:
    """Return the works of a new conversation.

    The persona of the settings answers where nothing else is said of who does.
    """
    settings = _settings(wanted)
    elsewhere = wanted.base_url or wanted.provider
    name = persona or (None if prompt or elsewhere else settings.persona)
    who = persona_store(settings).get(name) if name else None
    return Works(wanted, settings, who, None, prompt=prompt)


def resumed(wanted: Wanted, path: str | Path) -> Works:
    """Return the works of a stored conversation, with its file held."""
    settings = _settings(wanted)
    journal, talk, stored = _opened(files.place(path))
    try:
        who = _persona_of(talk, settings)
        return Works(wanted, settings, who, talk, journal=journal, stored=stored)
    except BaseException:
        journal.close()
        raise


def _settings(wanted: Wanted) -> Settings:
    flags = {
        "base_url": wanted.base_url,
        "api_key": wanted.api_key,
        "fallback": wanted.fallback,
        "budget": wanted.max_tokens,
        "strategy": wanted.strategy or keeping_a_summary(wanted.inject),
        "window": wanted.window,
    }
    return load(flags, spell=lambda name: f"{_SPELLED.get(name, name)}=")


def _checked(wanted: Wanted) -> dict[str, Parameter]:
    """Return the parameters that are wanted. Raises UsageError."""
    if wanted.parameters and wanted.provider:
        raise UsageError("parameters= are for a model of the settings", "tell them your provider")
    found = {}
    for name, value in wanted.parameters.items():
        if name not in PARAMETERS:
            raise UsageError(f"there is no parameter `{name}`", f"one of {', '.join(PARAMETERS)}")
        try:
            found[name] = PARAMETERS[name].read(value)
        except ValueError:
            told = f"{name} must be {PARAMETERS[name].expected}, not {value!r}"
            raise UsageError(told, "parameters= takes it by its name") from None
    return found


def _opened(path: Path) -> tuple[Journal, Conversation, bool]:
    """Return a session's journal and conversation, and whether the one holds the other."""
    try:
        journal, talk, _ = FileJournal.open(path)
    except BadSession:
        opened = open_stored(Library(path.parent), path)
        return opened.journal, opened.conversation, opened.stored
    return journal, talk, True


def _persona_of(talk: Conversation, settings: Settings) -> Persona | None:
    """Return the persona of a stored session, None where it is gone; its prompt is stored."""
    name = talk.header.persona
    try:
        return persona_store(settings).named(name) if name else None
    except PersonaError:
        return None

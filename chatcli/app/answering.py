"""Who answers: the persona and the model of a conversation, and what is known of the model.

An `Answering` finds them by name, falls back where a stored session names one that is gone, and
hands the model's counter and limits to whoever plans a request.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.conversation.asking import Spare
from chatcli.conversation.context import Limits
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.images import counted
from chatcli.conversation.records import Conversation
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter
from chatcli.errors import BudgetError, PersonaError, UsageError
from chatcli.parts import (
    counter_for,
    limits_for,
    model_for,
    model_or_spare,
    persona_store,
    spare_for,
)
from chatcli.personas import Persona
from chatcli.providers.dialect import BY_VALUE, Dialect
from chatcli.providers.models import Model, Models
from chatcli.settings import Settings
from chatcli.storage.learned import Learned
from chatcli.tuning import Tuning


class Answering:
    """The personas and models that one run can use."""

    def __init__(self, settings: Settings, learned: Learned) -> None:
        self.settings = settings
        self.personas = persona_store(settings)
        self.models = Models(settings)
        self.learned = learned
        self.tuning = Tuning()
        self._spare: Model | None = None

    def persona(self, name: str | None) -> Persona | None:
        """Return the persona of that name, None without a name. Raises PersonaError."""
        return self.personas.get(name) if name else None

    def persona_of(self, talk: Conversation) -> tuple[Persona | None, list[Event]]:
        """Return the persona of a stored session, None where it is gone; its prompt is stored."""
        name = talk.header.persona
        try:
            return self.personas.named(name) if name else None, []
        except PersonaError as error:
            return None, [Notice(error.message, "its prompt is in the session", "warning")]

    def model(self, persona: Persona | None, spec: str | None = None) -> tuple[Model, list[Event]]:
        """Return the model that answers as `persona`, or else the spare one. Raises UsageError."""
        model, why = model_or_spare(self.models, self.settings, persona, spec)
        if why is None:
            return model, []
        return model, [Notice(why.message, f"{model.model} answers instead", "warning")]

    def model_of(
        self, talk: Conversation, persona: Persona | None, wanted: str | None
    ) -> tuple[Model, list[Event]]:
        """Return the model of a stored session, or another where that one can't be had now.

        Raises UsageError.
        """
        if wanted is not None:
            return self.model(persona, wanted)
        try:
            return model_for(self.models, self.settings, persona, talk.header.model), []
        except UsageError as error:
            other, _ = self.model(persona, self.settings.fallback)
            told = f"{talk.header.model} can't be asked now: {error.message}"
            return other, [Notice(told, f"{other.model} answers", "warning")]

    def spare(self, persona: Persona | None) -> Spare | None:
        """Return the model that answers where another can't, if one is set. Raises UsageError."""
        found = spare_for(self.models, self.settings, persona, self.counter, self.learn_window)
        self._spare, spare = found or (None, None)
        if self._spare is not None:
            self.tune(self._spare, persona)
        return spare

    def tune(self, model: Model, persona: Persona | None) -> None:
        """Have a model asked as the persona wants it, and as was chosen with /set."""
        self.tuning.tune(model, persona)

    def activity(self, model: Model) -> str:
        """Say what a model, or else the spare one, is at before it can answer."""
        return model.activity() or (self._spare.activity() if self._spare else "")

    def limits(self, persona: Persona | None, model: Model) -> Limits:
        """Return what a request to the model may hold."""
        return limits_for(self.settings, persona, model)

    def counter(self, model: Model) -> TokenCounter:
        """Return what counts a model's tokens, with what was learned of it before."""
        window = self.learned.window(model.identity)
        if window is not None:
            model.learn_window(window)
        model.dialect = model.dialect.without(self.learned.refused(model.identity))
        model.adapted = lambda dialect: self._learn_dialect(model, dialect)
        return counter_for(model, self.learned)

    def _learn_dialect(self, model: Model, dialect: Dialect) -> None:
        self.learned.learn(model.identity, {"refused": sorted(dialect.refused - BY_VALUE)})

    def learn_window(self, model: Model, tokens: int) -> None:
        """Remember a context window that an endpoint has stated."""
        model.learn_window(tokens)
        self.learned.learn(model.identity, {"window": tokens})

    def what_would_not_fit(
        self, session: Session, here: Model, persona: Persona | None, model: Model
    ) -> Iterator[Event]:
        """Say what of a conversation another model could not be sent that `here` can."""
        planner, talk = session.planner, session.conversation
        other = planner.beside(self.counter(model), self.limits(persona, model))
        other.takes_images = model.takes_images
        try:
            there, now = other.forecast(talk, ""), planner.forecast(talk, "")
        except BudgetError as error:
            yield Notice(f"it is too long for {model.model}: {error.message}", level="warning")
            return
        out = len(there.left_out()) - len(now.left_out())
        if there.unseen > now.unseen:
            yield Notice(
                f"{model.model} takes no images: {counted(there.unseen)} will be left out",
                f"/model {here.model} goes back, and nothing is lost",
                "warning",
            )
        if out > 0:
            budget = other.limits.budget
            yield Notice(
                f"{model.model} reads {budget:,} tokens: {out} more messages would be left out",
                f"/model {here.model} goes back, and nothing is lost",
                "warning",
            )

    def close(self) -> None:
        """End what was started for the models."""
        self.models.close()

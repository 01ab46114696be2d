"""Who answers: the persona and the model of a conversation, and what is known of the model.

An `Answering` finds them by name, falls back where a stored session names one that is gone, and
hands the model's counter and limits to whoever plans a request.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatcli.conversation.context import Limits
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.planning import Planner
from chatcli.conversation.records import Conversation
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter
from chatcli.errors import BudgetError, PersonaError, UsageError
from chatcli.parts import counter_for, limits_for, model_for, persona_store
from chatcli.personas import Persona
from chatcli.providers.models import Model, Models
from chatcli.settings import Settings
from chatcli.storage.learned import Learned


class Answering:
    """The personas and models that one run can use."""

    def __init__(self, settings: Settings, learned: Learned) -> None:
        self.settings = settings
        self.personas = persona_store(settings)
        self.models = Models(settings)
        self.learned = learned

    def persona(self, name: str | None) -> Persona | None:
        """Return the persona of that name, None without a name. Raises PersonaError."""
        return self.personas.get(name) if name else None

    def persona_of(self, talk: Conversation) -> tuple[Persona | None, list[Event]]:
        """Return the persona of a stored session, None where it is gone; its prompt is stored."""
        try:
            return self.persona(talk.header.persona), []
        except PersonaError as error:
            return None, [Notice(error.message, "its prompt is in the session", "warning")]

    def model(self, persona: Persona | None, spec: str | None = None) -> Model:
        """Return the model that answers as `persona`. Raises UsageError."""
        return model_for(self.models, self.settings, persona, spec)

    def model_of(
        self, talk: Conversation, persona: Persona | None, wanted: str | None
    ) -> tuple[Model, list[Event]]:
        """Return the model of a stored session, or another where that one can't be had now."""
        if wanted is not None:
            return self.model(persona, wanted), []
        try:
            return self.model(persona, talk.header.model), []
        except UsageError as error:
            other = self.model(persona)
            told = f"{talk.header.model} can't be asked now: {error.message}"
            return other, [Notice(told, f"{other.model} answers", "warning")]

    def limits(self, persona: Persona | None, model: Model) -> Limits:
        """Return what a request to the model may hold."""
        return limits_for(self.settings, persona, model)

    def counter(self, model: Model) -> TokenCounter:
        """Return what counts a model's tokens, with what was learned of it before."""
        window = self.learned.window(model.identity)
        if window is not None:
            model.learn_window(window)
        return counter_for(model, self.learned)

    def learn_window(self, model: Model, tokens: int) -> None:
        """Remember a context window that an endpoint has stated."""
        model.learn_window(tokens)
        self.learned.learn(model.identity, {"window": tokens})

    def what_would_not_fit(
        self, session: Session, here: Model, persona: Persona | None, model: Model
    ) -> Iterator[Event]:
        """Say what of a conversation another model could not be sent that `here` can."""
        planner, talk = session.planner, session.conversation
        other = Planner(self.counter(model), self.limits(persona, model))
        other.examples = planner.examples
        other.choose_as(planner)
        try:
            out = len(other.forecast(talk, "").left_out()) - len(
                planner.forecast(talk, "").left_out()
            )
        except BudgetError as error:
            yield Notice(f"it is too long for {model.model}: {error.message}", level="warning")
            return
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

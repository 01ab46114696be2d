"""How replies are sampled in a chat: what suits the model, what its persona wants, and /set.

Each is stronger than the one before. What was chosen with /set holds whichever model or persona
answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import cast

from chatcli.conversation.events import Event, Notice
from chatcli.parameters import PARAMETERS, Parameter, Sampled
from chatcli.personas import Persona
from chatcli.providers.base import Parameters
from chatcli.providers.dialect import LIMIT
from chatcli.providers.models import Model
from chatcli.storage.sampling import NOT_KEPT


class Tuning:
    """What was chosen of the parameters, and the models that are tuned by it."""

    def __init__(self) -> None:
        self.chosen: dict[str, Parameter] = {}

    def tune(self, model: Model, persona: Persona | None) -> None:
        """Have a model asked as the persona wants it, and as was chosen."""
        own = persona.parameters if persona else {}
        model.parameters = model.default_parameters.updated(own).updated(self.chosen)

    def take(self, stored: Mapping[str, object]) -> None:
        """Take over what was chosen before, as a session keeps it: checked when it was read."""
        self.chosen = cast("dict[str, Parameter]", dict(stored))

    def sampling(self, model: Model, persona: Persona | None) -> list[Sampled]:
        """Return each parameter with its value and where that comes from."""
        return [self._sampled(name, model, persona) for name in PARAMETERS]

    def choose(
        self, name: str, value: Parameter | None, model: Model, persona: Persona | None
    ) -> Iterator[Event]:
        """Choose a parameter from here on; None takes back what was chosen."""
        if value is None:
            self.chosen.pop(name, None)
        else:
            self.chosen[name] = value
            # Who asks for it wants it tried, whatever the model has said before.
            model.dialect = model.dialect.trying_again(_in_requests(name))
            model.adapted(model.dialect)
        self.tune(model, persona)
        now = self._sampled(name, model, persona)
        if now.value is None:
            yield Notice(f"{name} is left to the endpoint from here on")
            return
        kept = "it holds until this chat ends" if name == NOT_KEPT and value is not None else ""
        whence = f" ({now.source})" if value is None else ""
        yield Notice(f"{name} is {now.value} from here on{whence}", kept)

    def _sampled(self, name: str, model: Model, persona: Persona | None) -> Sampled:
        value = getattr(model.parameters, name)
        if value == getattr(_NOTHING, name):
            return Sampled(name)
        taken = model.dialect.word(_in_requests(name)) is not None
        return Sampled(name, _shown(value), self._source(name, model, persona), taken=taken)

    def _source(self, name: str, model: Model, persona: Persona | None) -> str:
        if name in self.chosen:
            return "/set"
        if persona is not None and name in persona.parameters:
            return f"the persona {persona.name}"
        return f"the profile {model.model.partition(':')[0]}"


_NOTHING = Parameters()
assert PARAMETERS.keys() == {each.name for each in fields(Parameters)}


def _in_requests(name: str) -> str:
    return LIMIT if name == "max_reply" else name


def _shown(value: object) -> str:
    import json

    texts = list(value) if isinstance(value, tuple) else value
    return texts if isinstance(texts, str) else json.dumps(texts, ensure_ascii=False)

"""Personas as text for the terminal: a list of them, and one with all that it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatcli import faces
from chatcli.conversation.messages import Message
from chatcli.conversation.tokens import Count, TokenCounter, VocabularyEncoder
from chatcli.parts import examples_of
from chatcli.personas import Persona, settings_of
from chatcli.settings import Settings
from chatcli.terminal.sanitize import clean, clean_line


@dataclass(frozen=True, slots=True)
class Price:
    """What a request costs before anything is said, without and with the examples, in tokens."""

    prompt: Count
    whole: Count

    def as_dict(self) -> dict[str, object]:
        exact = self.whole.precision == "exact"
        return {
            "tokens": self.prompt.tokens,
            "tokens_with_examples": self.whole.tokens,
            "exact": exact,
        }

    def __str__(self) -> str:
        more = f", {self.whole} with its examples" if self.whole != self.prompt else ""
        return f"{self.prompt}{more}"


def price_of(settings: Settings, persona: Persona) -> Price:
    """Return what a persona costs as the model counts that would answer, as far as is known."""
    from chatcli import vocabularies

    counter = TokenCounter(settings.model or persona.model or "")
    counter.use(VocabularyEncoder(vocabularies.load(counter.family.encoding)))
    prompt = Message("system", persona.prompt)
    shown = examples_of(persona, settings.user).messages
    return Price(counter.count_prompt([prompt]), counter.count_prompt([prompt, *shown]))


def in_brief(persona: Persona) -> dict[str, object]:
    """Return what a script wants to know of each persona in a list."""
    return {
        "name": persona.name,
        "description": persona.description,
        "form": persona.form,
        "path": str(persona.source),
    }


def listed(settings: Settings, personas: Sequence[Persona]) -> str:
    """Return names and descriptions, a line each, which a terminal gets no longer than it is."""
    from chatcli.terminal.outline import cropped

    look = faces.look_of(settings, plain=True, markdown=False)
    width = max((len(each.name) for each in personas), default=0)
    lines = [clean_line(f"{each.name:<{width}}  {each.about}") for each in personas]
    if sys.stdout.isatty():
        lines = [cropped(line, look.width(), look.glyphs.ellipsis) for line in lines]
    return "".join(f"{line}\n" for line in lines)


def shown(settings: Settings, persona: Persona, price: Price) -> str:
    """Return all that a persona says, safe to show, its prompt last; a terminal gets it wrapped."""
    facts = list(_facts(persona, price))
    width = max(len(key) for key, _ in facts)
    title = clean_line(f"{persona.name}: {persona.description}".removesuffix(": "))
    lines = [f"{key:<{width}}  {clean_line(value)}" for key, value in facts]
    prompt = clean(persona.prompt).split("\n")
    if sys.stdout.isatty():
        from chatcli.terminal.folding import folded

        columns = faces.look_of(settings, plain=True, markdown=False).width()
        title = "\n".join(folded(title, columns))
        lines = [part for line in lines for part in folded(line, columns, width + 2)]
        prompt = [part for line in prompt for part in folded(line, columns)]
    return "\n".join([title, "", *lines, "", *prompt, ""])


def _facts(persona: Persona, price: Price) -> Iterator[tuple[str, str]]:
    yield "file", str(persona.source)
    if persona.form != "persona":
        yield "form", persona.form
    yield "tokens", str(price)
    for key, value in settings_of(persona).items():
        yield key, _in_words(key, value)


def _in_words(key: str, value: object) -> str:
    if key == "examples" and isinstance(value, list):
        return f"{len(value)} pair{'' if len(value) == 1 else 's'}"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return faces.json_text(value) if isinstance(value, dict) else str(value)

"""A persona told to its user: what it sets, and all that is known of it."""

from __future__ import annotations

from chatcli.personas.persona import Persona


def settings_of(persona: Persona) -> dict[str, object]:
    """Return what a persona sets beside its prompt, under the keys of its file, in their order."""
    told: dict[str, object] = {"model": persona.model}
    for key, value in persona.parameters.items():
        told[key] = list(value) if isinstance(value, tuple) else value
    told |= {
        "strategy": persona.strategy,
        "window": persona.window,
        "budget": persona.budget,
        "inject": list(persona.inject) or None,
        "memory": persona.memory,
        "greeting": persona.greeting,
        "examples": [vars(example) for example in persona.examples] or None,
    }
    return {key: value for key, value in told.items() if value is not None}


def described(persona: Persona) -> dict[str, object]:
    """Return a persona as the object that `--json` prints."""
    return {
        "name": persona.name,
        "description": persona.description,
        "form": persona.form,
        "path": str(persona.source) if persona.source else None,
        "settings": settings_of(persona),
        "prompt": persona.prompt,
        "unknown": list(persona.unknown),
        "left_out": list(persona.left_out),
    }

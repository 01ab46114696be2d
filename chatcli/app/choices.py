"""What can be chosen by name, as commands list it and the Tab key offers it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chatcli.commands.registry import Choice
from chatcli.personas import PersonaStore
from chatcli.providers.catalog import Catalog
from chatcli.providers.profiles import profiles_of
from chatcli.settings import Settings
from chatcli.storage.library import Library


@dataclass(frozen=True, slots=True)
class Here:
    """What is chosen at the moment: the session's file, the persona, and PROFILE:MODEL."""

    path: Path | None
    persona: str | None
    model: str


class Choices:
    """The sessions, personas and models that there are (`commands.registry.Choices`)."""

    def __init__(
        self,
        settings: Settings,
        library: Library,
        personas: PersonaStore,
        catalog: Catalog,
        here: Callable[[], Here],
    ) -> None:
        self._settings = settings
        self._library = library
        self._personas = personas
        self._catalog = catalog
        self._here = here

    def sessions(self) -> list[Choice]:
        here = str(self._here().path)
        return [
            Choice(stored.name, _ago(stored.changed), stored.place == here)
            for stored in self._library.stored()
        ]

    def personas(self) -> list[Choice]:
        here = self._here().persona
        return [
            Choice(persona.name, persona.about, persona.name == here)
            for persona in self._personas.list()
        ]

    def profiles(self) -> list[Choice]:
        from chatcli.providers.overview import place_of

        here, _, _ = self._here().model.partition(":")
        return [
            Choice(name, place_of(name, profile), here == name)
            for name, profile in profiles_of(self._settings).items()
        ]

    def models(self) -> list[Choice]:
        here = self._here().model
        return [
            Choice(f"{profile}:{name}", here=f"{profile}:{name}" == here)
            for profile in profiles_of(self._settings)
            for name in self._catalog.known(profile)
        ]

    def models_at(self, profile: str) -> list[Choice]:
        here = self._here().model
        return [
            Choice(name, here=f"{profile}:{name}" == here) for name in self._catalog.models(profile)
        ]


def _ago(when: float) -> str:
    """Say how long ago a moment was, in words that fit a table."""
    minutes = int((time.time() - when) / 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 24 * 60:
        return f"{minutes // 60} h ago"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))

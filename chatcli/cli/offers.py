"""What a shell offers for the arguments of commands and flags.

It has to be quick, since a shell waits for it at each Tab, and silent, since a shell shows what
goes wrong in the middle of the line that is typed. No endpoint is asked: of its models those are
offered that a chat or `chatcli models list PROFILE` has heard of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from chatcli.errors import ChatcliError

_HARMLESS: Final = re.compile(r"(?!.* -)[\w@.][\w./:@+,=%^ -]*")
"""No sign that quotes, expands or ends a command, and nothing that could be taken for a flag."""

Offer: TypeAlias = Callable[[str], list[str]]


def _offering(names: Callable[[], Iterable[str]]) -> Offer:
    """Make of a function that returns names one that a shell's Tab can call."""

    def offer(incomplete: str) -> list[str]:
        try:
            found = [each for each in names() if each.startswith(incomplete)]
        except (ChatcliError, OSError):
            return []
        return [each for each in found if _can_be_typed(each)]

    return offer


def _can_be_typed(name: str) -> bool:
    """Tell whether a name means nothing but itself wherever a shell puts it.

    Others may have named what is offered, an endpoint its models and a folder its sessions. bash
    puts a name into the line as it is, and zsh evaluates it before that.
    """
    from chatcli.terminal.sanitize import clean_line

    return clean_line(name) == name and _HARMLESS.fullmatch(name) is not None


@_offering
def profile_names() -> Iterable[str]:
    from chatcli.providers.profiles import profiles_of
    from chatcli.settings import load

    return profiles_of(load())


@_offering
def model_names() -> Iterable[str]:
    """The profiles, each with a colon to go on after, and the models that are known of them."""
    from chatcli.providers.catalog import FILE, Catalog
    from chatcli.providers.profiles import profiles_of
    from chatcli.settings import load

    settings = load()
    profiles = profiles_of(settings)
    catalog = Catalog(settings, settings.folders.cache / FILE)
    known = [f"{each}:{name}" for each in profiles for name in catalog.known(each)]
    return [*profiles, *known]


@_offering
def persona_names() -> Iterable[str]:
    from chatcli.parts import persona_store
    from chatcli.settings import load

    return persona_store(load()).names()


@_offering
def pullable_names() -> Iterable[str]:
    from chatcli.providers.hub.curated import CURATED
    from chatcli.providers.profiles import SMOLLM2

    return (SMOLLM2, *CURATED)


@_offering
def kept_names() -> Iterable[str]:
    from chatcli.providers.hub.shelf import kept
    from chatcli.providers.verified import models_folder
    from chatcli.settings import load

    return (each.name for each in kept(models_folder(load().folders.cache)))


@_offering
def session_names() -> Iterable[str]:
    from chatcli.settings import load
    from chatcli.storage.library import Library

    return (each.name for each in Library(load().folders.sessions).stored())

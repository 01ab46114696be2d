"""What is set, as it can be shown: every value with where it was set, and no key in full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from chatcli.config.table import SETTINGS
from chatcli.errors import UsageError
from chatcli.keychain import Found, found
from chatcli.providers.profiles import profiles_of
from chatcli.settings import Settings

DEFAULT: Final = "default"
_SECRET: Final = re.compile(r"key|token|secret|passw|auth|cookie|credential", re.IGNORECASE)
_PLAIN: Final = {"key_variable", "max_reply", "context_window", "client_key", "tokenizer"}
_HIDDEN: Final = "…"


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting, its value as it can be shown, and where that was set."""

    name: str
    value: object
    source: str


def shown_settings(settings: Settings) -> list[Shown]:
    """Return every setting, and then what [profiles.*] say. Their texts may be anybody's."""
    return [*(_shown(settings, name) for name in SETTINGS), *_of_profiles(settings)]


def _shown(settings: Settings, name: str) -> Shown:
    folders = settings.folders
    places = {"sessions_dir": folders.sessions, "personas_dir": folders.personas[0]}
    value = str(places[name]) if name in places else getattr(settings, name)
    if isinstance(value, str) and name == "base_url":
        value = without_password(value)
    unset = f"not set: {SETTINGS[name].otherwise}" if value is None else DEFAULT
    source = settings.sources.get(name, unset)
    if source == str(settings.config.path):
        source = settings.config.place_of_key(name)
    return Shown(name, value, source)


def _of_profiles(settings: Settings) -> Iterator[Shown]:
    for profile, table in settings.profiles.items():
        for key, value in table.items():
            place = settings.config.place_of_key("profiles", profile, key)
            yield Shown(f"profiles.{profile}.{key}", presentable(key, value), place)


def presentable(key: str, value: object) -> object:
    """Return what of a profile's value can be shown: of what may be a secret, only that it is."""
    if isinstance(value, Mapping):
        hide = key == "headers"
        return {
            name: _HIDDEN if hide else presentable(name, inner) for name, inner in value.items()
        }
    if key == "key_command":
        first = value.split(" ")[0] if isinstance(value, str) else str(value)
        return f"{first} {_HIDDEN}"
    if key not in _PLAIN and _SECRET.search(key):
        return _HIDDEN
    return without_password(value) if isinstance(value, str) else value


def without_password(url: str) -> str:
    """Return a URL without the name and password that may be in it; other texts stay."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=f"{_HIDDEN}@{parts.netloc.rpartition('@')[2]}").geturl()


def problems_of(settings: Settings) -> list[UsageError]:
    """Return what is wrong with the settings, and with each of their profiles."""
    told = list(settings.problems)
    for name, table in settings.profiles.items():
        try:
            profiles_of(replace(settings, profiles={name: table}))
        except UsageError as error:
            told.append(error)
    return told


def sound_profiles(settings: Settings) -> Settings:
    """Return the settings without the profiles that are wrong."""
    sound = {
        name: table
        for name, table in settings.profiles.items()
        if not problems_of(replace(settings, profiles={name: table}, problems=()))
    }
    return replace(settings, profiles=sound)


def keys_of(settings: Settings) -> list[Found]:
    """Return which profiles have a key; profiles that are wrong have none."""
    return found(sound_profiles(settings))


def described(settings: Settings) -> dict[str, object]:
    """Return all of this for scripts."""
    folders = settings.folders
    return {
        "file": str(folders.config_file),
        "settings": {
            each.name: {"value": each.value, "source": each.source}
            for each in shown_settings(settings)
        },
        "keys": [each.described() for each in keys_of(settings)],
        "folders": {
            "config": str(folders.config),
            "data": str(folders.data),
            "cache": str(folders.cache),
        },
        "notes": list(settings.notes),
        "problems": [str(error) for error in problems_of(settings)],
    }


def lines(settings: Settings) -> Iterator[str]:
    """Yield all of this for people, in three columns."""
    rows = [(each.name, _text(each.value), each.source) for each in shown_settings(settings)]
    rows += [
        (f"key of {each.profile}", each.masked or "…", each.source)
        for each in keys_of(settings)
        if each.problem is None
    ]
    first = max(len(row[0]) for row in rows)
    second = min(max(len(row[1]) for row in rows), 28)
    for name, value, source in rows:
        yield f"{name:<{first}}  {value:<{second}}  {source}"


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case float() if value.is_integer():
            return str(int(value))
        case bool():
            return str(value).lower()
        case _:
            return str(value)

"""What is set, as it can be shown: every value with where it was set, and no key in full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from chatcli.config.addresses import HIDDEN, presentable
from chatcli.config.keyfile import read_keys
from chatcli.config.table import SETTINGS
from chatcli.errors import UsageError
from chatcli.keychain import Found, found
from chatcli.providers.profile_tables import KEYS
from chatcli.providers.profiles import profiles_of
from chatcli.settings import Settings

DEFAULT: Final = "default"
_SECRET: Final = re.compile(r"key|token|secret|passw|auth|cookie|credential", re.IGNORECASE)
_ADDRESSES: Final = {"base_url", "proxy"}


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
        value = presentable(value)
    unset = f"not set: {SETTINGS[name].otherwise}" if value is None else DEFAULT
    source = settings.sources.get(name, unset)
    if source == str(settings.config.path):
        source = settings.config.place_of_key(name)
    return Shown(name, value, source)


def _of_profiles(settings: Settings) -> Iterator[Shown]:
    for profile, table in settings.profiles.items():
        for key, value in table.items():
            place = settings.config.place_of_key("profiles", profile, key)
            yield Shown(f"profiles.{profile}.{key}", _presentable(key, value), place)


def _presentable(key: str, value: object) -> object:
    """Return what of a profile's value can be shown: of what may be a secret, only that it is."""
    if key not in KEYS or key == "key_command":
        # What has no meaning may be anything, and some write a key where its command should stand.
        return HIDDEN
    if key == "headers" and isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    if key in _ADDRESSES and isinstance(value, str):
        return presentable(value)
    try:
        KEYS[key].read(value)
    except ValueError:
        # A value that can't be may be anything as well: a key in the place of its variable.
        return HIDDEN if isinstance(value, str) else _without_secrets(value)
    return _without_secrets(value)


def _without_secrets(value: object) -> object:
    """Return a value without the texts in it that are called like a secret, however deep."""
    if isinstance(value, Mapping):
        return {
            name: HIDDEN
            if _SECRET.search(name) and not isinstance(inner, int | float)
            else _without_secrets(inner)
            for name, inner in value.items()
        }
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value


def problems_of(settings: Settings) -> list[UsageError]:
    """Return what is wrong with the settings, each of their profiles, and the file of keys."""
    found_wrong = (
        *settings.problems,
        *(_wrong_with(settings, name) for name in settings.profiles),
        _wrong_with_keys(settings),
    )
    return [error for error in found_wrong if error is not None]


def _wrong_with(settings: Settings, profile: str) -> UsageError | None:
    try:
        profiles_of(replace(settings, profiles={profile: settings.profiles[profile]}))
    except UsageError as error:
        return error
    return None


def _wrong_with_keys(settings: Settings) -> UsageError | None:
    try:
        read_keys(settings.folders.keys_file)
    except UsageError as error:
        return error
    return None


def sound_profiles(settings: Settings) -> Settings:
    """Return the settings without the profiles that are wrong."""
    sound = {
        name: table
        for name, table in settings.profiles.items()
        if _wrong_with(settings, name) is None
    }
    return replace(settings, profiles=sound)


def keys_of(settings: Settings) -> list[Found]:
    """Return which profiles have a key; profiles that are wrong have none.

    Nor is there any as long as the file of keys can't be read, which `problems_of` tells.
    """
    return [] if _wrong_with_keys(settings) else found(sound_profiles(settings))


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
        (f"key of {each.profile}", each.masked or HIDDEN, each.source)
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

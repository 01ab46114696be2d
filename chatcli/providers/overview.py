"""What `chatcli models list` tells: where profiles ask and with what, which weights are here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from chatcli.config.addresses import presentable
from chatcli.errors import UsageError
from chatcli.providers import keys
from chatcli.providers.hub.curated import CURATED
from chatcli.providers.hub.progress import amount_of
from chatcli.providers.hub.shelf import Kept, kept
from chatcli.providers.profiles import LOCAL, OPENAI, SMOLLM2, Profile, profiles_of
from chatcli.providers.verified import models_folder
from chatcli.providers.weights import SMOLLM2 as DEFAULT
from chatcli.settings import Settings

_FROM: Final = "from "
_NONE: Final = "none needed"


@dataclass(frozen=True, slots=True)
class ProfileRow:
    """A profile: `place` is its address, `key` says in words where its key is or is missing."""

    name: str
    place: str
    key: str
    ready: bool
    model: str | None

    @property
    def shown_key(self) -> str:
        """The same as `key` in a word, where nothing is missing."""
        return "set" if self.key.startswith(_FROM) else self.key

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class WeightsRow:
    """Weights that are here or can be; `size` is what they have whole, `on_disk` what is here.

    Both are in bytes; `size` is None where only a part is here and nothing tells the rest.
    """

    name: str
    size: int | None
    licence: str | None
    here: bool
    on_disk: int
    about: str

    @property
    def shown_size(self) -> str:
        return amount_of(self.size) if self.size else "?"

    @property
    def state(self) -> str:
        if self.here:
            return "yes"
        return f"{amount_of(self.on_disk)} so far" if self.on_disk else ""

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def profile_rows(settings: Settings) -> list[ProfileRow]:
    """Return all profiles as they are set now. Raises UsageError for a broken config.toml."""
    return [_profile_row(settings, *each) for each in profiles_of(settings).items()]


def weights_rows(settings: Settings) -> list[WeightsRow]:
    """Return the default weights, those of the list, and whatever else is here."""
    here = {each.name: each for each in kept(models_folder(settings.folders.cache))}
    rows = [_default_row(here.pop(SMOLLM2, None))]
    for name, model in CURATED.items():
        found = here.pop(name, None)
        size = found.size if found and found.whole else model.megabytes * 10**6
        whole, on_disk = (found.whole, found.size) if found else (False, 0)
        rows.append(WeightsRow(name, size, model.licence, whole, on_disk, model.about))
    return [*rows, *(_other_row(each) for each in here.values())]


def _profile_row(settings: Settings, name: str, profile: Profile) -> ProfileRow:
    place = place_of(name, profile)
    if name == LOCAL:
        return ProfileRow(name, place, _NONE, True, profile.model)
    if not profile.base_url:
        return ProfileRow(name, place, "", False, profile.model)
    key, ready = _key_of(settings, name, profile)
    return ProfileRow(name, place, key, ready, profile.model)


def place_of(name: str, profile: Profile) -> str:
    """Return where a profile asks, as it can be shown: an address without a password."""
    if name == LOCAL:
        return "this program"
    if not profile.base_url:
        return "needs base_url in config.toml"
    return presentable(profile.base_url)


def _key_of(settings: Settings, name: str, profile: Profile) -> tuple[str, bool]:
    """Say in words what key a profile has, and tell whether it can be asked so."""
    try:
        key = keys.find(settings, name, profile.key_variable, profile.key_command, profile.base_url)
    except UsageError as error:
        return error.message, False
    if key is not None:
        return f"{_FROM}{key.source}", True
    if profile.key_variable is None or (name == OPENAI and settings.base_url):
        return _NONE, True
    return f"missing: {profile.key_variable}", False


def _default_row(found: Kept | None) -> WeightsRow:
    whole, on_disk = (found.whole, found.size) if found else (False, 0)
    about = "the default; fetched when asked"
    return WeightsRow(SMOLLM2, DEFAULT.size, "Apache-2.0", whole, on_disk, about)


def _other_row(found: Kept) -> WeightsRow:
    source = found.source
    about = f"from {source.repo}" if source else "put there by hand" if found.whole else ""
    licence = source.licence if source else None
    size = found.size if found.whole else None
    return WeightsRow(found.name, size, licence, found.whole, found.size, about)

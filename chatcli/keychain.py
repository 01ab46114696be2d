"""The keys that chatcli keeps for the user: in the system's keyring, or else in a private file.

Each is kept for a profile and for the address that the profile has when it is stored;
`providers/keys.py` lets it go nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatcli.config.addresses import origin_of
from chatcli.config.keyfile import StoredKey, read_keys, written
from chatcli.config.reading import nearest
from chatcli.errors import UsageError
from chatcli.providers import keys
from chatcli.providers.profiles import LOCAL, OPENAI, Profile, profiles_of
from chatcli.providers.verified import lock_path, one_at_a_time
from chatcli.settings import DOTENV, Settings
from chatcli.storage import files

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

KEYRING: Final = "the keyring"
_TRUSTED: Final = 1
"""The priority from which on a keyring is the system's own, and no plain file (keyring's docs)."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a profile has a key: where it is from and its ends, or what is wrong with it.

    `origin` is whom it is for.
    """

    profile: str
    source: str = ""
    masked: str = ""
    origin: str = ""
    problem: UsageError | None = None

    def described(self) -> dict[str, object]:
        """Return this for scripts."""
        return {
            "profile": self.profile,
            "source": self.source or None,
            "masked": self.masked or None,
            "origin": self.origin or None,
            "problem": str(self.problem) if self.problem else None,
        }


def origin_for(settings: Settings, name: str) -> str:
    """Return whom a key of a profile would be for. Raises UsageError where it could be for nobody.

    A profile with no address could have it sent anywhere, and one whose address comes from ./.env,
    to whoever has laid that there.
    """
    profile = _profile(settings, name)
    if name == OPENAI and settings.sources.get("base_url") == DOTENV:
        raise UsageError(
            "./.env sets OPENAI_BASE_URL, and the key would be kept for that endpoint",
            "keep it from another folder, or set OPENAI_BASE_URL in the environment",
        )
    try:
        return origin_of(profile.base_url)
    except ValueError:
        raise UsageError(
            f"the profile `{name}` has no address that its key could be for",
            f"write base_url under [profiles.{name}] in {settings.folders.config_file} first",
        ) from None


def keep(settings: Settings, name: str, key: str) -> str:
    """Store the key of a profile, and return where. Raises UsageError or StorageError."""
    origin = origin_for(settings, name)
    text = keys.checked(key, "that key")
    file = settings.folders.keys_file
    read_keys(file)  # before a keyring is asked for what could not be noted
    account = keys.account(name, origin)
    in_keyring = _kept_in_keyring(account, text)
    with _alone(file):
        known = read_keys(file)
        _write(file, {**known, name: StoredKey(origin, None if in_keyring else text)})
    before = _account(known, name)
    if before is not None and (before != account or not in_keyring):
        _forget_in_keyring(before)
    return KEYRING if in_keyring else str(file)


def remove(settings: Settings, name: str) -> str:
    """Forget the stored key of a profile, and return where it was.

    Raises UsageError or StorageError.
    """
    file = settings.folders.keys_file
    if name not in read_keys(file):
        raise UsageError("no key is stored for that profile", "`chatcli config key list` shows all")
    with _alone(file):
        known = read_keys(file)
        _write(file, {other: entry for other, entry in known.items() if other != name})
    account = _account(known, name)
    if account is None:
        return str(file)
    _forget_in_keyring(account)
    return KEYRING


def found(settings: Settings) -> list[Found]:
    """Return what each profile has for a key, and what is stored for none. Raises UsageError."""
    profiles = profiles_of(settings)
    known = [_found(settings, name, profile) for name, profile in profiles.items() if name != LOCAL]
    lost = [
        Found(
            name, str(settings.folders.keys_file), origin=stored.origin, problem=_no_profile(name)
        )
        for name, stored in read_keys(settings.folders.keys_file).items()
        if name not in profiles
    ]
    return [*(each for each in known if each.source or each.problem), *lost]


def _found(settings: Settings, name: str, profile: Profile) -> Found:
    origin = ""
    with suppress(ValueError):
        origin = origin_of(profile.base_url)
    try:
        key = keys.find(settings, name, profile.key_variable, profile.key_command, profile.base_url)
    except UsageError as error:
        return Found(name, origin=origin, problem=error)
    return Found(name, key.source, key.masked, origin) if key else Found(name)


def _no_profile(name: str) -> UsageError:
    hint = f"`chatcli config key remove {name}` forgets its key"
    return UsageError(f"there is no profile `{name}` any more", hint)


def _profile(settings: Settings, name: str) -> Profile:
    known = profiles_of(settings)
    if name == LOCAL:
        raise UsageError("the embedded model wants no key")
    if name in known:
        return known[name]
    near = nearest(name, tuple(known))
    hint = f"did you mean `{near}`?" if near else f"there are {', '.join(known)}"
    # It is not repeated: it may be the key, where the profile was forgotten.
    raise UsageError("there is no profile of that name", hint)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Keep other processes from changing the file, or wait until they are done."""
    files.make_folder(file.parent)
    with files.failing("change", file), one_at_a_time(file, lambda: None):
        yield
        lock_path(file).unlink(missing_ok=True)


def _write(file: Path, entries: Mapping[str, StoredKey]) -> None:
    files.replace_file(file, written(entries))


# The system's keyring


def _kept_in_keyring(account: str, key: str) -> bool:
    """Store a key in the system's keyring where there is one that works, and say whether."""
    keyring = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(keys.SERVICE, account, key)
        return keyring.get_password(keys.SERVICE, account) == key
    except Exception:  # noqa: BLE001 - each system's keyring fails in its own way
        return False


def _account(known: Mapping[str, StoredKey], name: str) -> str | None:
    """Return what the keyring knows a stored key by, None where it does not hold it."""
    stored = known.get(name)
    return keys.account(name, stored.origin) if stored and stored.key is None else None


def _forget_in_keyring(account: str) -> None:
    keyring = _keyring()
    if keyring is not None:
        with suppress(Exception):
            keyring.delete_password(keys.SERVICE, account)


def _keyring() -> KeyringBackend | None:
    """Return the system's own keyring, None where there is none."""
    try:
        import keyring

        chosen = keyring.get_keyring()
        return chosen if float(chosen.priority) >= _TRUSTED else None
    except Exception:  # noqa: BLE001 - each system's keyring fails in its own way
        return None

"""Where a profile's key comes from, and whether it can be one.

In this order: the environment, `./.env`, what `chatcli config key set` has stored, and the output
of the profile's `key_command`. The keyring and a command are asked when a request is made, not
before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from chatcli.config.addresses import origin_of, presentable
from chatcli.config.keyfile import StoredKey, read_keys
from chatcli.errors import Refused, UsageError
from chatcli.settings import VARIABLES, Settings

COMMAND_WITHIN: Final = 30.0
"""Seconds that a `key_command` may take."""

SERVICE: Final = "chatcli"
"""What the system's keyring files our keys under."""

LONGEST: Final = 8192
_QUOTES: Final = "\"'`"
_one_at_a_time: Final = threading.Lock()
_answers: Final[dict[tuple[str, ...], str]] = {}
"""The keys that commands have printed in this run."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that a profile has; `source` says in words where.

    `at_hand` is whether it is known already. If not, a command or the keyring is asked for it.
    `again` asks a command once more: it is given the key that is of no use any longer.
    """

    source: str
    read: Callable[[], str] = field(repr=False)
    at_hand: bool = True
    again: Callable[[str], str] | None = field(default=None, repr=False)

    def value(self) -> str:
        """Return the key itself, which may take seconds unless it is `at_hand`.

        Raises Refused where it can't be had now, or is nothing that can be a key.
        """
        return self.read()

    def renewed(self, refused: str) -> str | None:
        """Return another key than the one that an endpoint has refused, None where there is none.

        Keys that a command prints may have expired since it did. Raises Refused.
        """
        key = self.again(refused) if self.again else refused
        return None if key == refused else key

    @property
    def masked(self) -> str:
        """Return as much of the key as can be shown, nothing where it is not at hand."""
        return masked(self.read()) if self.at_hand else ""


def find(
    settings: Settings, profile_name: str, variable: str | None, command: object, base_url: str
) -> Key | None:
    """Return the key of a profile whose requests go to `base_url`, None where it has none.

    `variable` is the environment variable that may hold it, `command` the profile's `key_command`:
    a text or a list of texts. Raises UsageError where there is a key that can't be used.
    """
    text = settings.secret(variable) if variable else None
    if variable and text and text.strip():
        return _at_hand(text, _source(settings, variable), f"the key in {variable}")
    stored = read_keys(settings.folders.keys_file).get(profile_name)
    if stored is not None:
        return _kept(settings.folders.keys_file, profile_name, stored, base_url)
    return _from_command(profile_name, command) if command else None


def missing(profile_name: str, variable: str | None) -> UsageError:
    """Return what there is to say when a profile has no key and needs one."""
    told = f"the profile `{profile_name}` needs a key"
    kept = f"`chatcli config key set {profile_name}` keeps one"
    if variable is None:
        return UsageError(told, kept)
    hint = f"export {variable}=…, or {kept}; without any key: --model local"
    return UsageError(f"{told} in {variable}", hint)


def checked(text: str, what: str) -> str:
    """Return a key without the white space around it: it goes into a header, which can't hold all.

    `what` is how errors call it; they never quote it. Raises UsageError.
    """
    key = text.strip()
    again = "copy it again"
    if not key:
        raise UsageError(f"{what} is empty", again)
    if key[0] in _QUOTES and key[-1] in _QUOTES and len(key) > 1:
        raise UsageError(f"{what} has quotes around it", "take them away")
    if len(key) > LONGEST:
        raise UsageError(f"{what} is longer than any key: {len(key):,} characters", again)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"{what} holds spaces, line ends or other characters that no key has", again
        )
    return key


def masked(key: str) -> str:
    """Return the ends of a key, by which whoever knows it can tell which one it is."""
    return f"{key[:3]}…{key[-4:]}" if len(key) >= 20 else "…"


def _at_hand(text: str, source: str, what: str) -> Key:
    key = checked(text, what)
    return Key(source, lambda: key)


def _source(settings: Settings, variable: str) -> str:
    if variable == VARIABLES["api_key"]:
        return settings.sources["api_key"]
    return f"the environment ({variable})"


# What is stored


def _kept(file: Path, profile_name: str, stored: StoredKey, base_url: str) -> Key:
    """Return a stored key, if it goes where it was meant to go when it was stored."""
    if stored.origin != _origin(base_url):
        raise UsageError(
            f"the key stored for `{profile_name}` is for {stored.origin}, and the profile's "
            f"address is {presentable(base_url)} now",
            f"`chatcli config key set {profile_name}` stores one for that address",
        )
    what = f"the key stored for `{profile_name}`"
    if stored.key is not None:
        return _at_hand(stored.key, str(file), what)
    return Key("the keyring", partial(_from_keyring, profile_name, stored.origin), at_hand=False)


def _origin(base_url: str) -> str | None:
    try:
        return origin_of(base_url)
    except ValueError:
        return None


def _from_keyring(profile_name: str, origin: str) -> str:
    hint = f"`chatcli config key set {profile_name}` stores it again"
    try:
        import keyring
    except ImportError as error:
        raise Refused(
            f"the key of `{profile_name}` is in the keyring, and keyring is not installed", hint
        ) from error
    try:
        text = keyring.get_password(SERVICE, account(profile_name, origin))
    except Exception as error:
        told = f"the keyring did not give the key of `{profile_name}`: {type(error).__name__}"
        raise Refused(told, "unlock it, and /retry") from error
    if text is None:
        raise Refused(f"the keyring has no key of `{profile_name}` any more", hint)
    return _usable(text, f"the key of `{profile_name}` in the keyring")


def account(profile_name: str, origin: str) -> str:
    """Return the name that the keyring knows a profile's key by."""
    return f"{profile_name} at {origin}"


# What a command prints


def _from_command(profile_name: str, command: object) -> Key:
    words = _words(profile_name, command)
    ask = partial(_printed, profile_name, words)
    source = "the output of its key_command"
    return Key(source, ask, at_hand=False, again=lambda refused: ask(but=refused))


def _words(profile_name: str, command: object) -> tuple[str, ...]:
    import shlex

    try:
        words = shlex.split(command) if isinstance(command, str) else command
    except ValueError as error:
        told = f"the key_command of `{profile_name}` has a quote that does not end"
        raise UsageError(told, "close it") from error
    if isinstance(words, list | tuple) and words and all(isinstance(each, str) for each in words):
        return tuple(words)
    raise UsageError(
        f"the key_command of `{profile_name}` must be a text or a list of texts",
        'as in key_command = "pass show openai"',
    )


def _printed(profile_name: str, words: tuple[str, ...], but: str | None = None) -> str:
    """Return the key that a command prints; it is run once, however many ask.

    It is run again where it has printed `but`, which nobody wants any more.
    """
    what = f"the key_command of `{profile_name}`"
    with _one_at_a_time:
        known = _answers.get(words)
        if known is None or known == but:
            _answers[words] = known = _usable(_output(what, words), f"what {what} prints")
    return known


def _output(what: str, words: tuple[str, ...]) -> str:
    import subprocess

    hint = "run it by hand to see why"
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, and no shell
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_WITHIN,
            check=False,
        )
    except FileNotFoundError:
        # Not which: some write the key itself where its command should stand.
        raise Refused(f"{what} is not there", "check its path") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"{what} did not end within {COMMAND_WITHIN:.0f} s", hint) from None
    except (OSError, ValueError) as error:
        raise Refused(f"{what} could not be started: {type(error).__name__}", hint) from None
    if done.returncode:
        # What it says on stderr may be anything, a key as well.
        raise Refused(f"{what} failed with code {done.returncode}", hint)
    return done.stdout.decode("utf-8", "replace")


def _usable(text: str, what: str) -> str:
    try:
        return checked(text, what)
    except UsageError as error:
        raise Refused(error.message, error.hint) from None

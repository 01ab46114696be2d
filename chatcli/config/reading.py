"""config.toml read and checked: what it sets, what is wrong with it, and where that stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatcli.config.table import SETTINGS, TABLES, value_of
from chatcli.errors import UsageError

if TYPE_CHECKING:
    from tomllib import TOMLDecodeError

MOST_BYTES: Final = 256 * 1024
MOST_NOTES: Final = 5
MENDS: Final = "`chatcli config edit` mends it"

_AT: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_KEYS_OF_PROVIDERS: Final = {"api_key", "apikey", "key", "openai_api_key", "token"}
_MOST_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What config.toml says.

    `values` are the settings that it sets, checked; `profiles` its tables, as they stand there.
    `problems` are what is wrong with it, `notes` what does nothing in it.
    """

    path: Path
    values: Mapping[str, object] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    problems: tuple[UsageError, ...] = ()
    notes: tuple[str, ...] = ()
    text: str = field(default="", repr=False)

    def place(self, *keys: str) -> str:
        """Return where a key's value stands, `FILE:LINE:COLUMN`, for errors.

        The keys lead there: `place("profiles", "mine", "base_url")`. Where it is in no line of its
        own, that is the place of the table that it is in.
        """
        return self._place(keys, value=True)

    def place_of_key(self, *keys: str) -> str:
        """Return where a key itself stands, `FILE:LINE:COLUMN`."""
        return self._place(keys, value=False)

    def _place(self, keys: tuple[str, ...], *, value: bool) -> str:
        from chatcli.config.places import spots

        known = spots(self.text)
        for length in range(len(keys), 0, -1):
            if spot := known.get(keys[:length]):
                return f"{self.path}:{spot.value if value else spot.key}"
        return str(self.path)


def read_config(path: Path) -> ConfigFile:
    """Return what the file at `path` says, nothing where there is none. Raises no error."""
    try:
        text = _text(path)
    except UsageError as error:
        return ConfigFile(path, problems=(error,))
    return check(text, path) if text else ConfigFile(path)


def check(text: str, path: Path) -> ConfigFile:
    """Return what a text says that is, or shall be, in the file at `path`. Raises no error."""
    import tomllib  # whoever has no config.toml need not wait for it

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return ConfigFile(path, problems=(_unread(error, text, path),), text=text)
    except RecursionError:
        return _refused(path, "is nested too deeply", text)
    except ValueError:
        # Python reads no number of more than some thousand digits.
        return _refused(path, "holds a number that is too large", text)
    if any(_too_large(value) for value in document.values()):
        return _refused(path, "holds a number that is too large", text)
    return _checked(document, ConfigFile(path, text=text))


def _refused(path: Path, why: str, text: str) -> ConfigFile:
    return ConfigFile(path, problems=(UsageError(f"{path} {why}", MENDS),), text=text)


def _too_large(value: object) -> bool:
    """Tell whether there is a whole number in a value that TOML has no room for (64 bits)."""
    if isinstance(value, dict | list):
        return any(map(_too_large, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _text(path: Path) -> str:
    try:
        if not path.exists():
            return ""
        if not path.is_file():
            raise UsageError(f"{path} is no file", "move away what is there")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"{path} is too large for settings", "make it smaller")
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}:{line}: that is no UTF-8", "save it as UTF-8") from error
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror}", "mend it or remove it"
        ) from error


def _unread(error: TOMLDecodeError, text: str, path: Path) -> UsageError:
    """Return the reader's complaint with its place in front."""
    at = _AT.search(str(error))
    why = _AT.sub("", str(error))
    why = why[:1].lower() + why[1:]
    *before, last = text.split("\n")
    where = f"{at[1]}:{at[2]}" if at and at[1] else f"{len(before) + 1}:{len(last) + 1}"
    return UsageError(f"{path}:{where}: not valid TOML: {why}", MENDS)


def _checked(document: Mapping[str, object], file: ConfigFile) -> ConfigFile:
    values: dict[str, object] = {}
    problems: list[UsageError] = []
    for name in (name for name in document if name in SETTINGS):
        try:
            values[name] = value_of(name, document[name])
        except ValueError:
            told = f"{file.place(name)}: {misfit(name, document[name])}"
            problems.append(UsageError(told, MENDS))
    strange = [name for name in document if name not in SETTINGS and name not in TABLES]
    notes = [f"{file.place_of_key(name)}: {_unknown(name)}" for name in strange[:MOST_NOTES]]
    profiles, misplaced = _profiles(document.get("profiles", {}), file)
    return ConfigFile(file.path, values, profiles, (*problems, *misplaced), tuple(notes), file.text)


def _profiles(
    given: object, file: ConfigFile
) -> tuple[dict[str, Mapping[str, object]], list[UsageError]]:
    if not isinstance(given, dict):
        told = f"{file.place('profiles')}: `profiles` must be tables"
        return {}, [UsageError(told, "write [profiles.NAME]")]
    tables: dict[str, Mapping[str, object]] = {
        name: table for name, table in given.items() if isinstance(table, dict)
    }
    problems = [
        UsageError(f"{file.place('profiles', name)}: `{name}` must be a table", "[profiles.NAME]")
        for name in given
        if name not in tables
    ]
    return tables, problems


def misfit(name: str, given: object) -> str:
    """Say that a setting can't be that, and what it can be."""
    shown = str(given).lower() if isinstance(given, bool) else repr(given)
    if len(shown) > _MOST_SHOWN:
        shown = f"{shown[: _MOST_SHOWN - 3]}..."
    return f"{name} must be {SETTINGS[name].kind.expected}, not {shown}"


def _unknown(name: str) -> str:
    if name.lower() in _KEYS_OF_PROVIDERS:
        return f"`{name}` is not read from here; `chatcli config key set PROFILE` keeps a key"
    near = nearest(name, (*SETTINGS, *TABLES))
    if near is None:
        return f"there is no setting `{name}`; `chatcli config show` lists what there is"
    return f"there is no setting `{name}`; did you mean `{near}`?"


def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """Return the known word that is most like a mistyped one, None where none is."""
    import difflib

    return next(iter(difflib.get_close_matches(name, known, n=1)), None)

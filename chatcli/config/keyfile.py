"""keys.toml: the keys that `chatcli config key set` keeps, and whom each of them is for.

A key that the system's keyring holds has its line here too, so that nobody has to ask the keyring
whether there is one: importing what talks to it takes longer than chatcli's start.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatcli.errors import UsageError

MOST_BYTES: Final = 256 * 1024
_HEAD: Final = "# Keys that `chatcli config key set` keeps. Nobody else may read this file.\n"
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A profile's key. It goes to `origin`, as `origin_of` tells it, and nowhere else.

    `key` None: the system's keyring holds it.
    """

    origin: str
    key: str | None = field(default=None, repr=False)


def read_keys(path: Path) -> dict[str, StoredKey]:
    """Return the stored keys by their profiles. Raises UsageError where the file can't be read."""
    try:
        if not path.is_file():
            return {}
        import tomllib  # whoever has no stored keys need not wait for it

        with path.open("rb") as file:
            text = file.read(MOST_BYTES).decode()
        tables = tomllib.loads(text)
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror}", "mend it or remove it"
        ) from error
    except (ValueError, RecursionError):
        # Without the reader's own words, which may quote a key.
        told, hint = f"{path} is not what chatcli wrote", "remove it, and set the keys again"
        raise UsageError(told, hint) from None
    return {name: entry for name, table in tables.items() if (entry := _entry(table))}


def _entry(table: object) -> StoredKey | None:
    if not isinstance(table, dict):
        return None
    origin, key = table.get("origin"), table.get("key")
    if not isinstance(origin, str) or not isinstance(key, str | None):
        return None
    return StoredKey(origin, key)


def written(keys: Mapping[str, StoredKey]) -> bytes:
    """Return the keys as the file holds them."""
    return "\n".join([_HEAD, *(_table(name, keys[name]) for name in sorted(keys))]).encode()


def _table(name: str, entry: StoredKey) -> str:
    lines = [f"[{_quoted(name)}]", f"origin = {_quoted(entry.origin)}"]
    if entry.key is None:
        lines.append("# The system's keyring holds the key itself.")
    else:
        lines.append(f"key = {_quoted(entry.key)}")
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    """Return a text as TOML has it: like JSON, but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def tightened(path: Path) -> tuple[str, ...]:
    """Take from others the right to read the file, and return a line on it where they had one.

    What a link leads to is let be: in a strange folder it may be any file of the user's.
    """
    if not _is_open_to_others(path):
        return ()
    with suppress(OSError):
        if not path.is_symlink():
            path.chmod(_PRIVATE)
            told = "was open to others, who may have read its keys; it is yours alone now"
            return (f"{path} {told}",)
    return (f"{path} is open to others, and can't be closed from here: chmod 600 it",)


def _is_open_to_others(path: Path) -> bool:
    with suppress(OSError):
        return os.name != "nt" and bool(stat.S_IMODE(path.stat().st_mode) & ~_PRIVATE)
    return False

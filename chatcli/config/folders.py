"""Where the user's files are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatcli.errors import UsageError

APP: Final = "chatcli"


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the user's files are; none of the folders need exist."""

    config: Path
    data: Path
    cache: Path
    sessions: Path
    personas: tuple[Path, ...]

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def keys_file(self) -> Path:
        return self.config / "keys.toml"


def base_folders(home: str | None) -> Folders:
    """Return the folders below `home`, or the platform's own. Raises UsageError."""
    if home:
        root = at_home(home)
        return Folders(root, root, root / "cache", root / "sessions", ())
    from platformdirs import user_cache_path, user_config_path, user_data_path

    data = user_data_path(APP, appauthor=False)
    cache = user_cache_path(APP, appauthor=False)
    return Folders(user_config_path(APP, appauthor=False), data, cache, data / "sessions", ())


def chosen_folders(base: Folders, sessions: str | None, personas: str | None, cwd: Path) -> Folders:
    """Return the folders with those of sessions and personas as chosen. Raises UsageError."""

    def place(chosen: str | None, name: str) -> Path:
        if chosen:
            return at_home(chosen)
        here = cwd / name
        return here if here.is_dir() else base.data / name

    own = place(personas, "personas")
    return Folders(base.config, base.data, base.cache, place(sessions, "sessions"), (own,))


def current_folder() -> Path:
    """Return the folder that the user is in. Raises UsageError where it has been removed."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError("the folder that you are in is not there any more", "cd ~") from error


def at_home(text: str) -> Path:
    """Return the path that a user means, `~` included. Raises UsageError."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{text}: there is no such user") from error

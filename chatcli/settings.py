"""What the user has set: flags over environment over ./.env over config.toml over defaults.

This is the only module that reads the environment. `load` returns plain values, each with where
it came from; what they mean is for others to say.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from chatcli.conversation.context import STRATEGIES
from chatcli.errors import UsageError

APP: Final = "chatcli"

# Setting → the variable that holds it. Nothing else is ever read from a ./.env, which may be
# anybody's file.
VARIABLES: Final[Mapping[str, str]] = {
    "api_key": "OPENAI_API_KEY",
    "base_url": "OPENAI_BASE_URL",
    "model": "CHATCLI_MODEL",
    "persona": "CHATCLI_PERSONA",
    "budget": "CHATCLI_BUDGET",
    "strategy": "CHATCLI_STRATEGY",
    "window": "CHATCLI_WINDOW",
    "sessions_dir": "CHATCLI_SESSIONS_DIR",
    "personas_dir": "CHATCLI_PERSONAS_DIR",
    "home": "CHATCLI_HOME",
}
THEMES: Final = ("light", "dark", "mono")
"""The looks that `theme` in config.toml can name."""

# What tells where the user sits and what the terminal can do.
SURROUNDINGS: Final = (
    *("COLORTERM", "DISPLAY", "SSH_CONNECTION", "SSH_TTY", "TMUX", "WAYLAND_DISPLAY"),
)
DOTENV: Final = "./.env"
_NOT_IN_CONFIG: Final = {"api_key", "home"}
EDITING: Final = ("emacs", "vi")
_MOST_BYTES: Final = 256 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the user's files are."""

    config: Path
    data: Path
    cache: Path
    sessions: Path
    personas: tuple[Path, ...]

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. `sources` maps each that is set to where that was done.

    `budget` is in tokens, `window` in pairs of messages. `profiles` are the tables of config.toml
    as they stand there. `theme` is one of THEMES, None where the terminal's background decides.
    `surroundings` are the variables of SURROUNDINGS that are set. `color` is False where NO_COLOR
    is set, `dumb` True on a terminal that can't move its cursor. `editing` is whose keys the input
    line has, emacs' or vi's; `editor` is the command of the user's editor.
    """

    folders: Folders
    model: str | None = None
    persona: str | None = None
    budget: int | None = None
    strategy: str | None = None
    window: int | None = None
    base_url: str | None = None
    color: bool = True
    dumb: bool = False
    editing: str = "emacs"
    editor: str | None = None
    theme: str | None = None
    surroundings: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def secret(self, variable: str) -> str | None:
        """Return the key that the environment holds in `variable`, if it is set."""
        return self.secrets.get(variable) or None


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Settings:
    """Read all settings. Flags that are None are not set. Raises UsageError."""
    environ = os.environ if environ is None else environ
    cwd = cwd or Path.cwd()
    dotenv = _dotenv(cwd / ".env")
    found: dict[str, tuple[object, str]] = {}
    for name, variable in VARIABLES.items():
        if dotenv.get(variable):
            found[name] = (dotenv[variable], DOTENV)
        if environ.get(variable):
            found[name] = (environ[variable], f"the environment ({variable})")
    for name, value in (flags or {}).items():
        if value is not None:
            found[name] = (value, f"--{name.replace('_', '-')}")
    _refuse_strange_endpoint(found)

    home = _text(found, "home")
    folders = _base_folders(home)
    config = _config(folders.config_file)
    if found.get("home", (None, ""))[1] == DOTENV:
        _refuse_strange_config(config)
    for name, value in config.items():
        if name in {"editing", "theme"} or (name in VARIABLES and name not in _NOT_IN_CONFIG):
            found.setdefault(name, (value, str(folders.config_file)))

    return Settings(
        folders=_folders(folders, _text(found, "sessions_dir"), _text(found, "personas_dir"), cwd),
        model=_text(found, "model"),
        persona=_text(found, "persona"),
        budget=_number(found, "budget"),
        strategy=_one_of(STRATEGIES, found, "strategy"),
        window=_number(found, "window"),
        base_url=_text(found, "base_url"),
        color=not environ.get("NO_COLOR"),
        dumb=environ.get("TERM") == "dumb",
        editing=_one_of(EDITING, found, "editing") or "emacs",
        editor=environ.get("VISUAL") or environ.get("EDITOR") or None,
        theme=_one_of(THEMES, found, "theme"),
        surroundings={name: environ[name] for name in SURROUNDINGS if environ.get(name)},
        profiles=_profiles(config, folders.config_file),
        sources={name: source for name, (_, source) in found.items()},
        secrets={**environ, VARIABLES["api_key"]: _text(found, "api_key") or ""},
    )


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{path} is too large for a .env file", "make it smaller")
        # Without interpolation: "${SECRET}" in a stranger's file must not reach the environment.
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}", "mend it or remove it") from error
    return {name: values.get(name) or "" for name in VARIABLES.values()}


def _refuse_strange_endpoint(found: Mapping[str, tuple[object, str]]) -> None:
    """A folder's .env may not send a key from elsewhere to an endpoint of its own choice."""
    url_from = found.get("base_url", (None, ""))[1]
    key_from = found.get("api_key", (None, ""))[1]
    if url_from == DOTENV and key_from != DOTENV:
        raise UsageError(
            "./.env sets OPENAI_BASE_URL without an OPENAI_API_KEY of its own",
            "put the key for that endpoint into ./.env too, or set OPENAI_BASE_URL in the "
            "environment if you trust it",
        )


def _refuse_strange_config(config: Mapping[str, object]) -> None:
    """Nor may it do so by way of a config.toml that only it has led to."""
    if config.keys() & {"base_url", "profiles"}:
        raise UsageError(
            "./.env sets CHATCLI_HOME to a folder whose config.toml names endpoints",
            "set CHATCLI_HOME in the environment if you trust that folder",
        )


def _base_folders(home: str | None) -> Folders:
    if home:
        root = Path(home).expanduser()
        return Folders(root, root, root / "cache", root / "sessions", ())
    from platformdirs import user_cache_path, user_config_path, user_data_path

    data = user_data_path(APP, appauthor=False)
    cache = user_cache_path(APP, appauthor=False)
    return Folders(user_config_path(APP, appauthor=False), data, cache, data / "sessions", ())


def _folders(base: Folders, sessions: str | None, personas: str | None, cwd: Path) -> Folders:
    def place(chosen: str | None, name: str) -> Path:
        if chosen:
            return Path(chosen).expanduser()
        here = cwd / name
        return here if here.is_dir() else base.data / name

    own = place(personas, "personas")
    return Folders(base.config, base.data, base.cache, place(sessions, "sessions"), (own,))


def _config(path: Path) -> dict[str, object]:
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}", "mend it or remove it") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}", "mend that line") from error


def _profiles(config: Mapping[str, object], path: Path) -> dict[str, Mapping[str, object]]:
    profiles = config.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise UsageError(f"{path}: `profiles` must be tables", "write [profiles.NAME]")
    return profiles


def _value(
    found: Mapping[str, tuple[object, str]], name: str, read: Callable[[object], T], wanted: str
) -> T | None:
    if name not in found:
        return None
    value, source = found[name]
    try:
        return read(value)
    except ValueError:
        raise UsageError(f"{source}: {name} must be {wanted}, not {value!r}") from None


def _text(found: Mapping[str, tuple[object, str]], name: str) -> str | None:
    def read(value: object) -> str:
        if not isinstance(value, str | Path) or not str(value).strip():
            raise ValueError
        return str(value).strip()

    return _value(found, name, read, "a text")


def _number(found: Mapping[str, tuple[object, str]], name: str) -> int | None:
    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError
        number = int(value)
        if number < 1:
            raise ValueError
        return number

    return _value(found, name, read, "a whole number of at least 1")


def _one_of(
    known: Collection[str], found: Mapping[str, tuple[object, str]], name: str
) -> str | None:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError
        return value

    return _value(found, name, read, f"one of {', '.join(known)}")

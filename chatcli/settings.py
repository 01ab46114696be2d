"""What the user has set: flags over environment over ./.env over config.toml over defaults.

This is the only module that reads the environment. `load` returns plain values, each with where
it came from; what they mean is for others to say. What can be set is in `config/table.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatcli.config.dotenv import read_dotenv
from chatcli.config.folders import Folders, base_folders, chosen_folders, current_folder
from chatcli.config.keyfile import tightened
from chatcli.config.reading import ConfigFile, misfit, read_config
from chatcli.config.table import EDITING, SETTINGS, THEMES, value_of_text
from chatcli.errors import UsageError

__all__ = ["DOTENV", "EDITING", "THEMES", "VARIABLES", "Folders", "Settings", "load"]

# Setting → the variable that holds it. Nothing else is ever read from a ./.env, which may be
# anybody's file.
VARIABLES: Final[Mapping[str, str]] = {
    "home": "CHATCLI_HOME",
    "api_key": "OPENAI_API_KEY",
    **{name: setting.variable for name, setting in SETTINGS.items() if setting.variable},
}

# What tells where the user sits and what the terminal can do.
SURROUNDINGS: Final = (
    *("DISPLAY", "SSH_CONNECTION", "SSH_TTY", "TMUX", "WAYLAND_DISPLAY"),
    *("TERM", "TERM_PROGRAM", "VTE_VERSION", "KONSOLE_VERSION", "WT_SESSION", "KITTY_WINDOW_ID"),
    *("STY", "XTERM_VERSION"),
)
DOTENV: Final = "./.env"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. `sources` maps each that is set to where that was done.

    `budget` is in tokens, `window` in pairs of messages. `hub` is where weights are pulled from,
    None for the Hugging Face Hub itself. `profiles` are the tables of config.toml
    as they stand there; `config` is that file, which can tell where in it a key stands.
    `first_token_timeout` and `token_timeout` are in seconds, `memory_budget` in tokens. `theme` is
    one of THEMES, None where the terminal's background decides. `surroundings` are the variables of
    SURROUNDINGS that are set. `color` is False where NO_COLOR is set, `dumb` True on a terminal
    that can't move its cursor. `editing` is whose keys the input line has, emacs' or vi's; `editor`
    is the command of the user's editor. `notes` are lines on what is set and does nothing,
    `problems` what is wrong where that is no reason to stop.
    """

    folders: Folders
    model: str | None = None
    fallback: str | None = None
    persona: str | None = None
    user: str | None = None
    budget: int | None = None
    strategy: str | None = None
    window: int | None = None
    base_url: str | None = None
    hub: str | None = None
    first_token_timeout: float = 120.0
    token_timeout: float = 60.0
    memory: str = "off"
    memory_budget: int = 500
    reasoning: str = "brief"
    color: bool = True
    dumb: bool = False
    editing: str = "emacs"
    editor: str | None = None
    theme: str | None = None
    surroundings: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: tuple[UsageError, ...] = ()
    config: ConfigFile = field(default=ConfigFile(Path("config.toml")), repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def secret(self, variable: str) -> str | None:
        """Return the key that the environment holds in `variable`, if it is set."""
        return self.secrets.get(variable) or None


def load(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    lenient: bool = False,
    spell: Callable[[str], str] = lambda name: f"--{name.replace('_', '-')}",
) -> Settings:
    """Read all settings. Flags that are None are not set; errors call them as `spell` does.

    Raises UsageError for the first thing that is wrong. To be `lenient` is to leave out what is
    wrong, and to tell it in `problems`.
    """
    environ = os.environ if environ is None else environ
    cwd = cwd or current_folder()
    found = _Found()
    found.take_dotenv(cwd / ".env")
    found.take_environment(environ)
    found.take_flags(flags or {}, spell)
    found.check()
    found.refuse_strange_endpoint()
    base = base_folders(found.text("home"))
    found.take_config(read_config(base.config_file))
    if found.problems and not lenient:
        raise _first(found.problems)
    return Settings(
        folders=chosen_folders(base, found.text("sessions_dir"), found.text("personas_dir"), cwd),
        model=found.text("model"),
        fallback=found.text("fallback"),
        persona=found.text("persona"),
        user=found.text("user"),
        budget=found.whole("budget"),
        strategy=found.text("strategy"),
        window=found.whole("window"),
        base_url=found.text("base_url"),
        hub=environ.get("HF_ENDPOINT") or None,
        first_token_timeout=found.number("first_token_timeout"),
        token_timeout=found.number("token_timeout"),
        memory=found.word("memory"),
        memory_budget=found.whole("memory_budget") or 0,
        reasoning=found.word("reasoning"),
        color=not environ.get("NO_COLOR"),
        dumb=environ.get("TERM") == "dumb",
        editing=found.word("editing"),
        editor=environ.get("VISUAL") or environ.get("EDITOR") or None,
        theme=found.text("theme"),
        surroundings={name: environ[name] for name in SURROUNDINGS if environ.get(name)},
        profiles=found.config.profiles,
        sources=found.sources,
        notes=(*found.config.notes, *tightened(base.keys_file)),
        problems=tuple(found.problems),
        config=found.config,
        secrets={**environ, VARIABLES["api_key"]: found.text("api_key") or ""},
    )


class _Found:
    """What was found so far: first as given, the stronger over the weaker, and then checked.

    config.toml, the weakest, is known last, since it is looked for where the others say.
    """

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.sources: dict[str, str] = {}
        self.problems: list[UsageError] = []
        self.config = ConfigFile(Path("config.toml"))

    def take_dotenv(self, path: Path) -> None:
        try:
            stated = read_dotenv(path, VARIABLES.values())
        except UsageError as error:
            self.problems.append(error)
            return
        for name, variable in VARIABLES.items():
            self._take(name, stated.get(variable), DOTENV)

    def take_environment(self, environ: Mapping[str, str]) -> None:
        for name, variable in VARIABLES.items():
            self._take(name, environ.get(variable), f"the environment ({variable})")

    def take_flags(self, flags: Mapping[str, object], spell: Callable[[str], str]) -> None:
        for name, value in flags.items():
            self._take(name, value, spell(name))

    def _take(self, name: str, value: object, source: str) -> None:
        if value is not None and str(value).strip():
            self.values[name], self.sources[name] = value, source

    def check(self) -> None:
        """Read what was given as what it means; what can't be read is forgotten, and told."""
        for name, given in list(self.values.items()):
            try:
                text = str(given).strip()
                self.values[name] = value_of_text(name, text) if name in SETTINGS else text
            except ValueError:
                told = UsageError(f"{self.sources[name]}: {misfit(name, given)}")
                self._refuse(name, told)

    def refuse_strange_endpoint(self) -> None:
        """A folder's .env may not send a key from elsewhere to an endpoint of its own choice."""
        if self.sources.get("base_url") == DOTENV and self.sources.get("api_key") != DOTENV:
            told = "./.env sets OPENAI_BASE_URL without an OPENAI_API_KEY of its own"
            hint = (
                "put the key for that endpoint into ./.env too, or set OPENAI_BASE_URL in the "
                "environment if you trust it"
            )
            self._refuse("base_url", UsageError(told, hint))

    def _refuse(self, name: str, why: UsageError) -> None:
        del self.values[name], self.sources[name]
        self.problems.append(why)

    def take_config(self, config: ConfigFile) -> None:
        """Take what config.toml says where nothing stronger does."""
        if self.sources.get("home") == DOTENV:
            config = _without_endpoints(config)
        self.config = config
        self.problems += config.problems
        for name in config.values.keys() - self.values.keys():
            self.values[name], self.sources[name] = config.values[name], str(config.path)

    # What a setting is, by the type that its entry in the table has made sure of

    def _value(self, name: str) -> object:
        known = SETTINGS.get(name)
        return self.values.get(name, known.default if known else None)

    def text(self, name: str) -> str | None:
        value = self._value(name)
        return None if value is None else str(value)

    def word(self, name: str) -> str:
        return str(self._value(name))

    def whole(self, name: str) -> int | None:
        value = self._value(name)
        assert value is None or isinstance(value, int)
        return value

    def number(self, name: str) -> float:
        value = self._value(name)
        assert isinstance(value, float)
        return value


def _without_endpoints(config: ConfigFile) -> ConfigFile:
    """A folder's .env may not name an endpoint by way of a config.toml that only it has led to."""
    if "base_url" not in config.values and not config.profiles:
        return config
    told = "./.env sets CHATCLI_HOME to a folder whose config.toml names endpoints"
    hint = "set CHATCLI_HOME in the environment if you trust that folder"
    return ConfigFile(config.path, problems=(UsageError(told, hint),), text=config.text)


def _first(problems: list[UsageError]) -> UsageError:
    """Return the first problem, with a word on how many there are beside it."""
    first, more = problems[0], len(problems) - 1
    return UsageError(f"{first.message} (and {more} more)", first.hint) if more else first

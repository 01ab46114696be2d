"""The settings: each with what it may hold, where it can be set, and a line that says what it does.

One table for the environment, `config.toml`, its template and `chatcli config show`. Flags bear the
same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.strategies import STRATEGIES
from chatcli.parameters import Kind, number, one_of, whole

THEMES: Final = ("light", "dark", "mono")
EDITING: Final = ("emacs", "vi")
MEMORY: Final = ("off", "auto")
REASONING: Final = ("off", "brief", "full")


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set.

    `default` is what holds where nothing is set, None where that depends on other things; then
    `otherwise` says on what, and `example` is what the template shows. `variable` is the
    environment variable that sets it.
    """

    kind: Kind[object]
    about: str
    default: object = None
    example: object = None
    otherwise: str = ""
    variable: str | None = None


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError
    return value.strip()


TEXT: Final[Kind[str]] = Kind("a text", _read_text)
_SECONDS: Final = number(1, 3600)

SETTINGS: Final[Mapping[str, Setting]] = {
    "model": Setting(
        TEXT,
        "Which model answers: MODEL or PROFILE:MODEL. `chatcli models list` shows the profiles.",
        example="ollama:llama3.2",
        otherwise="openai where it has a key, else local",
        variable="CHATCLI_MODEL",
    ),
    "fallback": Setting(
        TEXT,
        "Which model answers where that one can't.",
        example="local",
        otherwise="none",
    ),
    "base_url": Setting(
        TEXT,
        "Another endpoint for the profile `openai`, which speaks the same protocol.",
        example="http://localhost:8000/v1",
        otherwise="OpenAI's own",
        variable="OPENAI_BASE_URL",
    ),
    "persona": Setting(
        TEXT,
        "Who the model shall be: a name that `chatcli personas list` shows.",
        example="pirate",
        otherwise="none",
        variable="CHATCLI_PERSONA",
    ),
    "user": Setting(
        TEXT, "What personas that ask for it call you.", example="Alice", otherwise="no name"
    ),
    "budget": Setting(
        whole(1, 100_000_000),
        "Most prompt tokens per request; without it, what the model can read.",
        example=8000,
        otherwise="what the model can read",
        variable="CHATCLI_BUDGET",
    ),
    "strategy": Setting(
        one_of(*STRATEGIES),
        f"What to do when the budget is full: {', '.join(STRATEGIES)}.",
        example="truncate",
        otherwise="truncate, or as the persona says",
        variable="CHATCLI_STRATEGY",
    ),
    "window": Setting(
        whole(1, 10_000),
        "Pairs of messages that the strategy `window` keeps.",
        example=5,
        otherwise="5, or as the persona says",
        variable="CHATCLI_WINDOW",
    ),
    "memory": Setting(
        one_of(*MEMORY),
        "Whether the model may choose what to remember of a chat: off or auto.",
        default="off",
    ),
    "memory_budget": Setting(
        whole(0, 1_000_000), "Most tokens of what is remembered that a request carries.", 500
    ),
    "first_token_timeout": Setting(
        _SECONDS, "Seconds to wait for a reply to begin, and then for each next piece of it.", 120.0
    ),
    "token_timeout": Setting(_SECONDS, "", 60.0),
    "reasoning": Setting(
        one_of(*REASONING), "How much is shown of what a model thinks: off, brief or full.", "brief"
    ),
    "theme": Setting(
        one_of(*THEMES),
        "The look: light, dark or mono; without it, the terminal's background decides.",
        example="dark",
        otherwise="as the background is",
    ),
    "editing": Setting(one_of(*EDITING), "Whose keys the input line has: emacs or vi.", "emacs"),
    "sessions_dir": Setting(
        TEXT,
        "Where sessions are kept; without it, ./sessions if it exists, else the data folder.",
        example="~/chats",
        variable="CHATCLI_SESSIONS_DIR",
    ),
    "personas_dir": Setting(
        TEXT,
        "Where your own personas are; without it, ./personas if it exists, else the data folder.",
        example="~/personas",
        variable="CHATCLI_PERSONAS_DIR",
    ),
}
"""What config.toml can hold, beside the tables [profiles.NAME]. A new setting is an entry here and
a field of `settings.Settings`."""

TABLES: Final = ("profiles",)


def value_of(name: str, given: object) -> object:
    """Return a setting's value as it stands in config.toml. Raises ValueError where it can't be."""
    return SETTINGS[name].kind.read(given)


def value_of_text(name: str, text: str) -> object:
    """Return a setting's value as it was typed, or stands in a variable. Raises ValueError."""
    try:
        return SETTINGS[name].kind.read(text.strip())
    except ValueError:
        return SETTINGS[name].kind.read(_number(text))


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)

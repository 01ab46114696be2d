"""Whom `--model PROFILE:MODEL` means: endpoints with their keys, default models and tokenizers.

A profile that ships is a line in PROFILES; `[profiles.NAME]` in config.toml adds one or changes
what it says. A profile's key is sent to its own base URL and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from chatcli.errors import UsageError
from chatcli.providers.prices import Place, Rates
from chatcli.settings import DOTENV, Settings

if TYPE_CHECKING:
    from decimal import Decimal

LOCAL: Final = "local"
OPENAI: Final = "openai"
SMOLLM2: Final = "smollm2"


@dataclass(frozen=True, slots=True)
class Profile:
    """An endpoint that speaks the chat-completions protocol.

    `key_variable` names the environment variable that holds the key; None: it wants none.
    `model` None means whichever the endpoint lists first. `tokenizer` is a tiktoken encoding, or
    None to choose by the model's name. `context_window`, in tokens, and `rates` hold for all models
    of the profile; None leaves them to what is known of each.
    """

    base_url: str
    key_variable: str | None
    model: str | None = None
    tokenizer: str | None = None
    context_window: int | None = None
    rates: Rates | None = None

    def place(self, name: str) -> Place:
        """Return where the models of this profile are asked, which has this name."""
        return Place(name, self.base_url, self.context_window, self.rates)


PROFILES: Final[Mapping[str, Profile]] = {
    LOCAL: Profile("", None, SMOLLM2),
    OPENAI: Profile("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-5-mini"),
    "azure": Profile("", "AZURE_OPENAI_API_KEY"),
    "ollama": Profile("http://localhost:11434/v1", None),
    "lmstudio": Profile("http://localhost:1234/v1", None),
    "vllm": Profile("http://localhost:8000/v1", None),
    "openrouter": Profile("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter/auto"),
    "groq": Profile("https://api.groq.com/openai/v1", "GROQ_API_KEY", "openai/gpt-oss-20b"),
    "mistral": Profile("https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral-small-latest"),
    "deepseek": Profile("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek-chat"),
    "gemini": Profile(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        "gemini-2.5-flash",
    ),
    "anthropic": Profile("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "claude-haiku-4-5"),
    "xai": Profile("https://api.x.ai/v1", "XAI_API_KEY", "grok-4"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Which model is asked, where, and with which key.

    `model` None: whichever the endpoint lists first.
    """

    profile: str
    model: str | None
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    key_variable: str | None = None
    tokenizer: str | None = None
    context_window: int | None = None
    rates: Rates | None = None

    @property
    def name(self) -> str:
        """The target as the user would write it."""
        return f"{self.profile}:{self.model}" if self.model else self.profile

    @property
    def place(self) -> Place:
        return Place(self.profile, self.base_url, self.context_window, self.rates)


def profiles_of(settings: Settings) -> dict[str, Profile]:
    """Return all profiles, those of config.toml over the ones that ship. Raises UsageError."""
    known = dict(PROFILES)
    if settings.base_url:
        # Another endpoint has other models than OpenAI: it is asked for its own.
        known[OPENAI] = replace(known[OPENAI], base_url=settings.base_url, model=None)
    for name, table in settings.profiles.items():
        known[name] = _configured(name, table, known.get(name))
    return known


def split(spec: str, names: Mapping[str, object]) -> tuple[str | None, str | None]:
    """Part `PROFILE:MODEL` into its halves; only what is before the first colon can be a profile.

    A lone profile name means that profile's default model.
    """
    head, colon, rest = spec.partition(":")
    if head in names:
        return head, rest or None
    if colon and not rest:
        raise UsageError(f"`{spec}` names no model", "--model PROFILE:MODEL")
    return None, spec


def resolve(settings: Settings, spec: str | None = None) -> Target:
    """Return the target that `spec`, or else the settings, mean. Raises UsageError."""
    known = profiles_of(settings)
    spec = spec or settings.model
    name, model = split(spec, known) if spec else (None, None)
    if name is None:
        keyed = settings.base_url or settings.secret("OPENAI_API_KEY")
        name = OPENAI if keyed else LOCAL
        if model is not None and not keyed:
            raise UsageError(
                f"`{model}` needs an endpoint: no OPENAI_API_KEY and no OPENAI_BASE_URL is set",
                f"set one, or name the profile, as in --model ollama:{model}",
            )
    profile = known[name]
    _refuse_strange_key(settings, name, profile)
    if not profile.base_url and name != LOCAL:
        raise UsageError(
            f"the profile `{name}` needs the address of your endpoint",
            f"write base_url under [profiles.{name}] in {settings.folders.config_file}",
        )
    return Target(
        name,
        model or profile.model,
        profile.base_url,
        _key(settings, name, profile),
        profile.key_variable,
        profile.tokenizer,
        profile.context_window,
        profile.rates,
    )


def _refuse_strange_key(settings: Settings, name: str, profile: Profile) -> None:
    """An endpoint from ./.env gets the key from ./.env, whatever config.toml calls the key."""
    strange = name == OPENAI and settings.sources.get("base_url") == DOTENV
    if strange and profile.key_variable != PROFILES[OPENAI].key_variable:
        raise UsageError(
            f"./.env sets OPENAI_BASE_URL, and config.toml takes the key from "
            f"{profile.key_variable}: it would go to that endpoint",
            "set OPENAI_BASE_URL in the environment if you trust it",
        )


def _key(settings: Settings, name: str, profile: Profile) -> str | None:
    """Return the profile's key, checked: it goes into a header, where not all text can go."""
    if profile.key_variable is None:
        return None
    key = settings.secret(profile.key_variable)
    if key is None:
        if name == OPENAI and settings.base_url:
            return None
        raise UsageError(
            f"the profile `{name}` needs a key in {profile.key_variable}",
            f"export {profile.key_variable}=…, or chat without one: --model local",
        )
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"the key in {profile.key_variable} holds spaces, line ends or other characters "
            "that no key has",
            "copy it again",
        )
    return key


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return value


def _tokens(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError
    return value


def _dollars(value: object) -> Decimal:
    from decimal import Decimal

    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    # NaN fails both comparisons. By way of the text, 0.1 stays one tenth.
    if not 0 <= value <= _MOST_DOLLARS:
        raise ValueError
    return Decimal(str(value))


_MOST_DOLLARS: Final = 1_000_000

# What [profiles.NAME] can have: each key with how it is read and what it must be.
_KEYS: Final[Mapping[str, tuple[Callable[[object], Any], str]]] = {
    **dict.fromkeys(("base_url", "key_variable", "model", "tokenizer"), (_text, "a text")),
    "context_window": (_tokens, "a whole number of tokens, at least 1"),
    **dict.fromkeys(
        ("input_price", "output_price", "cached_price"),
        (_dollars, "a number of US dollars per million tokens, 0 or more"),
    ),
}


def _configured(name: str, table: Mapping[str, object], shipped: Profile | None) -> Profile:
    where = f"[profiles.{name}] in config.toml"
    stated = {key: _stated(where, key, value) for key, value in table.items()}
    prices = [stated.pop(f"{kind}_price", None) for kind in ("input", "output", "cached")]
    return replace(shipped or Profile("", None), rates=_rates(where, *prices), **stated)


def _stated(where: str, key: str, value: object) -> Any:
    if key not in _KEYS:
        raise UsageError(
            f"{where} has an unknown key `{key}`", f"it can have {', '.join(sorted(_KEYS))}"
        )
    read, wanted = _KEYS[key]
    try:
        return read(value)
    except ValueError:
        raise UsageError(f"{where}: `{key}` must be {wanted}") from None


def _rates(
    where: str, prompt: Decimal | None, reply: Decimal | None, cached: Decimal | None
) -> Rates | None:
    """Return the prices that a profile states. With none of its own, what is cached is prompt."""
    if prompt is None and reply is None and cached is None:
        return None
    if prompt is None or reply is None:
        raise UsageError(
            f"{where} has prices for some tokens only",
            "write both input_price and output_price",
        )
    return Rates(prompt, reply, prompt if cached is None else cached)

"""Whom `--model PROFILE:MODEL` means: endpoints with their keys, default models and parameters.

A profile that ships is a line in PROFILES; `[profiles.NAME]` in config.toml adds one or changes
what it says. A profile's key is sent to its own base URL and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from chatcli.errors import UsageError
from chatcli.parameters import Parameter
from chatcli.providers import keys
from chatcli.providers.base import Network, is_openai
from chatcli.providers.dialect import LIMIT, OLD_LIMIT, RANDOM_SEED
from chatcli.providers.keys import Key
from chatcli.providers.prices import Place, Rates
from chatcli.providers.profile_tables import ADDRESS, fields_of
from chatcli.settings import DOTENV, Settings

LOCAL: Final = "local"
OPENAI: Final = "openai"
SMOLLM2: Final = "smollm2"

OLDER: Final[Mapping[str, str]] = {LIMIT: OLD_LIMIT}
"""How most servers but OpenAI's call the longest reply; some ignore the newer name in silence."""


@dataclass(frozen=True, slots=True)
class Profile:
    """An endpoint that speaks the chat-completions protocol.

    `key_variable` names the environment variable that holds the key; None: it needs none.
    `key_command` prints the key, as a line for the shell or as its words. `model` None means
    whichever the endpoint lists first. `tokenizer`, a vocabulary that ships, `context_window`, in
    tokens, `rates` and `images`, whether they take any, hold for all models of the profile; None
    leaves them to what is known of each. `words` are the endpoint's own names for parameters.
    """

    base_url: str
    key_variable: str | None
    model: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    network: Network = field(default_factory=Network)
    key_command: object = None
    tokenizer: str | None = None
    context_window: int | None = None
    rates: Rates | None = None
    images: bool | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        """Return where the models of this profile are asked, which has this name."""
        return Place(name, self.base_url, self.context_window, self.rates)


# Azure's address is that of one's own resource: https://RESOURCE.openai.azure.com/openai/v1, where
# it takes a key as OpenAI does (https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle).
# The models are those that their makers recommend in place of cheaper ones that end in 2026.
PROFILES: Final[Mapping[str, Profile]] = {
    LOCAL: Profile("", None, SMOLLM2),
    OPENAI: Profile("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-6.1-terra"),
    "azure": Profile("", "AZURE_OPENAI_API_KEY"),
    "ollama": Profile("http://localhost:11434/v1", None, None, OLDER),
    "lmstudio": Profile("http://localhost:1234/v1", None, None, OLDER),
    "vllm": Profile("http://localhost:8000/v1", None, None, OLDER),
    "openrouter": Profile(
        "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter/auto", OLDER
    ),
    "groq": Profile("https://api.groq.com/openai/v1", "GROQ_API_KEY", "openai/gpt-oss-20b"),
    "mistral": Profile(
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        "mistral-small-latest",
        {**OLDER, "seed": RANDOM_SEED},
    ),
    "deepseek": Profile("https://api.deepseek.com", "DEEPSEEK_API_KEY", "deepseek-flash", OLDER),
    "gemini": Profile(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        "gemini-3.8-flash",
        OLDER,
    ),
    "anthropic": Profile(
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        "claude-haiku-5-5",
        # Its list of models is the native one, and is asked for in the native way.
        network=Network({"anthropic-version": "2023-06-01"}, listing_key="x-api-key"),
    ),
    "xai": Profile("https://api.x.ai/v1", "XAI_API_KEY", "grok-4.3"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Which model is asked, where, how, and with which key: that is read when it is asked.

    `model` None: whichever the endpoint lists first.
    """

    profile: str
    model: str | None
    base_url: str
    key: Key | None = None
    tokenizer: str | None = None
    context_window: int | None = None
    rates: Rates | None = None
    images: bool | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    network: Network = field(default_factory=Network)

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
    for name in settings.profiles:
        known[name] = _configured(settings, name, known.get(name))
    if not is_openai(known[OPENAI].base_url):
        known[OPENAI] = replace(known[OPENAI], words=OLDER)
    return known


def _configured(settings: Settings, name: str, before: Profile | None) -> Profile:
    profile = before or Profile("", None, words=OLDER)
    stated = fields_of(settings, name, profile.network)
    file = str(settings.folders.config_file)
    if name == OPENAI and settings.sources.get("base_url", file) != file:
        # What is weaker than OPENAI_BASE_URL does not take its place.
        stated.pop("base_url", None)
    return replace(profile, **stated)


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
        keyed = settings.base_url or _has_key(settings, known[OPENAI])
        name = OPENAI if keyed else LOCAL
        if model is not None and not keyed:
            raise UsageError(
                f"`{model}` needs an endpoint: no OPENAI_API_KEY and no OPENAI_BASE_URL is set",
                f"set one, or name the profile, as in --model ollama:{model}",
            )
    profile = known[name]
    if not profile.base_url and name != LOCAL:
        raise UsageError(
            f"the profile `{name}` needs the address of your endpoint",
            f"write base_url under [profiles.{name}] in {settings.folders.config_file}",
        )
    base_url = _address(settings, name, profile.base_url)
    return Target(
        name,
        model or profile.model,
        base_url,
        _key(settings, name, profile, base_url),
        profile.tokenizer,
        profile.context_window,
        profile.rates,
        profile.images,
        profile.parameters,
        profile.words,
        profile.network,
    )


def _has_key(settings: Settings, openai: Profile) -> bool:
    command, url = openai.key_command, openai.base_url
    return keys.find(settings, OPENAI, openai.key_variable, command, url) is not None


def _address(settings: Settings, name: str, base_url: str) -> str:
    try:
        return ADDRESS.read(base_url) if name != LOCAL else base_url
    except ValueError:
        where = settings.sources.get("base_url", "config.toml")
        raise UsageError(f"{where}: base_url must be {ADDRESS.expected}") from None


def _key(settings: Settings, name: str, profile: Profile, base_url: str) -> Key | None:
    if name == LOCAL:
        return None
    key = keys.find(settings, name, profile.key_variable, profile.key_command, base_url)
    strange = name == OPENAI and settings.sources.get("base_url") == DOTENV
    if strange:
        _refuse_strange_endpoint(profile, key)
    needed = profile.key_variable is not None or profile.key_command is not None
    if key is None and needed and not (name == OPENAI and settings.base_url):
        raise keys.missing(name, profile.key_variable)
    return key


def _refuse_strange_endpoint(profile: Profile, key: Key | None) -> None:
    """An endpoint from ./.env gets the key from ./.env, and nothing that is meant for another."""
    hint = "set OPENAI_BASE_URL in the environment if you trust it"
    if key is not None and key.source != DOTENV:
        told = f"./.env sets OPENAI_BASE_URL, and the key comes from {key.source}"
        raise UsageError(f"{told}: it would go to that endpoint", hint)
    if profile.network.headers or profile.network.client_cert:
        told = "./.env sets OPENAI_BASE_URL, and config.toml has headers or a certificate"
        raise UsageError(f"{told} for `{OPENAI}`: they would go to that endpoint", hint)

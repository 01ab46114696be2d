"""What a model can read at once, and what its replies cost.

The figures are those that the package genai-prices carries with it: nothing is ever fetched. Its
import takes a tenth of a second and is left to the first who asks. What config.toml says of a
profile goes before it. None means that a figure is not known: none is guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from chatcli.conversation.messages import Usage
from chatcli.providers.base import is_loopback

if TYPE_CHECKING:
    from decimal import Decimal

    from genai_prices.types import ModelInfo, ModelPrice, Provider

SELF_RUN: Final = frozenset({"local", "ollama", "lmstudio", "vllm"})
"""The profiles of programs that people run themselves: on their own machine they cost nothing."""

AZURE: Final = "azure"
"""The one profile whose endpoint may have any address: its name says whose it is."""

LEAST_CACHED: Final = 1024
"""Shorter prompts are not cached by OpenAI (https://platform.openai.com/docs/guides/prompt-caching)."""

_ALONE: Final = frozenset({"openai", "anthropic", "google", "x-ai"})
"""Makers that keep their weights to themselves, so that a name of theirs means one model."""

Offer: TypeAlias = "tuple[Provider, ModelInfo]"
"""A model, and who sells it."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices in US dollars per million tokens.

    `cached` is that of the prompt tokens which the endpoint took from its cache.
    """

    input: Decimal
    output: Decimal
    cached: Decimal

    def cost(self, usage: Usage) -> Decimal:
        """Return what a reply costs, in US dollars."""
        fresh = usage.prompt_tokens - usage.cached_tokens
        millionths = (
            fresh * self.input
            + usage.cached_tokens * self.cached
            + usage.completion_tokens * self.output
        )
        return millionths / 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model is asked, as far as windows and prices depend on it.

    `context_window`, in tokens, and `rates` are the user's own word; None: they say nothing.
    """

    profile: str
    base_url: str
    context_window: int | None = None
    rates: Rates | None = None


def window_of(place: Place, model: str | None) -> int | None:
    """Return how many tokens a model can read at once, None where that is not known."""
    if place.context_window is not None or model is None:
        return place.context_window
    windows = {offered.context_window for _, offered in _offers(place, model)} - {None}
    return windows.pop() if len(windows) == 1 else None


def cost_of(place: Place, model: str, usage: Usage, when: str) -> Decimal | None:
    """Return what a reply cost in US dollars, None where that is not known.

    `model` is the name that was asked for or the one that the endpoint reported, with or without
    its profile; `when` is a node's time, for prices change with the date and the hour.
    """
    from decimal import Decimal

    if _costs_nothing(place):
        return Decimal(0)
    if not _makes_sense(usage):
        return None
    if place.rates is not None:
        return place.rates.cost(usage)
    time = _time(when)
    if time is None:
        return None
    costs = {_cost(offer, usage, time) for offer in _offers(place, model)} - {None}
    return costs.pop() if len(costs) == 1 else None


def _costs_nothing(place: Place) -> bool:
    if place.rates is not None or place.profile not in SELF_RUN:
        return False
    return not place.base_url or is_loopback(place.base_url)


def _makes_sense(usage: Usage) -> bool:
    parts = (usage.cached_tokens, usage.written_tokens or 0)
    known = sum(parts) <= usage.prompt_tokens and usage.completion_tokens >= 0
    return known and min(parts) >= 0


def _time(when: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(when)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _offers(place: Place, model: str) -> tuple[Offer, ...]:
    """Return who sells the model there: one where the place is known, else all it could be."""
    if place.profile in SELF_RUN:
        return ()
    # Google's endpoint reports its models as it lists them, with `models/` before the name.
    name = model.removeprefix(f"{place.profile}:").removeprefix("models/")
    seller = AZURE if place.profile == AZURE else _seller_at(place.base_url)
    return _offers_of(seller, name) if seller else _offers_by_name(name)


@lru_cache(maxsize=64)
def _seller_at(base_url: str) -> str | None:
    """Return whom the library knows at an address."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        parts = urlsplit(base_url)
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2].lower().removesuffix(":443")
    address = f"https://{host}{parts.path}"
    for provider in get_snapshot().providers:
        found = re.match(provider.api_pattern, address)
        # Most patterns would be content with `api.openai.com.example.org`.
        if found and (found[0].endswith((".", "/")) or address[found.end() :][:1] in {"", "/"}):
            return provider.id
    return None


@lru_cache(maxsize=256)
def _offers_of(seller: str, name: str) -> tuple[Offer, ...]:
    from genai_prices.data_snapshot import get_snapshot

    providers = get_snapshot().providers
    provider = next((each for each in providers if each.id == seller), None)
    model = provider.find_model(name, all_providers=providers) if provider else None
    return ((provider, model),) if provider and model else ()


@lru_cache(maxsize=256)
def _offers_by_name(name: str) -> tuple[Offer, ...]:
    """Return all offers of a model that has only one maker, nothing for any other.

    Somebody's own endpoint may pass requests on to that maker. Where weights are open, it may as
    well run them itself, and the name says nothing of the price.
    """
    from genai_prices.data_snapshot import get_snapshot

    # OpenAI's open models begin with `gpt-` too.
    if "-oss" in name.lower():
        return ()
    providers = get_snapshot().providers
    makers = {each.id for each in providers if each.model_match and each.model_match.is_match(name)}
    if len(makers) != 1 or not makers <= _ALONE or not _offers_of(*makers, name):
        return ()
    return tuple(offer for each in providers for offer in _offers_of(each.id, name))


def _cost(offer: Offer, usage: Usage, when: datetime) -> Decimal | None:
    from decimal import Decimal

    from genai_prices import Usage as Counted

    provider, model = offer
    if model.id.endswith(":free"):
        return Decimal(0)
    if not _says_all(model, model.get_prices(when), usage):
        return None
    counted = Counted(
        input_tokens=usage.prompt_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.written_tokens or 0,
        output_tokens=usage.completion_tokens,
    )
    return model.calc_price(counted, provider, genai_request_timestamp=when).total_price


def _says_all(model: ModelInfo, prices: ModelPrice, usage: Usage) -> bool:
    """Tell whether `usage` holds all that the model charges for."""
    charged = {key for key, price in vars(prices).items() if price is not None}
    if not {"input_mtok", "output_mtok"} <= charged:
        return False
    if usage.cached_tokens and "cache_read_mtok" not in charged:
        return False
    if any(key.startswith("output_") for key in charged - {"output_mtok"}):
        return False
    # Models that search of their own accord are paid by the search too.
    return "search" not in model.id and not _charges_for_caching(model, charged, usage)


def _charges_for_caching(model: ModelInfo, charged: set[str], usage: Usage) -> bool:
    """Tell whether an unknown part of the prompt may have cost more, as it went into a cache.

    OpenAI's models cache unasked. With other makers, one has to ask for it, and nobody here does.
    """
    if usage.written_tokens is not None:
        return False
    of_openai = model.id.rpartition("/")[2].startswith("gpt-")
    return of_openai and "cache_write_mtok" in charged and usage.prompt_tokens >= LEAST_CACHED

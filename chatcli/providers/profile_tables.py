"""What a table [profiles.NAME] of config.toml can have: each key, what it may hold, what it means.

Beside what is listed here, these are the parameters of `chatcli.parameters`, by their names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from chatcli import vocabularies
from chatcli.errors import UsageError
from chatcli.parameters import PARAMETERS, Kind, one_of, whole
from chatcli.providers.base import Network
from chatcli.providers.prices import Rates
from chatcli.settings import Settings

if TYPE_CHECKING:
    from decimal import Decimal

MOST_DOLLARS: Final = 1_000_000
LONGEST_HEADER: Final = 8192
MENDS: Final = "`chatcli config edit` mends it"

_VARIABLE: Final = re.compile("[A-Za-z_][A-Za-z0-9_]{0,127}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING: Final = {"content-length", "transfer-encoding", "connection", "host"}
_ENDING: Final = "/chat/completions"
_SECRET: Final = re.compile(r"(api_?)?key|token|secret|password", re.IGNORECASE)
_MOST_SHOWN: Final = 60


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError
    return value.strip()


def _address(value: object) -> str:
    text = _text(value).rstrip("/").removesuffix(_ENDING).rstrip("/")
    parts = urlsplit(text)
    # A password in it would stand in every error and file that names the address.
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError
    if parts.query or parts.fragment or (parts.port or 1) < 1:
        raise ValueError
    return text


def _command(value: object) -> str | tuple[str, ...]:
    if isinstance(value, list) and value:
        return tuple(_text(word) for word in value)
    return _text(value)


def _headers(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _FRAMING:
            raise ValueError
        if not isinstance(text, str) or not text.isascii() or not (text.isprintable() or not text):
            raise ValueError
        if len(text) > LONGEST_HEADER:
            raise ValueError
    return dict(value)


def _variable(value: object) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        raise ValueError
    return value


def _proxy(value: object) -> str:
    if not isinstance(value, str) or not (value.isprintable() or not value):
        raise ValueError
    return value.strip()


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _dollars(value: object) -> Decimal:
    from decimal import Decimal

    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    # NaN fails both comparisons. By way of the text, 0.1 stays one tenth.
    if not 0 <= value <= MOST_DOLLARS:
        raise ValueError
    return Decimal(str(value))


TEXT: Final = Kind("a text", _text)
ADDRESS: Final = Kind(
    "an address like https://HOST/v1, with no password and no `?` in it", _address
)
_FILE: Final = Kind("the path of a file", _text)
_PRICE: Final = Kind("a number of US dollars per million tokens, 0 or more", _dollars)

_NETWORK: Final[Mapping[str, Kind[Any]]] = {
    "headers": Kind("a table of texts, each on one line, by the headers' names", _headers),
    "proxy": Kind('the address of a proxy, or "" for none', _proxy),
    "ca_bundle": Kind("the path of a file or a folder", _text),
    "client_cert": _FILE,
    "client_key": _FILE,
}
_PRICES: Final[Mapping[str, Kind[Any]]] = dict.fromkeys(
    ("input_price", "output_price", "cached_price"), _PRICE
)
_PATHS: Final = ("ca_bundle", "client_cert", "client_key")

KEYS: Final[Mapping[str, Kind[Any]]] = {
    "base_url": ADDRESS,
    "key_variable": Kind("the name of a variable, not the key itself", _variable),
    "key_command": Kind("a text, or a list of texts", _command),
    "model": TEXT,
    "tokenizer": one_of(*vocabularies.PATTERNS),
    "context_window": Kind("a whole number of tokens, at least 1", whole(1, 10**9).read),
    "images": Kind("true or false", _switch),
    **_PRICES,
    **_NETWORK,
    **PARAMETERS,
}
"""A new key is a line here, and a field of `Profile` or `Network`."""

_UNSHOWN: Final = {"headers", "proxy", "key_command", "key_variable", "base_url"}
"""What may hold a secret, and is not repeated in an error."""


def fields_of(settings: Settings, name: str, before: Network) -> dict[str, Any]:
    """Return what the table of a profile says, as fields of `Profile`. Raises UsageError.

    `before` is how the endpoint was reached so far.
    """
    table = settings.profiles[name]
    stated = {key: _stated(settings, name, key, value) for key, value in table.items()}
    folder = settings.folders.config
    for key in _PATHS:
        if key in stated:
            stated[key] = str(folder / Path(stated[key]).expanduser())
    network = {key: stated.pop(key) for key in _NETWORK if key in stated}
    if "client_key" in network and "client_cert" not in network:
        where = settings.config.place("profiles", name, "client_key")
        told = f"{where}: the profile `{name}` has a client_key without a client_cert"
        raise UsageError(told, "name both, or one file with both as client_cert")
    parameters = {key: stated.pop(key) for key in PARAMETERS if key in stated}
    prices = [stated.pop(key, None) for key in _PRICES]
    return {
        **stated,
        "rates": _rates(settings.config.place("profiles", name), name, *prices),
        "parameters": parameters,
        "network": _over(before, network),
    }


def _over(before: Network, stated: Mapping[str, Any]) -> Network:
    from dataclasses import replace

    headers = {**before.headers, **stated.get("headers", {})}
    return replace(before, **{**stated, "headers": headers})


def _stated(settings: Settings, name: str, key: str, value: object) -> Any:
    if key not in KEYS:
        where = settings.config.place_of_key("profiles", name, key)
        raise UsageError(
            f"{where}: the profile `{name}` has an unknown key `{key}`", _meant(name, key)
        )
    try:
        return KEYS[key].read(value)
    except ValueError:
        where = settings.config.place("profiles", name, key)
        found = "" if key in _UNSHOWN else f", not {_shown(value)}"
        told = f"{where}: `{key}` of the profile `{name}` must be {KEYS[key].expected}{found}"
        raise UsageError(told, MENDS) from None


def _meant(name: str, key: str) -> str:
    import difflib

    if _SECRET.fullmatch(key):
        return f"no key belongs in that file: `chatcli config key set {name}` keeps one"
    near = difflib.get_close_matches(key.lower().replace("-", "_"), KEYS, n=1)
    return f"did you mean `{near[0]}`?" if near else f"it can have {', '.join(sorted(KEYS))}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def _rates(
    where: str,
    name: str,
    prompt: Decimal | None,
    reply: Decimal | None,
    cached: Decimal | None,
) -> Rates | None:
    """Return the prices that a profile states. With none of its own, what is cached is prompt."""
    if prompt is None and reply is None and cached is None:
        return None
    if prompt is None or reply is None:
        raise UsageError(
            f"{where}: the profile `{name}` has prices for some tokens only",
            "write both input_price and output_price",
        )
    return Rates(prompt, reply, prompt if cached is None else cached)

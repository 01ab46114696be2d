"""What no persona may say, by any spelling: where messages and keys go.

A persona may come from anybody. Its own keys are few, so that a connection among them would do
nothing and is refused to be plain about it. An `extra_body` is sent as it stands, and there are
servers that take an address or a key for the next one out of it (LiteLLM's proxy does, in
`api_base` and `api_key`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final

from chatcli.personas.names import shown

_OF_A_FILE: Final = re.compile(
    r"(openai|chatcli|custom|llm|model|provider|server)?(api)?(access|auth|secret|base|extra)?"
    r"(key|token|secret|password|base|url|uri|host|endpoint|proxy|headers?|auth|authorization)"
)
_WORDS: Final = frozenset(
    (
        *("url", "urls", "uri", "uris", "host", "hostname", "endpoint", "endpoints", "proxy"),
        *("proxies", "header", "headers", "auth", "authorization", "bearer", "credential"),
        *("credentials", "secret", "secrets", "password", "passwd", "webhook", "callback"),
    )
)
_WHOLE: Final = frozenset(("key", "keys", "token", "base", "server", "servers"))
_INSIDE: Final = re.compile(
    "(api|access|auth|secret|private|signing|master|virtual)(key|token)|(api|base)(base|url|host)"
)
_ADDRESS: Final = re.compile("[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)
_SCHEMAS: Final = frozenset(("response_format", "guided_json", "parameters"))
"""What describes a reply or a function, whose fields may well be called `url`."""


def is_connection(key: str) -> bool:
    """Tell whether a key of a file would say where messages and keys go."""
    return _OF_A_FILE.fullmatch("".join(_words(key))) is not None


def connections_in(body: object) -> Iterator[str]:
    """Yield what an extra body says of connections: keys, and `an address` for a text that is one.

    The address itself is not told, since a password may be in it.
    """
    if isinstance(body, Mapping):
        for key, value in body.items():
            if key in _SCHEMAS:
                continue
            if _carries(str(key)):
                yield shown(str(key))
            yield from connections_in(value)
    elif isinstance(body, list | tuple):
        for each in body:
            yield from connections_in(each)
    elif isinstance(body, str) and _ADDRESS.search(body):
        yield "an address"


def _carries(key: str) -> bool:
    words = _words(key)
    joined = "".join(words)
    return joined in _WHOLE or not _WORDS.isdisjoint(words) or bool(_INSIDE.search(joined))


def _words(key: str) -> list[str]:
    """Return the words of a key in lower case: baseURL, BASE-URL and base_url have the same two."""
    plain = unicodedata.normalize("NFKC", key)
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", plain)]

"""Whom an address leads to, and as much of it as can be shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

HIDDEN: Final = "…"
"""What stands in the place of what may be a secret."""

_NAMED: Final = re.compile(r"^([\w+.-]+://)?.*@", re.DOTALL)
_ASKED: Final = re.compile(r"[?#].*", re.DOTALL)


def origin_of(base_url: str) -> str:
    """Return the scheme, host and port of a base URL, in one spelling. Raises ValueError."""
    parts = urlsplit(base_url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    if default is None or not parts.hostname:
        raise ValueError(base_url)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or default
    return f"{parts.scheme}://{host}" if port == default else f"{parts.scheme}://{host}:{port}"


def presentable(address: str) -> str:
    """Return an address without what can hold a password: what is before an @ and after a `?`.

    It need not be one that can be used: all before the last @ goes, whatever it is.
    """
    named = _NAMED.sub(lambda before: f"{before[1] or ''}{HIDDEN}@", address)
    return _ASKED.sub(lambda query: f"{query[0][0]}{HIDDEN}", named)

"""What a server has said of its failure: in which words, in which shape, and when to come back.

OpenAI's shape is the most common. FastAPI, Ollama, Gemini, OpenRouter and the proxies before all of
them have their own.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from chatcli.conversation.text import whole_text
from chatcli.providers.base import Endpoint

MOST_SHOWN: Final = 120
"""The most characters of a server's words in an error, which is one line and to be read."""

UNTAKEN: Final = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
"""The codes that say of a parameter that the model does not take it."""

_SHORTEST_SECRET: Final = 4
"""The characters from which on a header's value is taken for more than a word of everybody's."""

_TEXTS: Final = ("message", "detail", "error", "msg", "title", "description")
_MOST_READ: Final = 100_000
_TODAY: Final = 12 * 3600


_STATUS_OF: Final[Mapping[str, int]] = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "invalid_request_error": 400,
    **dict.fromkeys(UNTAKEN, 400),
}
"""What errors that come in a stream, and have no status therefore, would have as one."""


class ToldInReply(Exception):
    """An error object, the `body`, that came as a reply or in the middle of one."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        super().__init__("the reply is an error")
        self.body = body

    @property
    def status_code(self) -> int:
        """What would be its status: its code tells, or else it is the server's own failure."""
        code = said_in(self.body).code
        return int(code) if re.fullmatch("[45][0-9]{2}", code) else _STATUS_OF.get(code, 500)


@dataclass(frozen=True, slots=True)
class Said:
    """A failure as a server has told it: the code, or else the type, and the text in full."""

    code: str = ""
    text: str = ""


def said_in(body: object) -> Said:
    """Return what an error body says, in any of the shapes that servers use."""
    if isinstance(body, list):
        body = next(iter(body), None)
    if isinstance(body, str):
        return Said("", body[:_MOST_READ])
    if not isinstance(body, Mapping):
        return Said()
    inner = body.get("error", body)
    if not isinstance(inner, Mapping):
        return said_in(inner)
    code = str(inner.get("code") or inner.get("type") or "")
    text = next((_flat(inner[name]) for name in _TEXTS if inner.get(name)), "")
    return Said(code, f"{text}{_from_behind(inner)}"[:_MOST_READ])


def _flat(value: object) -> str:
    """Return a text, or the list of faults that FastAPI finds in a request, as one text."""
    if isinstance(value, list):
        return "; ".join(_fault_at(part) for part in value)
    return str(value)


def _fault_at(part: object) -> str:
    if not isinstance(part, Mapping):
        return str(part)
    text = str(part.get("msg", dict(part)))
    place = part.get("loc")
    return f"{'.'.join(map(str, place))}: {text}" if isinstance(place, list) else text


def _from_behind(error: Mapping[str, Any]) -> str:
    """Return what the provider behind OpenRouter said, which itself says next to nothing."""
    about = error.get("metadata")
    raw = about.get("raw") if isinstance(about, Mapping) else None
    return f": {raw}" if isinstance(raw, str) and raw else ""


def said_plainly(page: str) -> Said:
    """Return what a body says that is no JSON: a page's title, or its text."""
    from html import unescape

    page = page[:_MOST_READ]
    title = re.search(r"<title[^>]*>(.*?)</title>", page, re.IGNORECASE | re.DOTALL)
    return Said("", unescape(title[1] if title else re.sub(r"<[^>]*>", " ", page)))


def shown(text: str, endpoint: Endpoint) -> str:
    """Return a server's words fit for one line, without what is secret if it repeats that."""
    for secret in (endpoint.api_key or "", *endpoint.network.headers.values()):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    line = " ".join(whole_text(text).split()).rstrip(".")
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"


def address(endpoint: Endpoint) -> str:
    """Return the base URL as it can be told: without a password that stands in it."""
    try:
        parts = urlsplit(endpoint.base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return shown(endpoint.base_url, endpoint)
    place = f"[{host}]" if ":" in host else host
    told = f"{parts.scheme}://{place}{f':{port}' if port else ''}{parts.path}"
    return shown(told if host else endpoint.base_url, endpoint)


def about_address(endpoint: Endpoint) -> str:
    """Say what may be wrong where something answers that is no endpoint for chats."""
    if urlsplit(endpoint.base_url).path.rstrip("/").endswith("/v1"):
        return "is the base URL right? A proxy or a sign-in page may be in the way"
    return "a base URL usually ends in /v1"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to wait, in seconds; it may say that as a date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(moment.timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None


def when(seconds: float) -> str:
    """Say when so many seconds are over: how long that is, and what the clock shows then."""
    if seconds < 90:
        return f"in {math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    span = f"{minutes} min" if minutes < 90 else f"{round(minutes / 60)} h"
    # Nobody's clock shows a year of five digits.
    then = time.localtime(time.time() + min(seconds, 10 * 365 * 86400))
    return f"in {span}, at {time.strftime('%H:%M' if seconds < _TODAY else '%Y-%m-%d %H:%M', then)}"

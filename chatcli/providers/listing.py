"""What models an endpoint has: its own list, in the shapes that servers send it in.

It comes from anybody and may be anything: it is bounded, and what can't be a model's name is left
out. The names are raw; whoever shows them makes them safe for the terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from chatcli.providers.base import Endpoint
from chatcli.providers.reading import bounded, json_in, kind_of, web_page

if TYPE_CHECKING:
    import openai

LISTED_WITHIN: Final = 20.0
MOST_MODELS: Final = 5000
MOST_PAGES: Final = 20
LONGEST_NAME: Final = 200
MOST_BYTES: Final = 16 * 1024 * 1024
_GOOGLE: Final = "models/"


def names_from(client: openai.OpenAI, endpoint: Endpoint) -> list[str]:
    """Return the names of an endpoint's models, in its own order.

    Raises ProviderError, or what the client raises.
    """
    names: dict[str, None] = {}
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = _page(client, endpoint, after)
        names.update(dict.fromkeys(_names_in(page)))
        after = _next(page)
        if after is None or len(names) >= MOST_MODELS:
            break
    return _without_prefix(list(names)[:MOST_MODELS])


def _page(client: openai.OpenAI, endpoint: Endpoint, after: str | None) -> object:
    # One is OpenAI's word for it, the other Anthropic's.
    query: Mapping[str, object] = {"after": after, "after_id": after} if after else {}
    ask: Any = client.models.with_streaming_response.list
    with ask(extra_query=query, timeout=LISTED_WITHIN) as response:
        if kind_of(response.http_response) == "text/html":
            raise web_page(endpoint)
        body = bounded(response.http_response.iter_bytes(), endpoint, MOST_BYTES)
    return json_in(body, endpoint)


def _names_in(page: object) -> Iterator[str]:
    """Yield the names of a page: a list, or an object that holds one as `data` or `models`."""
    fields: Mapping[str, object] = page if isinstance(page, dict) else {"data": page}
    entries = fields.get("data") or fields.get("models")
    for entry in entries if isinstance(entries, list) else ():
        name = (entry.get("id") or entry.get("name")) if isinstance(entry, dict) else entry
        if isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name.isprintable():
            yield name


def _next(page: object) -> str | None:
    """Return after which model the next page begins, None where this is the last."""
    if not isinstance(page, dict) or page.get("has_more") is not True:
        return None
    last = page.get("last_id")
    return last if isinstance(last, str) and len(last) <= LONGEST_NAME else None


def _without_prefix(names: list[str]) -> list[str]:
    """Return names as their endpoint takes them too: Google's lists them as paths."""
    if all(name.startswith(_GOOGLE) for name in names):
        return [name.removeprefix(_GOOGLE) for name in names]
    return names

"""A client that sends what it is given, sound or not, and hands back what came."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from tests.support.protocol import CHAT, Json

HELLO = {"role": "user", "content": "Hello"}
SOUND: Json = {"model": "m", "messages": [HELLO]}


@contextmanager
def asked(
    url: str,
    body: object = SOUND,
    *,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5,
) -> Iterator[http.client.HTTPResponse]:
    """The response to one chat request, on a connection that is closed afterwards.

    `body` is sent as JSON; bytes are sent as they are. Raises what http.client raises.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    own = {"content-type": "application/json"} | dict(headers or {})
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        connection.request("POST", CHAT, raw, own)
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def post(url: str, body: object, headers: Mapping[str, str] | None = None) -> tuple[int, Json]:
    """The status and the JSON of an answer that is no stream."""
    with asked(url, body, headers=headers) as response:
        return response.status, json.loads(response.read())


def get(url: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        with connection.getresponse() as response:
            return response.status, response.read()
    finally:
        connection.close()

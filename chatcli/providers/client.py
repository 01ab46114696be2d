"""The client of an endpoint: proxies, certificates, and what goes into the headers.

The openai client takes organizations and whole headers from the environment. They are for OpenAI:
any other endpoint gets the headers that it needs, and those of its profile. This module is imported
with the first request, since what it needs takes half a second.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Final

import httpx2
import openai
import openai.resources.chat

from chatcli import __version__
from chatcli.providers.base import Endpoint, is_openai
from chatcli.providers.certificates import context_for
from chatcli.providers.lines import Call
from chatcli.providers.proxies import proxy_for

CONNECT_WITHIN: Final = 20.0
MOST_OF_AN_ERROR: Final = 256 * 1024
"""Bytes of an error's body. Some repeat the whole request in it."""

NO_KEY: Final = "none"
"""The client refuses to be without a key; an endpoint never sees this one."""

_NEEDED: Final = frozenset(
    {"host", "accept", "accept-encoding", "connection", "content-type", "content-length"}
)
_OF_THE_CLIENT: Final = "x-stainless-"
_FRAMING: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def client_for(endpoint: Endpoint, call: Callable[[], Call]) -> openai.OpenAI:
    """Return a client of an endpoint. Raises Refused where its network can't be used as set.

    `call` returns the request that is about to leave, in the thread that asks for it.
    """
    network = endpoint.network
    proxy = proxy_for(endpoint.base_url, network.proxy)
    encrypted = any(url.startswith("https:") for url in (endpoint.base_url, proxy or ""))
    context = context_for(network, encrypted=encrypted)
    way = httpx2.HTTPTransport(
        verify=context, proxy=_proxy(proxy, context) if proxy else None, trust_env=False
    )
    http = openai.DefaultHttpx2Client(
        transport=_Dressing(way, endpoint, call),
        trust_env=False,
        # A redirect could carry the conversation to a host that the user never named.
        follow_redirects=False,
        timeout=httpx2.Timeout(None, connect=CONNECT_WITHIN),
    )
    return openai.OpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key or NO_KEY,
        max_retries=0,
        http_client=http,
    )


def _proxy(url: str, context: ssl.SSLContext) -> httpx2.Proxy:
    return httpx2.Proxy(url, ssl_context=context if url.startswith("https:") else None)


class _Dressing(httpx2.BaseTransport):
    """Sends requests on with the headers that their endpoint is to get.

    It is the last to see them, and leaves them as they are for the client, which marks requests by
    headers of its own and looks for those later.
    """

    def __init__(
        self, way: httpx2.HTTPTransport, endpoint: Endpoint, call: Callable[[], Call]
    ) -> None:
        self._way = way
        self._endpoint = endpoint
        self._call = call

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        dressed = httpx2.Request(
            request.method,
            request.url,
            headers=_headers(request, self._endpoint),
            stream=request.stream,
            extensions={**request.extensions, "trace": self._call().note},
        )
        response = self._way.handle_request(dressed)
        return response if response.is_success else _cut(response)

    def close(self) -> None:
        self._way.close()


class _Beginning(httpx2.SyncByteStream):
    """The beginning of a body, unpacked."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        left = MOST_OF_AN_ERROR
        for piece in self._response.iter_bytes():
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return

    def close(self) -> None:
        self._response.close()


def _cut(response: httpx2.Response) -> httpx2.Response:
    """Return an error with the beginning of its body: the client reads all that there is."""
    headers = [(name, text) for name, text in response.headers.items() if name not in _FRAMING]
    return httpx2.Response(
        response.status_code,
        headers=headers,
        stream=_Beginning(response),
        extensions=response.extensions,
    )


def _headers(request: httpx2.Request, endpoint: Endpoint) -> httpx2.Headers:
    ours = is_openai(endpoint.base_url)
    headers = httpx2.Headers(
        [
            (name, value)
            for name, value in request.headers.items()
            if name in _NEEDED or (ours and not name.startswith(_OF_THE_CLIENT))
        ]
    )
    headers["user-agent"] = f"chatcli/{__version__}"
    headers.pop("authorization", None)
    if endpoint.api_key:
        headers["authorization"] = f"Bearer {endpoint.api_key}"
    if endpoint.api_key and endpoint.network.listing_key and request.method == "GET":
        headers[endpoint.network.listing_key] = endpoint.api_key
    headers.update(endpoint.network.headers)
    return headers

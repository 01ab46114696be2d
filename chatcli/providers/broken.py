"""Connections that could not be made, or broke: what that means to somebody who waits for a reply.

The client hides the cause under two or three errors of its own; here the innermost ones are read.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from chatcli.errors import BadReply, ProviderError, Refused, Unreachable
from chatcli.providers.base import Endpoint
from chatcli.providers.said import address, shown

AGAIN: Final = "/retry asks again"
ONLINE: Final = f"is this machine online? {AGAIN}"

CHECK_PROXY: Final = "check HTTPS_PROXY, or `proxy` of the profile in config.toml"

_NO_SUCH_HOST: Final = {
    number
    for name in ("EAI_NONAME", "EAI_NODATA")
    if (number := getattr(socket, name, None)) is not None
}
_NO_WAY: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}

# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_ANOTHER_HOST: Final = {62, 64}


def from_connection(error: BaseException, endpoint: Endpoint) -> ProviderError:
    """Return our error for a connection that failed, before the reply or within it."""
    for cause in _causes(error):
        known = _of_the_system(cause, endpoint) or _of_the_client(cause, endpoint)
        if known is not None:
            return known
    return Unreachable(
        f"the connection to {address(endpoint)} broke: {_innermost(error, endpoint)}",
        AGAIN,
        retryable=True,
    )


def _of_the_system(cause: BaseException, endpoint: Endpoint) -> ProviderError | None:
    match cause:
        case ssl.SSLCertVerificationError():
            return _untrusted(cause, endpoint)
        case ssl.SSLError():
            return _insecure(cause, endpoint)
        case socket.gaierror() | ConnectionRefusedError() if proxy := _proxy(endpoint):
            why = (cause.strerror or str(cause)).lower()
            text = f"the proxy {proxy} can't be reached: {why}"
            return Unreachable(text, CHECK_PROXY, retryable=True)
        case socket.gaierror():
            return _unnamed(cause, endpoint)
        case ConnectionRefusedError():
            return Unreachable(
                f"nothing answers at {address(endpoint)}: connection refused",
                f"is the server up, and the address right? {AGAIN}",
                retryable=True,
            )
        case OSError(errno=number) if number in _NO_WAY:
            why = f"{cause.strerror}".lower()
            text = f"there is no way to {address(endpoint)}: {why}"
            return Unreachable(text, ONLINE, retryable=True)
        case UnicodeError() if "idna" in str(cause):
            return _no_address(endpoint)
        case _:
            return None


def _of_the_client(cause: BaseException, endpoint: Endpoint) -> ProviderError | None:
    import httpx2

    match cause:
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            return _no_address(endpoint)
        case httpx2.ProxyError():
            return Unreachable(
                f"the proxy does not let it through: {shown(str(cause), endpoint)}", CHECK_PROXY
            )
        case httpx2.LocalProtocolError() | UnicodeError():
            return Refused(
                f"the request can't be sent: {shown(str(cause), endpoint)}",
                "check the key and the headers of the profile",
            )
        case httpx2.RemoteProtocolError():
            return _off_protocol(cause, endpoint)
        case _:
            return None


def _proxy(endpoint: Endpoint) -> str:
    """Return the address of the proxy that is asked in the endpoint's place, empty with none."""
    from chatcli.providers.proxies import proxy_for

    proxy = proxy_for(endpoint.base_url, endpoint.network.proxy)
    return address(replace(endpoint, base_url=proxy)) if proxy else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield what led to an error, the first cause first."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        if cause in chain:
            break
        chain.append(cause)
    yield from reversed(chain)


def _innermost(error: BaseException, endpoint: Endpoint) -> str:
    first = next(_causes(error))
    if isinstance(first, OSError) and first.strerror:
        return shown(first.strerror.lower(), endpoint)
    return shown(str(first), endpoint)


def _host(endpoint: Endpoint) -> str:
    return shown(urlsplit(endpoint.base_url).hostname or endpoint.base_url, endpoint)


def _no_address(endpoint: Endpoint) -> Refused:
    return Refused(f"{address(endpoint)} is not an address", "a base URL is like https://host/v1")


def _untrusted(cause: ssl.SSLCertVerificationError, endpoint: Endpoint) -> Unreachable:
    if cause.verify_code in {_EXPIRED, _NOT_YET_VALID}:
        hint = "is the clock of this machine right? If so, its owner has to renew it"
    elif cause.verify_code in _ANOTHER_HOST:
        hint = "is the address right? It may lead to somebody else"
    else:
        hint = "name its CA: ca_bundle in the profile, or SSL_CERT_FILE"
    why = shown(cause.verify_message, endpoint)
    return Unreachable(f"the certificate of {_host(endpoint)} is not trusted: {why}", hint)


def _insecure(cause: ssl.SSLError, endpoint: Endpoint) -> Unreachable:
    reason = shown((cause.reason or str(cause)).replace("_", " ").lower(), endpoint)
    text = f"there is no secure connection to {_host(endpoint)}: {reason}"
    if cause.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
        return Unreachable(text, "does it speak plain http? Then the base URL begins with http://")
    return Unreachable(text, AGAIN, retryable=True)


def _unnamed(cause: socket.gaierror, endpoint: Endpoint) -> Unreachable:
    if cause.errno in _NO_SUCH_HOST:
        return Unreachable(
            f"there is no host {_host(endpoint)}",
            "check the base URL, and that this machine is online",
        )
    why = shown((cause.strerror or str(cause)).lower(), endpoint)
    text = f"the host {_host(endpoint)} can't be looked up: {why}"
    return Unreachable(text, ONLINE, retryable=True)


def _off_protocol(cause: BaseException, endpoint: Endpoint) -> ProviderError:
    """Tell a server that breaks off from one that does not speak HTTP."""
    why = str(cause)
    if "without sending a response" in why:
        return Unreachable(
            f"{address(endpoint)} closed the connection without an answer", AGAIN, retryable=True
        )
    if "incomplete" in why or "without sending complete" in why:
        return Unreachable(
            "the reply broke off: the server closed the connection", AGAIN, retryable=True
        )
    # What was read instead is told by the client as Python would write it.
    why = shown(why.partition(": bytearray(")[0], endpoint).lower()
    return BadReply(
        f"what {address(endpoint)} sends is no HTTP: {why}", "are the address and the port right?"
    )

"""Which proxy leads to an endpoint: the profile's own, or what the environment says.

The environment is read as curl reads it: HTTP_PROXY or HTTPS_PROXY by the address asked, ALL_PROXY
for both, NO_PROXY with names, addresses and networks. Where the system has settings of its own,
they count as well.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from chatcli.errors import Refused
from chatcli.installing import install_line, installed
from chatcli.providers.base import is_loopback

_SCHEMES: Final = ("http", "https", "socks5", "socks5h")
_OTHER_NAMES: Final = {"socks": "socks5h"}
"""What desktops write into ALL_PROXY is no scheme that a client knows."""


def proxy_for(base_url: str, configured: str | None) -> str | None:
    """Return the URL of the proxy to an endpoint, None where there is none on the way.

    `configured` is what the profile says: "" is none at all, None leaves it to the environment.
    Raises Refused where what is set is no proxy that can be used.
    """
    if configured is not None:
        return _checked(configured, "`proxy` of the profile") if configured else None
    # A proxy from the environment has no business between two ends of one machine.
    if is_loopback(base_url):
        return None
    from urllib.request import getproxies

    address = urlsplit(base_url)
    known = getproxies()
    name = address.scheme if known.get(address.scheme) else "all"
    if not known.get(name) or _is_excepted(address.hostname or "", address.port, known):
        return None
    return _checked(known[name], f"{name.upper()}_PROXY")


def _is_excepted(host: str, port: int | None, known: dict[str, str]) -> bool:
    from urllib.request import proxy_bypass

    exceptions = [each.strip() for each in known.get("no", "").split(",")]
    at_port = f"{host}:{port}" if port else host
    return any(_covers(each, host) for each in exceptions) or bool(proxy_bypass(at_port))


def _covers(network: str, host: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _checked(text: str, what: str) -> str:
    """Return a proxy's URL as a client takes it. Errors don't quote it: it may hold a password."""
    hint = "write it like http://HOST:PORT or socks5://HOST:PORT"
    scheme, found, rest = text.strip().rpartition("://")
    scheme = _OTHER_NAMES.get(scheme.lower(), scheme.lower()) if found else "http"
    if scheme not in _SCHEMES:
        raise Refused(f"{what} has a scheme that is not supported: {scheme}://", hint)
    url = f"{scheme}://{rest}"
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise Refused(f"{what} is not the address of a proxy", hint)
    if scheme.startswith("socks") and not installed("socks"):
        raise Refused(
            f"{what} is a SOCKS proxy, and the package socksio is not installed",
            install_line("socks"),
        )
    return url

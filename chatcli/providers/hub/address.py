"""Where the hub is, with which token it is asked, and which addresses are its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit

from chatcli.errors import UsageError
from chatcli.providers.base import is_loopback

HUB: Final = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Address:
    """The base URL of the hub or of its mirror, and the token that is for it alone."""

    url: str = HUB
    token: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def page_of(self, repo: str) -> str:
        """Return the address at which somebody can look at a repository."""
        scheme, _, path = self.url.partition("://")
        return f"{scheme}://{path.rpartition('@')[2]}/{repo}"

    def checked(self) -> Address:
        """Return the address as it can be used. Raises UsageError."""
        url = _with_plain_scheme(self.url.strip().rstrip("/"))
        if not _is_base(url):
            raise UsageError("HF_ENDPOINT is no address", f"write it as {HUB}, or unset it")
        token = (self.token or "").strip() or None
        if token is None:
            return Address(url)
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise UsageError("HF_TOKEN holds what no token has", "copy it again, or unset it")
        if url.startswith("http:") and not is_loopback(url):
            raise UsageError(
                "HF_TOKEN would go over http, where all can read it",
                "use an HF_ENDPOINT with https, or unset HF_TOKEN",
            )
        if "@" in urlsplit(url).netloc:
            raise UsageError(
                "HF_ENDPOINT holds a password, and HF_TOKEN is set: only one of them can be sent",
                "take one away",
            )
        return Address(url, token)


def is_own(url: str, hub: str) -> bool:
    """Tell whether an address is one of the hub's own, where its token may go."""
    try:
        return origin_of(url) == origin_of(hub)
    except ValueError:
        return False


def joined(url: str, location: str) -> str:
    """Return where a redirect leads, empty where that can't be told."""
    try:
        return _with_plain_scheme(urljoin(url, location))
    except ValueError:
        return ""


def _with_plain_scheme(url: str) -> str:
    """Return an address with its scheme in lower case, for all who look whether it is encrypted."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme.lower()}{mark}{rest}"


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(named) and not (parts.query or parts.fragment)


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port. Raises ValueError."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port

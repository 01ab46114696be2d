"""Links that say where they lead, whatever their text says and however their address is written."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from chatcli.terminal.sanitize import CONTROLS, NO_CELL, clean_line

_LONGEST_NO_ADDRESS = 300  # what nobody can open; an address is never cut, since that can hide
_NOT_IN_A_URL = re.compile(rf"[\s\\{CONTROLS}\ud800-\udfff]")
_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]")
_PREFIX = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)


def safe_link(url: str, text: str) -> str:
    """How to show a link: its text and then, unless that says it already, where it leads."""
    label = clean_line(text)
    target = address(url) or _shortened(clean_line(url))
    if label and (not target or _says(label, target)):
        return label
    return f"{label} ({target})" if label else target


def address(url: str) -> str | None:
    """A web or mail address as browsers read it, in ASCII; None if it is anything else.

    Only http, https and mailto. The host is in punycode and without a user name, so that
    ``https://bank.example@evil.example/`` becomes ``https://evil.example/``.
    """
    url = url.strip(" ")
    if _NOT_IN_A_URL.search(url):  # browsers drop them or, for a backslash, read a slash
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme == "mailto":
        return "mailto:" + _escape(url.partition(":")[2])
    host = _ascii_host(parts.hostname or "")
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return None
    place = host if port is None else f"{host}:{port}"
    tail = (_escape(part) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, place, *tail))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NO_ADDRESS else text[:_LONGEST_NO_ADDRESS] + "…"


def _escape(part: str) -> str:
    return quote(part, safe="%/?#[]@!$&'()*+,;=:~")


def _ascii_host(host: str) -> str:
    """A host name in lower case and punycode (UTS 46, without its table); as it is if unclear."""
    if ":" in host:
        return f"[{host}]"
    if NO_CELL.search(host):
        return host
    names = unicodedata.normalize("NFKC", host).lower().replace("。", ".").split(".")
    return ".".join(
        name if name.isascii() else "xn--" + name.encode("punycode").decode("ascii")
        for name in names
    )


def _says(label: str, target: str) -> bool:
    """Whether a link's text is its address, or the address's host, to the letter."""
    said = _PREFIX.sub("", label, count=1).rstrip("/")
    address = _PREFIX.sub("", target, count=1).rstrip("/")
    host = re.split(r"[/?#]", address, maxsplit=1)[0]
    return unquote(said) == unquote(address) or said.lower() == host

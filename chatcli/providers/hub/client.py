"""The hub's protocol, as much of it as weights need.

`GET /api/models/REPO/revision/REVISION?blobs=true` names the commit of a revision and its files,
with their sizes and, of those in large-file storage, their SHA-256: `siblings[].lfs.sha256`.
`GET /REPO/resolve/COMMIT/FILE` leads to a file, mostly by a redirect to a storage host; the hub
states the SHA-256 with it once more, in `X-Linked-Etag`. What went wrong stands in `X-Error-Code`.
(As the official client, `huggingface_hub`, reads it: `hf_api.py`, `file_download.py`, `_http.py`.)

A redirect is followed by hand: the token goes to the hub's own address and to no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from chatcli.errors import BadReply, ProviderError, Refused, Unreachable
from chatcli.providers.base import Network
from chatcli.providers.hub.address import Address, is_own, joined, origin_of
from chatcli.providers.hub.faults import refusal
from chatcli.providers.hub.names import Reference, RemoteFile

if TYPE_CHECKING:
    import httpx2

CONNECT_WITHIN: Final = 20.0
SILENT_FOR: Final = 60.0
MOST_REDIRECTS: Final = 6
MOST_LISTED: Final = 32 * 1024 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Revision:
    """A repository as it is at one commit."""

    repo: str
    commit: str
    files: tuple[RemoteFile, ...]
    licence: str | None = None


class Hub:
    """A connection to the hub; raises ProviderError for whatever fails there, UsageError."""

    def __init__(self, address: Address) -> None:
        self._address = address.checked()
        self._clients: dict[tuple[str, str, int | None], httpx2.Client] = {}

    @property
    def host(self) -> str:
        return self._address.host

    def revision(self, wanted: Reference) -> Revision:
        """Return what the repository holds at the revision that is wanted."""
        path = f"api/models/{wanted.repo}/revision/{quote(wanted.revision, safe='')}?blobs=true"
        with self._open(path, wanted, {}) as response:
            body = _whole(response, self.host)
        return _revision(body, wanted, self.host)

    @contextmanager
    def file(
        self, revision: Revision, file: RemoteFile, start: int = 0
    ) -> Iterator[httpx2.Response]:
        """Open the response that has a file from the byte `start` on.

        It may still begin at 0: its status tells, 206 or 200.
        """
        path = f"{revision.repo}/resolve/{revision.commit}/{quote(file.path)}"
        # The bytes are wanted as they are stored; a range of packed ones would be nonsense.
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        wanted = Reference(revision.repo, revision.commit, file.path)
        with self._open(path, wanted, headers, sha256=file.sha256) as response:
            yield response

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    @contextmanager
    def _open(
        self, path: str, wanted: Reference, headers: dict[str, str], sha256: str | None = None
    ) -> Iterator[httpx2.Response]:
        """Follow redirects to where the answer is. Those of a mere listing stay at the hub."""
        import httpx2

        url = f"{self._address.url}/{path}"
        try:
            for _ in range(MOST_REDIRECTS):
                own = is_own(url, self._address.url)
                response = self._send(url, headers, own)
                try:
                    if own:
                        _check_hash(response, sha256, self.host)
                    if response.is_redirect:
                        url = self._onward(url, response.headers["location"], sha256 is not None)
                        continue
                    if response.status_code not in {200, 206}:
                        raise refusal(response, wanted, self._address, own=own)
                    yield response
                    return
                finally:
                    response.close()
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        raise BadReply(f"{self.host} sends its visitors in circles", "try again later")

    def _onward(self, url: str, location: str, is_file: bool) -> str:
        """Return where a redirect leads. Only a file may be elsewhere, and not in the clear."""
        onward = joined(url, location)
        safe = "https" if self._address.url.startswith("https:") else "http"
        if is_own(onward, self._address.url) or (is_file and onward.startswith(safe)):
            return onward
        where = urlsplit(onward).netloc.rpartition("@")[2]
        raise Refused(
            f"{self.host} sends its visitors on to {where or 'nowhere'}",
            "chatcli does not go there; check HF_ENDPOINT",
        )

    def _send(self, url: str, headers: dict[str, str], own: bool) -> httpx2.Response:
        import httpx2

        token = self._address.token if own else None
        key = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            client = self._client_for(url)
            request = client.build_request("GET", url, headers=headers | key)
        except (httpx2.InvalidURL, ValueError) as error:
            raise BadReply(f"{self.host} names an address that is none") from error
        return client.send(request, stream=True)

    def _client_for(self, url: str) -> httpx2.Client:
        """Return the client that asks there: the way to another host may be through a proxy."""
        origin = origin_of(url)
        if origin not in self._clients:
            self._clients[origin] = _client(url)
        return self._clients[origin]

    def _unreachable(self, error: httpx2.HTTPError) -> ProviderError:
        import httpx2

        if isinstance(error, httpx2.ConnectError) and "CERTIFICATE" in str(error).upper():
            return Unreachable(
                f"the certificate of {self.host} is not trusted here",
                "SSL_CERT_FILE names the certificates of your network",
            )
        what = "does not answer" if isinstance(error, httpx2.TimeoutException) else None
        broke = isinstance(error, httpx2.ReadError | httpx2.RemoteProtocolError)
        what = what or ("broke the connection" if broke else "can't be reached")
        return Unreachable(
            f"{self.host} {what}", "check the network, or HF_ENDPOINT", retryable=True
        )


def _client(url: str) -> httpx2.Client:
    import httpx2

    from chatcli import __version__
    from chatcli.providers.certificates import context_for
    from chatcli.providers.proxies import proxy_for

    proxy = proxy_for(url, None)
    encrypted = any(each.startswith("https:") for each in (url, proxy or ""))
    context = context_for(Network(), encrypted=encrypted)
    transport = httpx2.HTTPTransport(
        verify=context,
        proxy=httpx2.Proxy(proxy, ssl_context=context) if proxy else None,
        trust_env=False,
    )
    return httpx2.Client(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx2.Timeout(SILENT_FOR, connect=CONNECT_WITHIN),
        headers={"User-Agent": f"chatcli/{__version__}"},
    )


def _check_hash(response: httpx2.Response, sha256: str | None, host: str) -> None:
    """Compare the SHA-256 that the hub states with a file to the one in its list."""
    stated = response.headers.get("x-linked-etag", "").removeprefix("W/").strip('"')
    if sha256 is not None and _SHA256.fullmatch(stated) and stated != sha256:
        raise BadReply(f"{host} states two different SHA-256 for one file", "try again later")


def _whole(response: httpx2.Response, host: str) -> object:
    """Return the JSON of a listing, which is bounded."""
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MOST_LISTED:
            raise BadReply(f"{host} sends a list that does not end")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        page = "text/html" in response.headers.get("content-type", "")
        what = "a web page" if page else "something"
        raise BadReply(
            f"{host} answered with {what} that is no list of files",
            "a network that wants you to log in does that; check HF_ENDPOINT too",
        ) from error


def _revision(body: object, wanted: Reference, host: str) -> Revision:
    listed = body.get("siblings") if isinstance(body, dict) else None
    commit = body.get("sha") if isinstance(body, dict) else None
    if not isinstance(listed, list) or not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise BadReply(f"{host} answered with JSON that is no list of files", "check HF_ENDPOINT")
    files = tuple(file for each in listed if (file := _file(each)) is not None)
    return Revision(wanted.repo, commit, files, _licence(body))


def _file(listed: object) -> RemoteFile | None:
    """Return a file whose hash the hub states, as it does of all weights; None for others."""
    match listed:
        case {"rfilename": str(path), "lfs": {"sha256": str(sha256), "size": int(size)}}:
            return (
                RemoteFile(path, size, sha256) if size > 0 and _SHA256.fullmatch(sha256) else None
            )
        case _:
            return None


def _licence(body: object) -> str | None:
    match body:
        case {"cardData": {"license": str(licence)}}:
            return licence[:60]
        case _:
            return None

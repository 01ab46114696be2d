"""A hub on loopback that speaks the Hugging Face Hub's protocol, with its storage on another port.

    with HubServer({"alice/tiny-GGUF": Repository({"tiny.gguf": gguf(1000)})}) as hub:
        ...  # HF_ENDPOINT=hub.url
        assert hub.storage_requests[0].headers.get("authorization") is None

Files are handed out by a redirect to the storage, whole or from a byte on. `fail_next` has the next
answers go wrong: those of the hub's list, of its redirects, or of the storage.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import BinaryIO, Final, Self, TypeAlias
from urllib.parse import unquote

from tests.support.ledger import Ledger
from tests.support.loopback import HOST, Loopback
from tests.support.protocol import Recorded
from tests.support.wire import ClientLeft, NotARequest, Wire, read_request

COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
BYTES: Final = "application/octet-stream"
LISTING, RESOLVING, STORAGE = "listing", "resolving", "storage"

_LIST: Final = re.compile(r"/api/models/([^/]+/[^/]+)/revision/([^/?]+)\?blobs=true")
_FILE: Final = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_RANGE: Final = re.compile(r"bytes=(\d+)-")


def gguf(size: int, seed: int = 0) -> bytes:
    """Bytes that begin as weights do, and are as good as any for a download."""
    return (b"GGUF" + random.Random(seed).randbytes(size))[:size]


@dataclass
class Repository:
    """What a repository holds. `token` is the one that opens it, None: it is open to all.

    `stated` replaces what the list says of a file: its size, its SHA-256.
    """

    files: dict[str, bytes]
    licence: str = "apache-2.0"
    revisions: tuple[str, ...] = ("main", COMMIT)
    token: str | None = None
    gated: bool = False
    moved_to: str | None = None
    stated: dict[str, dict[str, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """A request of the storage: the content, the byte to begin at, and the wire to answer on."""

    wire: Wire
    content: bytes
    start: int

    def head(self, length: int | None = None) -> None:
        """Send the headers of a good answer."""
        left = len(self.content) - self.start
        headers = {"content-type": BYTES, "content-length": str(left if length is None else length)}
        if self.start:
            last = len(self.content) - 1
            headers["content-range"] = f"bytes {self.start}-{last}/{len(self.content)}"
        self.wire.head(206 if self.start else 200, headers)


Fault: TypeAlias = Callable[[Ask], None]


def status(code: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> Fault:
    return lambda ask: ask.wire.answer(code, body, headers=headers)


def page(ask: Ask) -> None:
    """A network that wants somebody to log in first."""
    ask.wire.answer(200, b"<html><h1>Welcome to our hotel</h1></html>", "text/html; charset=utf-8")


def cut_after(count: int) -> Fault:
    """Close the connection after so many bytes of a file that should have more."""

    def act(ask: Ask) -> None:
        ask.head()
        ask.wire.send(ask.content[ask.start : ask.start + count])
        ask.wire.cut()

    return act


def reset_after(count: int) -> Fault:
    def act(ask: Ask) -> None:
        ask.head()
        ask.wire.send(ask.content[ask.start : ask.start + count])
        ask.wire.reset()

    return act


def hang_after(count: int) -> Fault:
    """Send so many bytes, and then nothing for as long as the client waits."""

    def act(ask: Ask) -> None:
        ask.head()
        ask.wire.send(ask.content[ask.start : ask.start + count])
        ask.wire.hang()

    return act


def from_the_beginning(ask: Ask) -> None:
    """Send all of it, whatever part was asked for."""
    ask.wire.answer(200, ask.content, BYTES)


def instead(content: bytes) -> Fault:
    """Send something else, whose length is as it should be or not."""
    return lambda ask: ask.wire.answer(200, content, BYTES)


def of_another(size: int) -> Fault:
    """Send a range that claims to be of a file of another size."""

    def act(ask: Ask) -> None:
        left = ask.content[ask.start :]
        span = f"bytes {ask.start}-{len(ask.content) - 1}/{size}"
        ask.wire.answer(206, left, BYTES, {"content-range": span})

    return act


def leading_to(location: str) -> Fault:
    return lambda ask: ask.wire.answer(302, b"", headers={"location": location})


class HubServer:
    """Serves `url` from entry to exit, and what its redirects lead to."""

    def __init__(self, repositories: dict[str, Repository]) -> None:
        self.repositories = repositories
        self._faults: dict[str, deque[Fault]] = {
            place: deque() for place in (LISTING, RESOLVING, STORAGE)
        }
        self._hub_requests: Ledger[Recorded] = Ledger("requests to the hub")
        self._storage_requests: Ledger[Recorded] = Ledger("requests to the storage")
        self._hub = Loopback(self._serve_hub)
        self._storage = Loopback(self._serve_storage)

    def __enter__(self) -> Self:
        self._hub.start()
        self._storage.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hub.stop()
        self._storage.stop()

    @property
    def url(self) -> str:
        """What HF_ENDPOINT is set to."""
        return f"http://{HOST}:{self._hub.port}"

    @property
    def storage_url(self) -> str:
        return f"http://{HOST}:{self._storage.port}"

    @property
    def hub_requests(self) -> list[Recorded]:
        return self._hub_requests.all()

    @property
    def storage_requests(self) -> list[Recorded]:
        return self._storage_requests.all()

    def fail_next(self, fault: Fault, times: int = 1, *, at: str = STORAGE) -> None:
        """Have the next answers of one kind go wrong."""
        self._faults[at].extend([fault] * times)

    def wait_for_storage_request(self, number: int = 1, timeout: float = 10.0) -> Recorded:
        return self._storage_requests.wait_for(number, timeout)

    def _serve_hub(self, wire: Wire, incoming: BinaryIO) -> None:
        _serve(wire, incoming, self._hub_requests, self._answer)

    def _serve_storage(self, wire: Wire, incoming: BinaryIO) -> None:
        _serve(wire, incoming, self._storage_requests, self._hand_out)

    def _answer(self, request: Recorded, wire: Wire) -> None:
        if listed := _LIST.fullmatch(request.path):
            self._list(request, wire, listed[1], unquote(listed[2]))
        elif asked := _FILE.fullmatch(request.path):
            self._resolve(request, wire, asked[1], unquote(asked[2]), unquote(asked[3]))
        else:
            wire.answer(404, b"{}")

    def _list(self, request: Recorded, wire: Wire, name: str, revision: str) -> None:
        if self._goes_wrong(LISTING, Ask(wire, b"", 0)) or self._refused(request, wire, name):
            return
        repository = self.repositories[name]
        if repository.moved_to:
            location = request.path.replace(name, repository.moved_to)
            wire.answer(307, b"", headers={"location": location})
        elif revision not in repository.revisions:
            wire.answer(404, b"{}", headers={"x-error-code": "RevisionNotFound"})
        else:
            wire.answer(200, json.dumps(_described(name, repository)).encode())

    def _resolve(self, request: Recorded, wire: Wire, name: str, revision: str, path: str) -> None:
        if self._goes_wrong(RESOLVING, Ask(wire, b"", 0)) or self._refused(request, wire, name):
            return
        content = self.repositories[name].files.get(path)
        if content is None or revision not in self.repositories[name].revisions:
            wire.answer(404, b"{}", headers={"x-error-code": "EntryNotFound"})
            return
        headers = {
            "location": f"{self.storage_url}/{name}/{path}?signature=abc",
            "x-repo-commit": COMMIT,
            "x-linked-size": str(len(content)),
            "x-linked-etag": f'"{hashlib.sha256(content).hexdigest()}"',
        }
        wire.answer(302, b"", headers=headers)

    def _hand_out(self, request: Recorded, wire: Wire) -> None:
        path = request.path.partition("?")[0].lstrip("/")
        owner, name, file = path.split("/", 2)
        content = self.repositories[f"{owner}/{name}"].files[unquote(file)]
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        ask = Ask(wire, content, int(wanted[1]) if wanted else 0)
        if not self._goes_wrong(STORAGE, ask):
            ask.head()
            wire.send(content[ask.start :])

    def _goes_wrong(self, place: str, ask: Ask) -> bool:
        if not self._faults[place]:
            return False
        self._faults[place].popleft()(ask)
        return True

    def _refused(self, request: Recorded, wire: Wire, name: str) -> bool:
        """Refuse what isn't there, as the hub does: to strangers, all of it is forbidden."""
        repository = self.repositories.get(name)
        given = request.headers.get("authorization")
        if repository is None:
            wire.answer(404 if given else 401, b"{}", headers={"x-error-code": "RepoNotFound"})
        elif repository.token is not None and given != f"Bearer {repository.token}":
            code = {"x-error-code": "GatedRepo"} if repository.gated else {}
            wire.answer(403 if given else 401, b"{}", headers=code)
        else:
            return False
        return True


def _serve(
    wire: Wire,
    incoming: BinaryIO,
    ledger: Ledger[Recorded],
    answer: Callable[[Recorded, Wire], None],
) -> None:
    try:
        while wire.open and (request := read_request(incoming)):
            ledger.add(request)
            answer(request, wire)
    except (NotARequest, ClientLeft):
        wire.open = False


def _described(name: str, repository: Repository) -> dict[str, object]:
    """A repository as `/api/models/NAME/revision/REVISION?blobs=true` tells of it."""
    siblings: list[dict[str, object]] = [{"rfilename": "README.md", "size": 12, "blobId": "0a"}]
    for path, content in repository.files.items():
        large = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        lfs = {**large, "pointerSize": 134, **repository.stated.get(path, {})}
        siblings.append({"rfilename": path, "size": len(content), "blobId": "0b", "lfs": lfs})
    return {
        "id": name,
        "sha": COMMIT,
        "gated": "manual" if repository.gated else False,
        "cardData": {"license": repository.licence},
        "siblings": siblings,
    }

"""One file of the hub onto the disk: in as many attempts as it takes, and checked at its end.

What has come is kept in a part file, whose name says which content it is a part of. The commit in
the address and the SHA-256 at the end make sure that two halves belong together; the validators of
the storage hosts, which redirects lead to, change from host to host and are of no use for that.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from chatcli.errors import BadReply, ProviderError, RateLimited
from chatcli.providers.hub.client import Hub, Revision
from chatcli.providers.hub.names import RemoteFile
from chatcli.providers.hub.progress import Progress, amount_of, duration

if TYPE_CHECKING:
    import httpx2

MOST_FAILURES: Final = 5
"""Attempts in a row that bring nothing, before it is given up."""

ENOUGH: Final = 64 * 1024
"""Bytes that an attempt must bring in order to count as a success."""

LONGEST_PAUSE: Final = 120.0
PIECE: Final = 1024 * 1024
_MAGIC: Final = b"GGUF"
_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


def part_path(target: Path, file: RemoteFile) -> Path:
    """Return where the beginning of a file is kept until it is whole."""
    return target.with_name(f"{target.name}.{file.sha256[:12]}.part")


@dataclass(frozen=True, slots=True)
class Errand:
    """What the files of one pull have in common; `total` is the bytes of them all."""

    hub: Hub
    revision: Revision
    progress: Progress
    total: int
    pause: Callable[[float], None] = time.sleep


class Download:
    """The fetching of one file, whose place is `target`; `before` bytes of the pull precede it."""

    def __init__(self, errand: Errand, file: RemoteFile, target: Path, before: int = 0) -> None:
        self._hub = errand.hub
        self._progress = errand.progress
        self._errand = errand
        self._file = file
        self._part = part_path(target, file)
        self._before = before

    def run(self) -> Path:
        """Return the part file once all of it is there and its hash is right.

        A part that an earlier run has left is gone on with; where the whole turns out to be
        spoiled then, it is fetched once more from its beginning. Raises ProviderError, OSError.
        """
        resumed = self._size() > 0
        if self._fetched_right() or (resumed and self._fetched_right()):
            return self._part
        raise BadReply(
            f"{self._file.name} came from {self._hub.host} with another SHA-256 than it states; "
            "it was deleted",
            "try again later, or another repository",
        )

    def _fetched_right(self) -> bool:
        """Fetch what is missing, and tell whether the whole is right; it is deleted if it isn't."""
        if self._fetched() == self._file.sha256:
            return True
        self._part.unlink(missing_ok=True)
        return False

    def _fetched(self) -> str:
        """Fetch what is missing, and return the SHA-256 of it all."""
        failures = 0
        while True:
            before = self._size()
            try:
                return self._attempt()
            except ProviderError as error:
                failures = 0 if self._size() - before >= ENOUGH else failures + 1
                if not error.retryable or failures > MOST_FAILURES:
                    raise
                self._wait(error, failures)

    def _attempt(self) -> str:
        start = self._size()
        if start > self._file.size:
            self._part.unlink()
            start = 0
        digest = self._digest(start)
        if start == self._file.size:
            return digest.hexdigest()
        with self._hub.file(self._errand.revision, self._file, start) as response:
            if not self._goes_on(response, start):
                start, digest = 0, hashlib.sha256()
            self._receive(response, start, digest)
        return digest.hexdigest()

    def _digest(self, start: int) -> hashlib._Hash:
        """Return the hash of what is there already, to go on with."""
        digest = hashlib.sha256()
        if start:
            self._progress.doing(f"reading the {amount_of(start)} that are here already")
            with self._part.open("rb") as part:
                while piece := part.read(PIECE):
                    digest.update(piece)
        return digest

    def _goes_on(self, response: httpx2.Response, start: int) -> bool:
        """Check what is about to come; tell whether it goes on at `start`, or begins anew."""
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/html":
            raise BadReply(
                f"{self._hub.host} answered with a web page in the place of {self._file.name}",
                "a network that wants you to log in does that",
            )
        if response.status_code == 206:
            stated = _RANGE.fullmatch(response.headers.get("content-range", "").strip())
            if stated is None or (int(stated[1]), int(stated[2])) != (start, self._file.size):
                raise self._another_size()
            return True
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) != self._file.size:
            raise self._another_size()
        return False

    def _receive(self, response: httpx2.Response, start: int, digest: hashlib._Hash) -> None:
        done = start
        self._arrived(done)
        with self._opened(start) as part:
            for piece in response.iter_raw():
                if done == 0 and not piece.startswith(_MAGIC[: len(piece)]):
                    raise BadReply(
                        f"what {self._hub.host} sends as {self._file.name} is no GGUF file",
                        "try another repository",
                    )
                done += len(piece)
                if done > self._file.size:
                    raise self._another_size()
                part.write(piece)
                digest.update(piece)
                self._arrived(done)
            part.flush()
            os.fsync(part.fileno())
        if done < self._file.size:
            raise BadReply(
                f"{self._hub.host} broke off in the middle of {self._file.name}",
                "the same command goes on where it stopped",
                retryable=True,
            )

    def _arrived(self, done: int) -> None:
        self._progress.arrived(self._before + done, self._errand.total)

    def _opened(self, start: int) -> IO[bytes]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if start else os.O_TRUNC)
        flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        return os.fdopen(os.open(self._part, flags, 0o600), "ab")

    def _size(self) -> int:
        try:
            return self._part.lstat().st_size
        except FileNotFoundError:
            return 0

    def _another_size(self) -> BadReply:
        return BadReply(
            f"what {self._hub.host} sends as {self._file.name} has not the size that it states",
            "try again later",
        )

    def _wait(self, error: ProviderError, failures: int) -> None:
        """Let some time go by before the next attempt, and say so while it does."""
        wanted = error.retry_after
        if wanted is not None and wanted > LONGEST_PAUSE:
            raise RateLimited(
                error.message, f"come back in {duration(wanted)}: the same command goes on"
            ) from error
        left = wanted if wanted is not None else float(2**failures)
        while left > 0:
            self._progress.doing(f"{error.message}; going on in {left:.0f} s")
            self._errand.pause(min(left, 1.0))
            left -= 1
        self._progress.doing(f"asking {self._hub.host} for the rest")

"""Large files whose SHA-256 was checked once, and the folder of the cache that they are kept in.

A file under its final name counts as verified while a stamp beside it states the size and time that
it had when its hash was checked. Hashing at every start would cost a third of a second; trusting
the name alone would trust a copy that somebody made by hand and that broke off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

POLL: Final = 0.1
PRIVATE_FOLDER: Final = 0o700


def models_folder(cache: Path) -> Path:
    return cache / "models"


def make_models_folder(cache: Path) -> Path:
    """Make the folder of the weights, for the user's eyes only. Raises OSError."""
    folder = models_folder(cache)
    cache.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


def is_verified(path: Path, sha256: str, size: int) -> bool:
    """Tell whether the file is whole; its hash is computed where no stamp vouches for it."""
    try:
        if path.stat().st_size != size:
            return False
        stamp = stamp_path(path)
        if stamp.exists() and stamp.read_text("ascii", "replace") == _stamp(path, sha256):
            return True
        if sha256_of(path) != sha256:
            return False
    except OSError:
        return False
    # Where the folder can't be written, the hash is merely checked again next time.
    with suppress(OSError):
        vouch(path, sha256)
    return True


def vouch(path: Path, sha256: str) -> None:
    """Leave the stamp of a file whose hash was just checked. Raises OSError."""
    stamp_path(path).write_text(_stamp(path, sha256), "ascii")


def stamp_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


@contextmanager
def one_at_a_time(path: Path, tick: Callable[[], None]) -> Iterator[None]:
    """Keep other processes from writing `path`; `tick` is called while one of them does."""
    lock = FileLock(lock_path(path))
    while True:
        try:
            lock.acquire(timeout=POLL)
            break
        except Timeout:
            tick()
    try:
        yield
    finally:
        lock.release()


def _stamp(path: Path, sha256: str) -> str:
    status = path.stat()
    return f"{sha256} {status.st_size} {status.st_mtime_ns}\n"

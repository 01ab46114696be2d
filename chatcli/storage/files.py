"""Files as the rest of storage wants them: private, regular, and with one clear error each."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from chatcli.errors import NoSuchSession, StorageError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for the user's eyes only."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        for place in reversed(missing):
            place.mkdir(PRIVATE_FOLDER, exist_ok=True)
    except OSError as error:
        raise failed("make the folder", folder, error) from error
    if not folder.is_dir():
        raise StorageError(f"{folder} is no folder", "--sessions-dir DIR names another")


def read_bytes(path: Path, most: int) -> bytes:
    """Return what is in a regular file of at most `most` bytes. Raises StorageError."""
    try:
        # Without O_NONBLOCK, opening a FIFO would wait for somebody to write into it.
        fd = os.open(path, os.O_RDONLY | _flag("O_NONBLOCK") | _flag("O_BINARY"))
    except FileNotFoundError:
        raise NoSuchSession(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise failed("open", path, error) from error
    with os.fdopen(fd, "rb") as file:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise StorageError(f"{path} is not a regular file")
        if about.st_size > most:
            raise StorageError(f"{path} is larger than {most // 2**20} MiB")
        try:
            return file.read(most)
        except OSError as error:
            raise failed("read", path, error) from error


def write_new(path: Path, data: bytes) -> int:
    """Write a file that does not exist yet, to the disk, and return its descriptor, open.

    Raises FileExistsError, or StorageError with nothing left behind.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _flag("O_BINARY")
    try:
        fd = os.open(path, flags, PRIVATE_FILE)
    except FileExistsError:
        raise
    except (OSError, ValueError) as error:
        raise failed("make", path, error) from error
    try:
        write_all(fd, data)
        os.fsync(fd)
        sync_folder(path.parent)
    except OSError as error:
        os.close(fd)
        path.unlink(missing_ok=True)
        raise failed("write", path, error) from error
    return fd


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path` in one step: readers see the old file or the new one."""
    spare = path.with_name(f"{path.name}.new")
    spare.unlink(missing_ok=True)
    os.close(write_new(spare, data))
    try:
        spare.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        spare.unlink(missing_ok=True)
        raise failed("write", path, error) from error


def append_private(path: Path, data: bytes) -> None:
    """Add `data` to a file of the user's own, to the disk. Raises StorageError."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _flag("O_BINARY"), PRIVATE_FILE)
    except OSError as error:
        raise failed("make", path, error) from error
    try:
        write_all(fd, data)
        os.fsync(fd)
    except OSError as error:
        raise failed("write", path, error) from error
    finally:
        os.close(fd)


def move_new(source: Path, target: Path) -> None:
    """Rename `source` to `target`, which must not exist. Raises FileExistsError or OSError."""
    if os.name == "nt":
        source.rename(target)
        return
    # Renaming would write over a file that appears in between; making a link does not.
    target.hardlink_to(source)
    source.unlink()
    sync_folder(target.parent)


def reopen(path: Path) -> int:
    """Return a descriptor to read and write the file at `path`. Raises StorageError."""
    try:
        return os.open(path, os.O_RDWR | _flag("O_BINARY"))
    except OSError as error:
        raise failed("open", path, error) from error


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data` where the descriptor stands: one write, unless the system cuts it."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def sync_folder(folder: Path) -> None:
    """Bring the folder's own entries to the disk, where the system knows such a thing."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def failed(what: str, path: Path, error: OSError | ValueError) -> StorageError:
    """Return the error that says in the system's own words why `path` could not be used."""
    reason = getattr(error, "strerror", None) or str(error)
    return StorageError(f"could not {what} {path}: {reason}")


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))

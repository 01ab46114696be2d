"""Files as the rest of storage wants them: private, regular, and with one clear error each.

What is written here never goes through a link that somebody has laid in its way.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from chatcli.errors import NoSuchSession, StorageError

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def place(text: str | Path) -> Path:
    """Return the path that a user means, `~` included. Raises StorageError where none is meant."""
    with failing("find", Path(text)):
        try:
            path = Path(text).expanduser()
        except RuntimeError as error:
            raise StorageError(f"{text}: there is no such user") from error
        path.exists()  # a name that is too long can't even be looked for
        return path


def tilded(path: Path) -> str:
    """Return a path as people write it, with `~` for their home folder."""
    try:
        inside = path.relative_to(Path.home())
    except (ValueError, RuntimeError):
        return str(path)
    return str(Path("~") / inside)


def make_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for the user's eyes only."""
    try:
        missing = [place for place in (folder, *folder.parents) if not place.exists()]
        for place in reversed(missing):
            place.mkdir(PRIVATE_FOLDER, exist_ok=True)
        found = folder.is_dir()
    except OSError as error:
        raise failed("make the folder", folder, error) from error
    if not found:
        raise StorageError(f"{folder} is no folder", "--sessions-dir DIR names another")


def read_bytes(path: Path, most: int, *, links: bool = True) -> bytes:
    """Return what is in a regular file of at most `most` bytes, or in the one that it links to.

    Raises StorageError.
    """
    # Without O_NONBLOCK, opening a FIFO would wait for somebody to write into it.
    flags = os.O_RDONLY | _flag("O_NONBLOCK") | _flag("O_BINARY")
    try:
        fd = os.open(path, flags if links else flags | _flag("O_NOFOLLOW"))
    except FileNotFoundError:
        raise NoSuchSession(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise failed("open", path, error) from error
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise StorageError(f"{path} is not a regular file")
        if about.st_size > most:
            raise StorageError(f"{path} is larger than {most // 2**20} MiB")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(most)
    except OSError as error:
        raise failed("read", path, error) from error
    finally:
        os.close(fd)


def write_new(path: Path, data: bytes) -> int:
    """Write a file that does not exist yet, to the disk, and return its descriptor, open.

    The file appears with all that is in it, or not at all. Raises FileExistsError, or
    StorageError with nothing left behind.
    """
    spare = spare_beside(path)
    fd = open_spare(spare)
    try:
        with failing("write", path):
            write_all(fd, data)
            os.fsync(fd)
        if os.name == "nt":
            os.close(fd)
        move_new(spare, path)
        return reopen(path) if os.name == "nt" else fd
    except BaseException:
        with suppress(OSError):
            os.close(fd)
        spare.unlink(missing_ok=True)
        raise


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path` in one step: readers see the old file or the new one."""
    spare = spare_beside(path)
    fd = open_spare(spare)
    try:
        with failing("write", path):
            try:
                write_all(fd, data)
                os.fsync(fd)
            finally:
                os.close(fd)
            spare.replace(path)
            sync_folder(path.parent)
    except BaseException:
        spare.unlink(missing_ok=True)
        raise


def append_private(path: Path, data: bytes) -> None:
    """Add `data` to a file of the user's own, to the disk. Raises StorageError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _flag("O_BINARY") | _flag("O_NOFOLLOW")
    with failing("write", path):
        fd = os.open(path, flags | _flag("O_NONBLOCK"), PRIVATE_FILE)
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)


def move_new(source: Path, target: Path) -> None:
    """Rename `source` to `target`, which must not exist.

    Raises FileExistsError where it does, or StorageError.
    """
    try:
        if os.name == "nt":
            source.rename(target)
            return
        try:
            # Renaming would write over a file that appears in between; making a link does not.
            target.hardlink_to(source)
        except OSError as error:
            if error.errno not in _NO_LINKS or os.path.lexists(target):
                raise
            source.rename(target)
        else:
            try:
                source.unlink()
            except OSError:
                target.unlink()
                raise
        with suppress(OSError):
            sync_folder(target.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise failed("make", target, error) from error


def spare_beside(path: Path) -> Path:
    """Return where a file is written before it takes the place of `path`."""
    return path.with_name(f"{path.name}.new")


def open_spare(path: Path) -> int:
    """Make a new private file at `path`, in the place of whatever a crash has left there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _flag("O_BINARY") | _flag("O_NOFOLLOW")
    with failing("make", path):
        path.unlink(missing_ok=True)
        return os.open(path, flags, PRIVATE_FILE)


def reopen(path: Path) -> int:
    """Return a descriptor to read and write the file at `path`, private from now on."""
    with failing("open", path):
        fd = os.open(path, os.O_RDWR | _flag("O_BINARY") | _flag("O_NOFOLLOW"))
        tighten(path, PRIVATE_FILE)
        return fd


def tighten(path: Path, mode: int) -> None:
    """Take from others what rights they have to a file or a folder of the user's own."""
    with suppress(OSError):
        if stat.S_IMODE(path.stat().st_mode) & ~mode:
            path.chmod(mode)


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data` where the descriptor stands: one write, unless the system cuts it."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def write_at(fd: int, data: bytes, start: int) -> None:
    """Write all of `data` from the byte `start` on: one write, unless the system cuts it."""
    if not hasattr(os, "pwrite"):
        os.lseek(fd, start, os.SEEK_SET)
        write_all(fd, data)
        return
    left = memoryview(data)
    while left:
        written = os.pwrite(fd, left, start)
        left, start = left[written:], start + written


def sync_folder(folder: Path) -> None:
    """Bring the folder's own entries to the disk, where the system knows such a thing."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def failing(what: str, path: Path) -> Iterator[None]:
    """Turn what the system says in this block into a StorageError."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise failed(what, path, error) from error


def failed(what: str, path: Path, error: OSError | ValueError) -> StorageError:
    """Return the error that says in the system's own words why `path` could not be used."""
    reason = getattr(error, "strerror", None) or str(error)
    return StorageError(f"could not {what} {path}: {reason}")


def _flag(name: str) -> int:
    return int(getattr(os, name, 0))

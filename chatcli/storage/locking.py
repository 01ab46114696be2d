"""One writer at a time: a lock file beside each session that is open for writing.

The system lets a lock go when its process ends, however it ends, so that what a dead process left
is taken over by the next.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chatcli.errors import SessionInUse
from chatcli.storage import files

if TYPE_CHECKING:
    from filelock import FileLock


def lock_beside(path: Path) -> FileLock:
    """Take the lock of the session at `path`. Raises SessionInUse, or another StorageError."""
    from filelock import FileLock, Timeout

    name = path.with_name(f"{path.name}.lock")
    # Not thread-local: the thread that makes the file is not the one that closes it.
    lock = FileLock(name, mode=files.PRIVATE_FILE, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise SessionInUse(f"another chatcli is writing {path.stem}") from None
    except (OSError, NotImplementedError) as error:
        raise files.failed("lock", path, OSError(*error.args)) from error
    return lock


def release(lock: FileLock | None) -> None:
    """Give a lock back. Its file goes first, which whoever waits for it notices."""
    if lock is not None and lock.is_locked:
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release(force=True)


def is_in_use(path: Path) -> bool:
    """Tell whether a process is writing the session at `path`."""
    try:
        release(lock_beside(path))
    except SessionInUse:
        return True
    return False

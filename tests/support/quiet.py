"""The machine as something that several test processes share, or that one has for itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":

    @contextmanager
    def _held(path: Path, *, alone: bool) -> Iterator[None]:
        yield

else:
    import fcntl

    @contextmanager
    def _held(path: Path, *, alone: bool) -> Iterator[None]:
        with path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
            yield


@contextmanager
def shared_machine(folder: Path) -> Iterator[None]:
    """Run beside others; wait while one has the machine, or waits for it."""
    with _held(folder / "door.lock", alone=True):
        inside = _held(folder / "machine.lock", alone=False)
        inside.__enter__()
    try:
        yield
    finally:
        inside.__exit__(None, None, None)


@contextmanager
def whole_machine(folder: Path) -> Iterator[None]:
    """Wait until nobody else is at work, and keep everybody out."""
    with _held(folder / "door.lock", alone=True), _held(folder / "machine.lock", alone=True):
        yield

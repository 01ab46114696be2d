"""A process that opens files as chatcli does, and reports what each of them cost.

    python -m tests.support.opening LIBRARY FILE...

prints one JSON object a line: an `Opening` for each file, its lines all that a user would be told.
`peak` is the most memory that the process ever had, in bytes.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from chatcli.errors import StorageError
from chatcli.storage.library import Library
from chatcli.storage.mending import read_session
from chatcli.storage.opening import open_stored

MOST_SECONDS = 2.0
MEGABYTE = 1_000_000
MOST_BYTES = 300 * MEGABYTE


@dataclass(frozen=True)
class Opening:
    """How one file was taken. `error` is a traceback, where it should have been a line.

    `seconds` are those that the process worked, so that a busy machine makes no difference; one
    that waits is ended by whoever has started it.
    """

    name: str
    opened: bool
    told: list[str]
    seconds: float
    error: str | None
    peak: int


def open_in_a_child(library: Path, paths: Sequence[Path], timeout: float = 60) -> list[Opening]:
    """Open the files one after the other in a process of their own."""
    command = [sys.executable, "-m", "tests.support.opening", str(library)]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command,
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        cwd=root,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    return [Opening(**json.loads(line)) for line in done.stdout.splitlines()]


def check(opening: Opening) -> None:
    """One line for each thing there is to say, in time, in memory, and no mistake of ours."""
    assert opening.error is None, f"{opening.name}: {opening.error}"
    for line in opening.told:
        assert len(line.splitlines()) == 1, f"{opening.name}: {line!r}"
        assert len(line) < 1000, f"{opening.name}: {line!r}"
    assert opening.opened or opening.told, opening.name
    assert opening.seconds < MOST_SECONDS, f"{opening.name}: {opening.seconds:.1f} s"
    assert opening.peak < MOST_BYTES, f"{opening.name}: {opening.peak / MEGABYTE:.0f} MB"


def take(library: Library, path: Path) -> Opening:
    """Open one file, for writing and for reading, and close it again."""
    started = time.process_time()
    told: list[str] = []
    error = None
    opened = False
    try:
        read_session(path)
    except StorageError as refusal:
        told.append(str(refusal))
    except BaseException:  # noqa: BLE001 - whatever it is, it is to be reported
        error = traceback.format_exc()
    between = time.process_time()
    try:
        found = open_stored(library, path)
        told += found.told
        found.conversation.tree.path  # noqa: B018 - a tree that can't be walked is no tree
        found.journal.close()
        opened = True
    except StorageError as refusal:
        told.append(str(refusal))
    except BaseException:  # noqa: BLE001 - whatever it is, it is to be reported
        error = traceback.format_exc()
    seconds = max(between - started, time.process_time() - between)
    return Opening(path.name, opened, told, seconds, error, peak())


def peak() -> int:
    """Return the most bytes that this process has had in memory.

    What the system calls `ru_maxrss` begins, on Linux, with what the parent had.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found:
            return int(found[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def main() -> None:
    library = Library(Path(sys.argv[1]))
    for line in sys.stdin.read().splitlines():
        print(json.dumps(asdict(take(library, Path(line)))))


if __name__ == "__main__":
    main()

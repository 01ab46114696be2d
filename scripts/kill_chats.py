"""Kill real chats at random moments, a thousand times, and look for anything that was lost.

    python scripts/kill_chats.py --runs 1000

Prints what was promised and kept; exits 1 where something was lost, and then keeps the folder.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.killing import kill_chats


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill real chats and look for what was lost.")
    parser.add_argument("--runs", type=int, default=1000, help="how many kills")
    parser.add_argument("--at-once", type=int, default=2, help="how many chats at a time")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the dice")
    wanted = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="killed-chats-"))
    started = time.monotonic()
    tally = kill_chats(wanted.runs, folder, seed=wanted.seed, at_once=wanted.at_once)
    print(f"{tally.runs} kills in {time.monotonic() - started:.0f} s, seed {wanted.seed}")
    for name, count in sorted({**tally.moments, **tally.promised}.items()):
        print(f"{count:7,} {name.replace('_', ' ')}")
    print(f"{len(tally.losses):7,} losses")
    if tally.losses:
        print(*tally.losses, f"the files are in {folder}", sep="\n")
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()

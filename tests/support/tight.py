"""Disks that are full and folders that can't be written, as real ones are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message
from chatcli.conversation.records import Conversation, Header, whole
from chatcli.conversation.tree import Tree
from chatcli.storage import wire

PAGE = 4096


@contextmanager
def tiny_disk(place: Path, size: int = 16 * PAGE) -> Iterator[Path]:
    """A file system of `size` bytes at `place`; the test is skipped where none can be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    mount = shutil.which("mount")
    if sys.platform != "linux" or mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk, on Linux")
    options = f"size={size},mode=0700"
    done = subprocess.run([mount, "-t", "tmpfs", "-o", options, "tmpfs", place], check=False)
    if done.returncode != 0:
        pytest.skip("no small disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    """Write a file that takes all the room that is left, and return it."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * PAGE):
                pass
        except OSError:
            pass
    return filler


def write_session(path: Path, *, spare: int | None = None) -> bytes:
    """Write a session of a few messages, and return its bytes.

    `spare` are the bytes that its last page has left, for disks that are filled by pages.
    """
    data = _session(0)
    if spare is not None:
        data = _session((PAGE - spare - len(data)) % PAGE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
    return data


def _session(padding: int) -> bytes:
    tree = Tree()
    said = (
        Message("system", "Be brief" + "!" * padding),
        Message("user", "Who was here before?"),
        Message("assistant", "I was."),
    )
    for message in said:
        tree = trees.add(tree, trees.say(tree, message))
    talk = Conversation(Header("01K", "2026-11-23T04:18:00Z", None, "gpt-4o"), tree)
    return wire.document(wire.encode(record) for record in whole(talk))


def as_anybody() -> tuple[str, ...]:
    """What goes before a command so that permissions hold for it; root's own powers are left."""
    if os.name == "nt":
        pytest.skip("permissions of POSIX")
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may write everywhere, and there is no setpriv")
    return (setpriv, "--bounding-set", "-dac_override,-dac_read_search")

"""Hostile session files through the front door: a line, an exit code, and no traceback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired

import pytest

from tests.support.piped import surroundings
from tests.support.program import run_chatcli
from tests.support.server import ChatServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="FIFOs")

HEADER = b'[\n{"chatcli":1,"id":"01K","created":"2026-11-23T04:18:00Z"}'


def holds(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100_000_000)


HOSTILE: dict[str, Callable[[Path], object]] = {
    "binary": holds(bytes(range(256)) * 9),
    "brackets": holds(b"[" * 1_000_000),
    "digits": holds(b'[{"role":"user","content":' + b"9" * 100_000 + b"}]"),
    "fifo": os.mkfifo,
    "folder": Path.mkdir,
    "nan": holds(b'[{"role":"user","content":NaN}]'),
    "newer": holds(HEADER.replace(b":1,", b":99,") + b"\n]\n"),
    "role": holds(b'[{"role":"\x1b[2Jroot\\n\\u202e","content":"x"}]'),
    "sparse": sparse,
    "twice": holds(b'[{"role":"user","role":"user","content":"x"}]'),
    "words": holds(b"Dear reader, this is no JSON at all."),
    "zeros": lambda path: path.symlink_to("/dev/zero"),
}


def faults(name: str, done: CompletedProcess[str]) -> Iterator[str]:
    """Say what is wrong with how a hostile file was refused."""
    if done.returncode not in {1, 2}:
        yield f"{name}: exit code {done.returncode}"
    if done.stderr.count("\n") != 1 or not done.stderr.startswith("chatcli: "):
        yield f"{name}: {done.stderr}"
    if "mistake in chatcli" in done.stderr or "\x1b" in done.stderr or done.stdout:
        yield f"{name}: {done.stdout}{done.stderr}"


def test_each_of_a_dozen_costs_ask_a_line(tmp_path: Path, chat_server: ChatServer) -> None:
    folder = tmp_path / "chatcli" / "sessions"
    folder.mkdir(parents=True)
    for name, make in HOSTILE.items():
        make(folder / f"{name}.json")

    def ask(name: str) -> list[str]:
        asked = ("ask", "-s", str(folder / f"{name}.json"), "hi")
        try:
            done = run_chatcli(*asked, env=surroundings(chat_server), home=tmp_path, timeout=10)
        except TimeoutExpired:
            return [f"{name}: it hangs"]
        return [*faults(name, done)]

    with ThreadPoolExecutor(2) as pool:
        wrong = [fault for found in pool.map(ask, HOSTILE) for fault in found]
    assert not wrong, "\n".join(wrong)
    assert chat_server.requests == []

    listed = run_chatcli("sessions", "list", home=tmp_path, timeout=10)
    assert listed.returncode == 0
    assert listed.stderr == ""
    assert not {"fifo", "folder", "zeros"} & set(listed.stdout.split())

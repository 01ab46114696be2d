"""What it costs to stream a reply and lay it out, against a bare loop over the openai client."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer

MOST_ROUNDS = 4
MANY = 20_000  # chunks
QUARTER = 34  # sections; a reply of so many chunks has 137
CHUNK = 4  # characters
MOST_SECONDS = 120
SETTLES = 1.5  # seconds: what is done in the background after the start is part of each figure

SECTION = """## Part {n}: what the wind does

The **north-west** wind, which sailors call *mistral*, comes with `cold` air from the valley, and a
boat that lies at anchor swings round to meet it; see [the chart](https://example.com/chart/{n}).

- reef the main sail before it is needed
- put a second line ashore
  1. a long one, of nylon
  2. and one in reserve

```python
def drift(wind: float, hours: int) -> float:
    # a rule of thumb
    return wind * 0.03 * hours
```

| force | knots | sails |
| ---: | ---: | --- |
| 5 | 17-21 | all of them |
| 7 | 28-33 | two reefs, and a storm jib |

"""

FLOOR = """
import openai
stream = openai.OpenAI().chat.completions.create(
    model="test-model", messages=[{"role": "user", "content": "go"}], stream=True
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
print("tokens/s")
"""


def markdown(chunks: int) -> str:
    size = chunks * CHUNK
    text = "".join(SECTION.format(n=n) for n in range(1, size // len(SECTION) + 2))
    return text[:size]


def cpu_to_show(argv: list[str], chunks: int, home: Path) -> float:
    """Return the CPU seconds, user and system, that a process on a pty takes for one reply."""
    with ChatServer(chunk=CHUNK) as server:
        server.reply_with(markdown(chunks))
        env = clean_env(
            home, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="test-model"
        )
        return cpu_on_a_pty(argv, env, home)


def cpu_on_a_pty(argv: list[str], env: dict[str, str], home: Path) -> float:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=home, start_new_session=True
    )
    os.close(theirs)
    try:
        read_to_the_end(ours)
        _, status, used = os.wait4(child.pid, 0)
    finally:
        child.returncode = 0 if child.returncode is None else child.returncode
        os.close(ours)
    assert status == 0
    return used.ru_utime + used.ru_stime


def read_to_the_end(fd: int) -> None:
    """Read what a program shows, and leave it when it has told of its speed."""
    deadline = time.monotonic() + MOST_SECONDS
    tail = b""
    left = False
    while time.monotonic() < deadline:
        try:
            data = os.read(fd, 65536)
        except OSError:  # Linux's way to say that the program has gone
            return
        tail = (tail + data)[-100_000:]
        if not left and b"tokens/s" in tail:
            time.sleep(SETTLES)
            os.write(fd, b"\x04")
            left = True
    raise AssertionError(f"the reply did not come to its end: {tail[-500:]!r}")


def test_a_long_reply_costs_no_more_than_a_bare_loop_over_the_client(tmp_path: Path) -> None:
    floor_argv = [sys.executable, "-c", FLOOR]
    ours_argv = chatcli_argv("chat", "go")
    cpu_to_show(ours_argv, 1, tmp_path)  # which leaves the bytecode of all that it imports
    floor, ours = [], []
    for _ in range(MOST_ROUNDS):
        floor.append(cpu_to_show(floor_argv, MANY, tmp_path))
        ours.append(cpu_to_show(ours_argv, MANY, tmp_path))
        # What else a machine does only adds to these: the least of each is the program's own.
        ratio = min(ours) / min(floor)
        if ratio <= 1.0:
            break
    print(f"\n{MANY:,} chunks: {min(ours):.2f} s of CPU, {ratio:.2f} × the bare loop")
    assert ratio <= 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="a clock of Linux")
def test_a_chunk_costs_the_same_however_long_the_reply_is_by_then(tmp_path: Path) -> None:
    marks = [f"Part {QUARTER * number}:".encode() for number in (1, 2, 3)]
    grown = []
    for _ in range(MOST_ROUNDS):
        with ChatServer(chunk=CHUNK) as server:
            server.reply_with(markdown(MANY))
            one, two, three, four = cpu_at([*marks, b"tokens/s"], server, tmp_path)
        grown.append((four - three) / (two - one))
        if grown[-1] <= 1.2:
            break
    print(f"\nthe last quarter of {MANY:,} chunks costs {min(grown):.2f} × the second")
    assert min(grown) <= 1.2


def cpu_at(marks: list[bytes], server: ChatServer, home: Path) -> list[float]:
    """Return the CPU seconds that a chat has taken when it shows each of these marks."""
    env = clean_env(
        home, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="test-model"
    )
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen(
        chatcli_argv("chat", "go"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env,
        cwd=home,
        start_new_session=True,
    )
    os.close(theirs)
    clock = (~child.pid << 3) | 2  # clock_getcpuclockid(3), which Python does not have
    seen, tail = [], b""
    try:
        for mark in marks:
            while mark not in tail:
                tail = (tail + os.read(ours, 65536))[-200_000:]
            seen.append(time.clock_gettime(clock))
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    return seen

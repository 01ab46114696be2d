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

from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer

MOST_ROUNDS = 4
MANY = 20_000  # chunks
HALF = MANY // 2
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
            home,
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="sk-test",
            CHATCLI_MODEL="test-model",
            PYTHONPYCACHEPREFIX=str(home / "bytecode"),
        )
        env.pop("PYTHONDONTWRITEBYTECODE", None)
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
    cpu_to_show(floor_argv, 1, tmp_path)
    cpu_to_show(ours_argv, 1, tmp_path)
    floor, many, half, start = [], [], [], []
    for _ in range(MOST_ROUNDS):
        floor.append(cpu_to_show(floor_argv, MANY, tmp_path))
        many.append(cpu_to_show(ours_argv, MANY, tmp_path))
        half.append(cpu_to_show(ours_argv, HALF, tmp_path))
        start.append(cpu_to_show(ours_argv, 1, tmp_path))
        # What else a machine does only adds to these: the least of each is the program's own.
        ratio = min(many) / min(floor)
        each = (min(many) - min(start)) / MANY
        grown = each / ((min(half) - min(start)) / HALF)
        if ratio <= 1.0 and grown <= 1.2:
            break
    print(
        f"\n{MANY:,} chunks: {min(many):.2f} s of CPU, {ratio:.2f} × the bare loop;"
        f" {each * 1e6:.0f} µs a chunk, {grown:.2f} × that of {HALF:,}"
    )
    assert ratio <= 1.0
    assert grown <= 1.2

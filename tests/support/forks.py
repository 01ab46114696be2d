"""chatcli in a process of its own that need not import anew what it uses of others.

    chat = server.start(chatcli_argv("chat"), env=env, cwd=folder)

The server (tests/support/forkserver.py) has imported the libraries, and nothing of chatcli. Each
fork of it gets arguments, environment, folder and pipes or a terminal of its own, imports the
chatcli that it finds, and ends as any Python does. That saves a start half a second of CPU. It
differs from a Python that is started anew only by what Python reads at that moment: see `suffices`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import FileIO, TextIOWrapper
from pathlib import Path
from typing import IO, Final

READ_AT_START: Final = ("PYTHON", "LANG", "LC_", "LD_", "COVERAGE", "OPENAI_LOG")


class Fork:
    """A process that runs, with as much of subprocess.Popen as the tests use."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None

    def __init__(self, argv: Sequence[str], line: socket.socket) -> None:
        self.args = list(argv)
        self.returncode: int | None = None
        self._line = line
        self._told = line.makefile()
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        """Return the exit code, negative after a signal, or None while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit code. Raises subprocess.TimeoutExpired."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._line], [], [], timeout)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
            self._line.close()
        return self.returncode


class ForkServer:
    """A process that forks; it ends when this one does. Threads may share it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._at_start = _at_start(env)
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forkserver", str(theirs.fileno())],
                env=env,
                cwd=Path(__file__).parents[2],
                pass_fds=[theirs.fileno()],
                # Pipes, as its forks have: Python keeps what it finds out about them at its start.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        self._turn = threading.Lock()

    def suffices(self, env: Mapping[str, str]) -> bool:
        """Say whether a Python with this environment would start as the server has."""
        return _at_start(env) == self._at_start and "COVERAGE_PROCESS_START" not in env

    def start(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> Fork:
        """Start `PYTHON -m MODULE …` with pipes for its three streams."""
        (stdin, feed), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
        fork = self._start((stdin, stdout, stderr), argv, env, cwd)
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        fork.stdin, fork.stdout, fork.stderr = FileIO(feed, "w"), FileIO(out), FileIO(err)
        return fork

    def start_on(
        self, terminal: int, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path
    ) -> Fork:
        """Start `PYTHON -m MODULE …` on a terminal that is nobody else's."""
        return self._start((terminal, terminal, terminal), argv, env, cwd)

    def run(
        self, argv: Sequence[str], text: str, *, env: Mapping[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with `text` on stdin. Raises subprocess.TimeoutExpired."""
        fork = self.start(argv, env=env, cwd=cwd)
        with ThreadPoolExecutor(3) as pool:
            pool.submit(_write, fork.stdin, text)
            out, err = (pool.submit(_read, stream) for stream in (fork.stdout, fork.stderr))
            try:
                code = fork.wait(timeout)
            finally:
                fork.kill()
            return subprocess.CompletedProcess(fork.args, code, out.result(), err.result())

    def _start(
        self, streams: Sequence[int], argv: Sequence[str], env: Mapping[str, str], cwd: Path
    ) -> Fork:
        line, theirs = socket.socketpair()
        with theirs, self._turn:
            socket.send_fds(self._control, [b"!"], [*streams, theirs.fileno()])
        line.sendall(json.dumps([argv[2:], dict(env), str(cwd)]).encode())
        line.shutdown(socket.SHUT_WR)
        return Fork(argv, line)

    def close(self) -> None:
        self._control.close()
        self._process.communicate()


def _at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


def _write(stream: IO[bytes] | None, text: str) -> None:
    assert stream is not None
    with suppress(BrokenPipeError), stream:
        data = memoryview(text.encode())
        while data:
            data = data[stream.write(data) :]


def _read(stream: IO[bytes] | None) -> str:
    assert stream is not None
    with TextIOWrapper(stream, "utf-8") as text:
        return text.read()

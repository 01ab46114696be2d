"""chatcli in a process of its own that need not import anew what it uses of others.

    done = ForkServer(env).run(argv, input="", env=env, cwd=folder, timeout=60)

A server that has imported the libraries, and nothing of chatcli, forks for each run. The fork gets
the arguments, the environment, the folder and the pipes of that run, imports the chatcli that it
finds, and ends as any Python does. That saves a run half a second of CPU, and it is told apart only
by what Python reads as it starts: see `suffices`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

LIBRARIES: Final = (
    *("openai", "openai.resources.chat.completions", "httpx2", "httpcore2", "h11", "truststore"),
    *("pydantic", "typer", "yaml", "dotenv", "tomllib", "filelock", "platformdirs", "tiktoken"),
    *("rich.console", "rich.markdown", "prompt_toolkit", "encodings.idna", "anyio.streams.tls"),
)
READ_AT_START: Final = ("PYTHON", "LANG", "LC_", "LD_", "OPENAI_LOG")


class ForkServer:
    """A process that forks; it ends when this one does. Threads may share it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._at_start = _at_start(env)
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
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
        """Say whether a run with this environment would start as the server has."""
        return _at_start(env) == self._at_start and "COVERAGE_PROCESS_START" not in env

    def run(
        self, argv: Sequence[str], text: str, *, env: Mapping[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Run `PYTHON -m MODULE …` as subprocess.run does, with `text` on stdin.

        Raises subprocess.TimeoutExpired.
        """
        (stdin, feed), (out, stdout), (err, stderr) = os.pipe(), os.pipe(), os.pipe()
        line, theirs = socket.socketpair()
        with theirs, self._turn:
            socket.send_fds(self._control, [b"!"], [stdin, stdout, stderr, theirs.fileno()])
        for descriptor in (stdin, stdout, stderr):
            os.close(descriptor)
        with line, ThreadPoolExecutor(3) as pool:
            line.sendall(json.dumps([argv[2:], dict(env), str(cwd)]).encode())
            line.shutdown(socket.SHUT_WR)
            pool.submit(_write, feed, text)
            printed, told = pool.submit(_read, out), pool.submit(_read, err)
            code = _ending(line, argv, timeout)
            return subprocess.CompletedProcess(list(argv), code, printed.result(), told.result())

    def close(self) -> None:
        self._control.close()
        self._process.communicate()


def _at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


def _write(descriptor: int, text: str) -> None:
    with suppress(BrokenPipeError), open(descriptor, "w", encoding="utf-8") as pipe:
        pipe.write(text)


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="utf-8") as pipe:
        return pipe.read()


def _ending(line: socket.socket, argv: Sequence[str], timeout: float) -> int:
    """Wait for the exit code, which is negative after a signal."""
    line.settimeout(timeout)
    with line.makefile() as told:
        child = int(told.readline())
        try:
            return int(told.readline())
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(argv), timeout) from None


def serve(control: socket.socket) -> None:
    """Fork for each run, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the keepers
    while descriptors := socket.recv_fds(control, 1, 4)[1]:
        if os.fork() == 0:
            control.close()
            _keep(descriptors[:3], socket.socket(fileno=descriptors[3]))
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(streams: Sequence[int], line: socket.socket) -> None:
    """Fork once more, tell how that ends, and go; the second fork runs the module."""
    with line.makefile() as said:
        args, env, cwd = json.load(said)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if child := os.fork():
        for descriptor in streams:
            os.close(descriptor)
        line.sendall(f"{child}\n".encode())
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        line.sendall(f"{code}\n".encode())
        os._exit(0)
    line.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for target, descriptor in enumerate(streams):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(cwd)
    sys.path[0] = cwd
    module, *sys.argv[1:] = args
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))

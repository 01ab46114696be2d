"""The process that `tests/support/forks.py` starts: it forks for each run of chatcli.

With each byte on the socket that it is given come four descriptors: stdin, stdout, stderr, and a
line on which it reads what to run, and tells the process id and at last the exit code.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import termios
import time
from collections.abc import Sequence
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper
from typing import Final, TextIO

LIBRARIES: Final = (
    *("openai", "openai.resources.chat.completions.completions", "httpx2", "httpcore2", "h11"),
    *("pydantic", "typer", "yaml", "dotenv", "tomllib", "filelock", "platformdirs", "tiktoken"),
    *("rich.console", "rich.markdown", "pygments.lexers.html", "prompt_toolkit"),
    *("truststore", "anyio.streams.tls"),
)
_OF_A_TERMINAL: Final = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP, signal.SIGWINCH),
)


def serve(control: socket.socket) -> None:
    """Fork for each run, until nobody asks any more; return in the forks when they have run."""
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while descriptors := socket.recv_fds(control, 1, 4)[1]:
        if os.fork() == 0:
            control.close()
            *streams, told = descriptors
            run = _fork(streams, socket.socket(fileno=told))
            signal.signal(signal.SIGINT, on_interrupt)
            _take(streams)
            _run(*run)
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _fork(streams: Sequence[int], line: socket.socket) -> tuple[list[str], dict[str, str], str]:
    """Fork once more for the run itself, and return there what is to be run.

    This process waits, and tells how it ended.
    """
    with line, line.makefile() as said:
        argv, env, cwd = json.load(said)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if child := os.fork():
            for descriptor in streams:
                os.close(descriptor)
            line.sendall(b"%d\n" % child)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            line.sendall(b"%d\n" % code)
            os._exit(0)
    return argv, env, cwd


def _take(streams: Sequence[int]) -> None:
    """Make them stdin, stdout and stderr."""
    for target, descriptor in enumerate(streams):
        os.dup2(descriptor, target)
        os.close(descriptor)
    if os.isatty(0):
        take_terminal()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
            stream = _opened(descriptor, getattr(sys, name))
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def _run(argv: list[str], env: dict[str, str], cwd: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    time.tzset()
    os.chdir(cwd)
    module, *sys.argv[1:] = argv
    sys.path[0] = cwd
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def take_terminal() -> None:
    """Make the terminal on stdin that of this process, which leads a new session.

    Signals do there what they do by default, whatever this process has been started to ignore.
    """
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in _OF_A_TERMINAL:
        signal.signal(number, signal.SIG_DFL)


def _opened(descriptor: int, piped: TextIO) -> TextIO:
    """Open a stream on a terminal as Python does at its start; `piped` is what was opened then."""
    raw = FileIO(descriptor, "w" if descriptor else "r", closefd=False)
    raw.name = piped.name
    size = os.fstat(descriptor).st_blksize
    buffer = BufferedWriter(raw, size) if descriptor else BufferedReader(raw, size)
    text = TextIOWrapper(buffer, piped.encoding, piped.errors, "\n", line_buffering=True)
    vars(text)["mode"] = piped.mode
    return text


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))

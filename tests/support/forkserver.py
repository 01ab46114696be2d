"""The process that `tests/support/forks.py` starts: it forks for each run of chatcli.

With each byte on the socket that it is given come four descriptors: stdin, stdout, stderr, and a
line on which it reads what to run, and tells the process id and at last the exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Final

LIBRARIES: Final = (
    *("openai", "openai.resources.chat.completions.completions", "httpx2", "httpcore2", "h11"),
    *("pydantic", "typer", "yaml", "dotenv", "tomllib", "filelock", "platformdirs", "tiktoken"),
    *("rich.console", "rich.markdown", "prompt_toolkit", "truststore", "anyio.streams.tls"),
)


def serve(control: socket.socket) -> None:
    """Fork for each run, until nobody asks any more; return in the forks when they have run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    while descriptors := socket.recv_fds(control, 1, 4)[1]:
        if os.fork() == 0:
            control.close()
            _run(descriptors[:3], socket.socket(fileno=descriptors[3]))
            return
        for descriptor in descriptors:
            os.close(descriptor)


def _run(streams: Sequence[int], line: socket.socket) -> None:
    """Fork once more for the run itself; this process waits, and tells how it ended."""
    with line.makefile() as said:
        (module, *args), env, cwd = json.load(said)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if child := os.fork():
        for descriptor in streams:
            os.close(descriptor)
        line.sendall(b"%d\n" % child)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        line.sendall(b"%d\n" % code)
        os._exit(0)
    line.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for target, descriptor in enumerate(streams):
        os.dup2(descriptor, target)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(env)
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    time.tzset()
    os.chdir(cwd)
    sys.path[0], sys.argv[1:] = cwd, args
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))

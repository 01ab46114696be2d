"""`chatcli` as a process of its own, in surroundings that a test knows completely."""

from __future__ import annotations

import atexit
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tests.support import canary
from tests.support.forks import ForkServer

# What a process needs of the machine: where programs and certificates are, and how to reach the
# package index. Everything else, above all keys and settings, stays outside.
KEPT = {
    *("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH"),
    "COVERAGE_PROCESS_START",
    *("SYSTEMROOT", "COMSPEC", "PATHEXT", "TEMP", "TMP", "TMPDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
}
KEPT_PREFIXES = ("PIP_", "UV_")


def clean_env(home: Path, **extra: str) -> dict[str, str]:
    """The environment of somebody new on this machine, whose home is `home`.

    chatcli keeps everything in `home/chatcli`. Loopback is never reached through a proxy.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith(KEPT_PREFIXES)
    }
    own = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "CHATCLI_HOME": str(home / "chatcli"),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    return kept | own | extra


def chatcli_argv(*args: str) -> list[str]:
    """The command that runs the chatcli of this tree."""
    return [sys.executable, "-m", "chatcli.cli", *args]


def run_chatcli(
    *args: str,
    input: str | None = None,  # noqa: A002 - the name that subprocess.run has for it
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    home: Path | None = None,
    timeout: float = 60,
    anew: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run chatcli to its end, with `input` on stdin and no terminal.

    `env` is added to a clean environment. `home` outlives the run where it is given, so that a
    second run finds what the first one left; it is also the working folder unless `cwd` is.
    The process is a fork of one that has imported the libraries, unless Python is to start `anew`.
    Raises subprocess.TimeoutExpired after `timeout` seconds.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = home or Path(temporary)
        surroundings = clean_env(place, **(env or {}))
        run = _started_anew if anew else _runner(surroundings)
        done = run(
            chatcli_argv(*args), input or "", env=surroundings, cwd=cwd or place, timeout=timeout
        )
        if home is None:
            canary.watch_folder(place)
    canary.watch(done.stdout + done.stderr, "chatcli " + " ".join(args))
    return done


class _Runner(Protocol):
    def __call__(
        self, argv: Sequence[str], text: str, *, env: Mapping[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]: ...


def _runner(env: Mapping[str, str]) -> _Runner:
    server = server_for(env)
    return server.run if server else _started_anew


def server_for(env: Mapping[str, str]) -> ForkServer | None:
    """Return what may fork a chatcli with this environment; None where Python has to start anew."""
    server = _fork_server() if sys.platform == "linux" else None
    return server if server and server.suffices(env) else None


@functools.cache
def _fork_server() -> ForkServer:
    server = ForkServer(clean_env(Path(tempfile.gettempdir())))
    atexit.register(server.close)
    return server


def _started_anew(
    argv: Sequence[str], text: str, *, env: Mapping[str, str], cwd: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        input=text,
        env=env,
        cwd=cwd,
        timeout=timeout,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

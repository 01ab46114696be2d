"""A chat that is fed through a pipe, and when it printed what."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.support import canary
from tests.support.forks import Fork
from tests.support.program import chatcli_argv, clean_env, server_for
from tests.support.server import ChatServer

TICK = 0.002


def surroundings(server: ChatServer) -> dict[str, str]:
    """What leads chatcli to the loopback server."""
    return {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": "sk-test",
        "CHATCLI_MODEL": "gpt-4o",
    }


def wait(until: Callable[[], object], seconds: float = 20, tick: float = TICK) -> None:
    """Wait until something is true, or raise AssertionError."""
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, f"it did not happen within {seconds:g} s"
        time.sleep(tick)


class PipedChat:
    """`chatcli` with `args` as a process whose home is `home`; everything it prints is kept.

    `prefix` goes before the command, as `prlimit` or `setpriv` want it. Without one the process is
    a fork of one that has imported the libraries, unless Python is to start `anew`.
    """

    def __init__(
        self,
        home: Path,
        server: ChatServer,
        *args: str,
        prefix: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        anew: bool = False,
    ) -> None:
        around = clean_env(home, **surroundings(server), **(env or {}))
        self.process = _started([*prefix, *chatcli_argv(*args)], around, home, anew or bool(prefix))
        self._printed: list[tuple[float, bytes]] = []
        self._errors = bytearray()
        self._readers = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{line}\n".encode())

    def text(self, *, before: float = float("inf")) -> str:
        """What was read from its stdout, all of it or what came `before` a monotonic moment."""
        data = b"".join(piece for moment, piece in self._printed if moment < before)
        return data.decode(errors="ignore")

    def wait_for(self, text: str) -> None:
        """Wait until it has printed `text` to its stdout."""
        self.wait_until(lambda: text in self.text())

    def wait_until(self, predicate: Callable[[], object]) -> None:
        """Wait until something is true, but not longer than the chat lasts."""
        wait(lambda: self.ended or predicate())
        if self.ended:
            self._reap()
        assert predicate(), f"it ended: {self.errors()}"

    def errors(self) -> str:
        return self._errors.decode(errors="replace")

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def kill(self) -> float:
        """Send SIGKILL, and return when that was, with all that was printed before it read."""
        moment = time.monotonic()
        self.process.kill()
        self._reap()
        return moment

    def leave(self, timeout: float = 20) -> int:
        """End the input, wait for the end of the chat, and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(timeout)
        self._reap()
        return code

    def _reap(self) -> None:
        self.process.wait(20)
        for reader in self._readers:
            reader.join(20)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()
        canary.watch(self.text() + self.errors(), "a piped chat")

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        while piece := self.process.stdout.read(65536):
            self._printed.append((time.monotonic(), piece))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        while piece := self.process.stderr.read(65536):
            self._errors += piece


def _started(
    argv: list[str], env: Mapping[str, str], home: Path, anew: bool
) -> subprocess.Popen[bytes] | Fork:
    if not anew and (forks := server_for(env)):
        return forks.start(argv, env=env, cwd=home)
    return subprocess.Popen(
        argv,
        env=env,
        cwd=home,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )

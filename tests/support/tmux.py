"""A program in a real tmux of its own: a second reader of what a terminal shows, beside pyte.

with Tmux(argv, env=clean_env(home), cwd=home) as window:
    window.wait_for("❯")
    window.type("Hello", "Enter")
    window.resize(24, 40)
    assert "Hello" in window.transcript()

Other than pyte it folds the rows that have become too long for a narrower window.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")

TICK = 0.1  # seconds between two looks, each of which is a process
HISTORY = 20_000  # rows


class Tmux:
    """Runs `argv` in a window of `rows` by `cols`, on a socket that is nobody else's."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        rows: int = 24,
        cols: int = 80,
    ) -> None:
        self._socket = cwd / "tmux.socket"
        self._env = dict(env)
        size = ["-x", str(cols), "-y", str(rows)]
        settings = ["set", "-g", "history-limit", str(HISTORY), ";"]
        settings += ["set", "-g", "remain-on-exit", "on", ";"]
        settings += ["set", "-g", "status", "off", ";"]
        self._do(*settings, "new-session", "-d", *size, "-c", str(cwd), *map(str, argv))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do("kill-server")

    def type(self, text: str, *keys: str) -> None:
        """Type a text, then press keys by tmux's names for them."""
        self._do("send-keys", "-l", text)
        if keys:
            self._do("send-keys", *keys)

    def resize(self, rows: int, cols: int) -> None:
        self._do("resize-window", "-x", str(cols), "-y", str(rows))

    def transcript(self) -> str:
        """What has scrolled out of sight and what is visible, with folded lines made whole."""
        return self._do("capture-pane", "-p", "-J", "-S", "-")

    def wait_for(self, wanted: str, timeout: float = 20) -> None:
        """Wait until a text is in the transcript; raises AssertionError with it if it never is."""
        deadline = time.monotonic() + timeout
        while wanted not in (shown := self.transcript()):
            assert time.monotonic() < deadline, f"no {wanted!r} after {timeout:g} s:\n{shown}"
            time.sleep(TICK)

    def _do(self, *command: str) -> str:
        return subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(self._socket), *command],
            env=self._env,
            capture_output=True,
            encoding="utf-8",
            timeout=20,
            check=True,
        ).stdout

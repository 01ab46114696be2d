"""A program that has a pty of its own for its terminal, and whoever holds the other end of it.

program = PtyProgram(chatcli_argv("chat"), env=clean_env(home), cwd=home, rows=24, cols=80)
os.write(program.fd, b"Hello\r")
program.close()
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support.forks import Fork
from tests.support.forkserver import take_terminal
from tests.support.program import server_for

GRACE = 0.3  # seconds for a program to end when its terminal is gone


class PtyProgram:
    """Runs `argv` in a session of its own; `fd` is the end of the pty at which somebody sits.

    A Python that runs a module is a fork of one that has imported the libraries, unless Python is
    to start `anew`. Raises OSError for a program that can't be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None,
        cwd: Path | None,
        rows: int,
        cols: int,
        anew: bool = False,
    ) -> None:
        self.fd, terminal = os.openpty()
        try:
            self.resize(rows, cols)
            self._process = _started(list(map(str, argv)), terminal, env, cwd, anew)
        except OSError:
            self.hang_up()
            raise
        finally:
            os.close(terminal)

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, negative after a signal, or None while it runs."""
        return self._process.poll()

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def resize(self, rows: int, cols: int) -> None:
        """Change the size of the terminal, which the program is told by SIGWINCH."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def hang_up(self) -> None:
        """Take the terminal away, which the program is told by SIGHUP."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def close(self) -> None:
        """Hang up, and kill the program if it does not go."""
        self.hang_up()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self._process.kill()
        self._process.wait()


def _started(
    argv: list[str], terminal: int, env: Mapping[str, str] | None, cwd: Path | None, anew: bool
) -> subprocess.Popen[bytes] | Fork:
    surroundings = os.environ if env is None else env
    runs_module = argv[:2] == [sys.executable, "-m"]
    if runs_module and not anew and (forks := server_for(surroundings)):
        return forks.start_on(terminal, argv, env=surroundings, cwd=cwd or Path.cwd())
    return subprocess.Popen(
        argv,
        env=env,
        cwd=cwd,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        preexec_fn=take_terminal,  # noqa: PLW1509 - there is no other way to have its keys
    )

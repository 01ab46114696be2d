"""A program on a real pseudo-terminal, and somebody who looks at the screen and types.

with Terminal([sys.executable, "-m", "chatcli.cli", "chat"], env=clean_env(home)) as terminal:
    terminal.wait_for_prompt()
    terminal.type("Hello").key("enter")
    terminal.wait_for("Echo: Hello")
    terminal.key("ctrl-d")
    assert terminal.wait_exit() == 0
"""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support import canary
from tests.support.display import Display
from tests.support.keys import PASTE_BEGINS, PASTE_ENDS, sequence
from tests.support.pty_program import PtyProgram
from tests.support.pump import Pump

PROMPTS = ("❯ ", "> ")
TICK = 0.02  # seconds between two looks at what the screen does not show


class Terminal:
    """Runs `argv` on a pty of `rows` by `cols`, from now until `close` or the end of the block.

    It answers a program that asks for the cursor's position or the kind of terminal, unless it is
    `mute`. `background` is the colour that it states, like `rgb:0000/0000/0000`; None states none.
    A chatcli is a fork of a process that has imported the libraries, unless Python is to start
    `anew`.
    Every wait raises AssertionError, with the screen in its text, when `timeout` seconds are over.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        rows: int = 24,
        cols: int = 80,
        mute: bool = False,
        background: str | None = None,
        anew: bool = False,
    ) -> None:
        self._changed = threading.Condition()
        self._display = Display(rows, cols, self._answer, background)
        self._raw = bytearray()
        self._ended = False
        self._changes = 0
        self._mute = mute
        self._child = PtyProgram(argv, env=env, cwd=cwd, rows=rows, cols=cols, anew=anew)
        self._pump = Pump(self._child.fd, read=self._received, show=self._show, end=self._end)
        self._pump.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up, as a window does that is closed; a program that does not go is killed."""
        self.hang_up()
        self._child.close()
        canary.watch(bytes(self._raw), "a terminal")

    def kill(self) -> None:
        """End the program at once, as `kill -9` does, and wait until it is gone."""
        self.send_signal(signal.SIGKILL)
        self.wait_exit()

    def send_signal(self, number: int) -> None:
        self._child.send_signal(number)

    def hang_up(self) -> None:
        """Take the terminal away, as a window does that is closed; the program is not killed."""
        self._pump.stop()
        self._child.hang_up()

    def type(self, text: str) -> Self:
        self._pump.send(text.encode())
        return self

    def key(self, *names: str) -> Self:
        """Press keys by name, one after the other: see `keys.NAMED`."""
        return self.type("".join(map(sequence, names)))

    def paste(self, text: str) -> Self:
        """Paste as terminals do: each line's end is Enter, and marks enclose it if wanted."""
        text = text.replace("\r\n", "\r").replace("\n", "\r")
        with self._changed:
            marked = self._display.takes_pastes
        return self.type(f"{PASTE_BEGINS}{text}{PASTE_ENDS}" if marked else text)

    def resize(self, rows: int, cols: int) -> None:
        """Change the window's size, which the program is told by SIGWINCH."""
        with self._changed:
            self._display.resize(rows, cols)
        self._child.resize(rows, cols)

    @property
    def raw(self) -> bytes:
        """Every byte that the program has written."""
        with self._changed:
            return bytes(self._raw)

    @property
    def title(self) -> str:
        with self._changed:
            return self._display.title

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column on the screen, counted from zero."""
        with self._changed:
            return self._display.cursor

    def screen(self) -> str:
        """What is visible, without the space to the right and below."""
        with self._changed:
            return "\n".join(self._display.rows()).rstrip()

    def transcript(self) -> str:
        """What has scrolled out of sight and what is visible."""
        with self._changed:
            return "\n".join([*self._display.scrollback(), *self._display.rows()]).rstrip()

    def wait_for(self, wanted: str | re.Pattern[str], timeout: float = 10) -> str:
        """Wait until a text or a pattern is in the transcript, and return what matched."""
        if isinstance(wanted, str):
            pattern, name = re.compile(re.escape(wanted)), repr(wanted)
        else:
            pattern, name = wanted, f"match of {wanted.pattern!r}"
        found: list[str] = []

        def look() -> bool:
            match = pattern.search(self.transcript())
            found[:] = [match[0]] if match else []
            return bool(match)

        __tracebackhide__ = True
        self._wait(look, timeout, f"no {name}", until_the_end=True)
        return found[0]

    def wait_for_prompt(self, timeout: float = 10) -> None:
        """Wait until the cursor is on a line that begins with a prompt, behind it."""
        self._wait(self._is_at_prompt, timeout, "no prompt", until_the_end=True)

    def wait_until(self, predicate: Callable[[], object], timeout: float = 10) -> None:
        """Wait until something is true, be it of the screen or of anything else."""
        self._wait(predicate, timeout, "what was waited for did not happen")

    def wait_exit(self, timeout: float = 10) -> int:
        """The program's exit status, or minus the signal that ended it."""
        self._wait(lambda: self.exitstatus is not None, timeout, "the program did not end")
        # What it wrote last may still be on its way; a child of its own may keep the terminal.
        with self._changed:
            self._changed.wait_for(lambda: self._ended, timeout=1)
        status = self.exitstatus
        assert status is not None
        return status

    @property
    def exitstatus(self) -> int | None:
        """As `wait_exit` returns it; None while the program runs."""
        return self._child.poll()

    def _is_at_prompt(self) -> bool:
        with self._changed:
            row, column = self._display.cursor
            return column >= 2 and self._display.row(row).startswith(PROMPTS)

    def _wait(
        self,
        predicate: Callable[[], object],
        timeout: float,
        failure: str,
        until_the_end: bool = False,
    ) -> None:
        __tracebackhide__ = True  # pytest then points at the line of the test
        deadline = time.monotonic() + timeout
        while True:
            with self._changed:
                changes, ended = self._changes, self._ended
            if predicate():
                return
            hopeless = until_the_end and ended
            if hopeless or time.monotonic() > deadline:
                when = "at the program's end" if hopeless else f"after {timeout:g} s"
                raise AssertionError(f"{failure} {when}; the screen:\n{self._framed()}")
            with self._changed:
                if self._changes == changes:
                    self._changed.wait(TICK)

    def _framed(self) -> str:
        return "\n".join(f"    │ {line}" for line in self.transcript().splitlines()[-60:])

    def _received(self, data: bytes) -> None:
        with self._changed:
            self._raw += data

    def _show(self, data: bytes) -> None:
        with self._changed:
            self._display.feed(data)
            self._note_change()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._note_change()

    def _note_change(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def _answer(self, text: str) -> None:
        if not self._mute:
            self._pump.send(text.encode())

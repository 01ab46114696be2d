"""How far a pull has come, in a line: how much, how fast, and how long it will take yet."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

OVER: Final = 6.0
"""Seconds that a speed is the mean of: long enough to be steady, short enough to be true."""

_BAR: Final = 16
_LONGEST_NAME: Final = 24


class Pace:
    """The speed of a download from how many bytes there were when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, done: int) -> None:
        now = self._clock()
        if not self._seen or now - self._seen[-1][0] >= OVER / 60:
            self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > OVER:
            self._seen.popleft()

    def restart(self) -> None:
        """Forget what was seen: after a pause it would tell a speed that nothing has."""
        self._seen.clear()

    @property
    def speed(self) -> float | None:
        """Bytes a second over the last seconds, None as long as there is nothing to go by."""
        if len(self._seen) < 2:
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) / (ended - began) if ended - began >= 0.5 else None


class Progress:
    """What a pull is at. One thread notes, another may read the line at any moment."""

    def __init__(self, name: str, pace: Pace | None = None) -> None:
        self._name = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        self._pace = pace or Pace()
        self._doing = ""
        self._done = self._total = 0

    def doing(self, what: str) -> None:
        """Say what is done while no bytes arrive."""
        self._doing = what
        self._pace.restart()

    def arrived(self, done: int, total: int) -> None:
        """Note how many bytes are there, of how many."""
        self._doing = ""
        self._done, self._total = done, total
        self._pace.note(done)

    def line(self) -> str:
        if self._doing or not self._total:
            return f"{self._name}: {self._doing}" if self._doing else ""
        full = self._done * _BAR // self._total
        bar = "▰" * full + "▱" * (_BAR - full)
        amount = f"{self._done / 10**6:,.0f} of {self._total / 10**6:,.0f} MB"
        return "  ".join([f"{self._name} {bar} {amount}", *self._rate()])

    def _rate(self) -> list[str]:
        speed = self._pace.speed
        if speed is None:
            return []
        if speed < 1:
            return ["nothing comes"]
        left = (self._total - self._done) / speed
        return [f"{speed / 10**6:.1f} MB/s", f"{duration(left)} left"]


def duration(seconds: float) -> str:
    """Say how long something takes, as one says it: `40 s`, `12 min`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def amount_of(size: int) -> str:
    """Say how large something is, in units of 1000 as disks and downloads are measured."""
    return f"{size / 10**9:.1f} GB" if size >= 10**9 else f"{max(size / 10**6, 1):.0f} MB"

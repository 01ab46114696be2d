"""A list to which many threads add and for which a test can wait."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Ledger(Generic[T]):
    """What happened, in order. `name` says in the plural what the entries are."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._entries: list[T] = []
        self._grew = threading.Condition()

    def add(self, entry: T) -> None:
        with self._grew:
            self._entries.append(entry)
            self._grew.notify_all()

    def all(self) -> list[T]:
        with self._grew:
            return [*self._entries]

    def clear(self) -> None:
        with self._grew:
            self._entries.clear()

    def wait_for(self, number: int, timeout: float) -> T:
        """The entry of that number, counted from one; AssertionError when it does not come."""
        with self._grew:
            enough = self._grew.wait_for(lambda: len(self._entries) >= number, timeout)
            assert enough, f"{len(self._entries)} {self._name} after {timeout:g} s, not {number}"
            return self._entries[number - 1]

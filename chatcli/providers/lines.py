"""The connections under a reply, so that it can be broken off from another thread.

A thread that waits for a silent server is woken by nothing else.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class Lines:
    """The open connections of a client."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._guard = threading.Lock()

    def add(self, line: socket.socket) -> None:
        with self._guard:
            self._sockets = [known for known in self._sockets if known.fileno() >= 0]
            self._sockets.append(line)

    def break_off(self) -> None:
        with self._guard:
            for line in self._sockets:
                _shut(line)


class Call:
    """One request, for as long as it can be broken off."""

    def __init__(self, lines: Lines) -> None:
        """`lines` are the client's: which of them a request goes out on is the client's affair."""
        self.given_up = False
        self._lines = lines

    def note(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of a connection that the client's transport tells of."""
        if not event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            return
        line = info["return_value"].get_extra_info("socket")
        if isinstance(line, socket.socket):
            self._lines.add(line)
            if self.given_up:
                _shut(line)

    def break_off(self) -> None:
        self.given_up = True
        self._lines.break_off()


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        # That of a TLS socket would leave it open for whatever is written next, in plain text.
        socket.socket.shutdown(line, socket.SHUT_RDWR)

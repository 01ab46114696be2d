"""HTTP/1.1 written straight onto a socket, so that it can also be written wrongly."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException, parse_headers, responses
from typing import BinaryIO, NoReturn

from tests.support.protocol import Recorded

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
# What is sent just before a reset has to reach the client first: some systems drop it otherwise.
SETTLE = 0.02


class ClientLeft(Exception):
    """The client closed the connection before the answer was complete."""


class NotARequest(Exception):
    """What came on the connection is no HTTP request that this server reads."""


class Wire:
    """One connection, seen from the server's side.

    Every method that writes raises ClientLeft when nobody is there to read.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.open = True

    def send(self, data: bytes) -> None:
        try:
            self._connection.sendall(data)
        except OSError as error:
            raise ClientLeft from error

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send a status line and headers. A body without a length must come in frames."""
        lines = [f"HTTP/1.1 {status} {responses.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def head_of_frames(self, content_type: str = EVENTS) -> None:
        self.head(200, {"content-type": content_type, "transfer-encoding": "chunked"})

    def frame(self, data: bytes) -> None:
        """Send one piece of a chunked body."""
        self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """Finish a chunked body as the protocol wants it; the connection stays open."""
        self.send(b"0\r\n\r\n")

    def answer(
        self,
        status: int,
        body: bytes,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send a whole response with its length."""
        own = {"content-type": content_type, "content-length": str(len(body))}
        self.head(status, own | dict(headers or {}))
        self.send(body)

    def pause(self, seconds: float) -> None:
        """Wait, and notice at once when the client goes away."""
        try:
            self._connection.settimeout(seconds)
            gone = not self._connection.recv(1, socket.MSG_PEEK)
            self._connection.settimeout(None)
        except (TimeoutError, BlockingIOError):
            self._connection.settimeout(None)
        except OSError as error:
            raise ClientLeft from error
        else:
            if gone:
                raise ClientLeft

    def hang(self) -> NoReturn:
        """Say nothing more, for as long as the client will wait."""
        while True:
            self.pause(3600)

    def cut(self) -> None:
        """Close in good order (FIN), whatever was left unsaid."""
        self.open = False
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def dismiss(self) -> None:
        """Close on a client that may still be sending.

        What it sends is read and dropped: unread, it would make the system break the connection,
        and the answer might never arrive.
        """
        self.cut()
        self._connection.settimeout(1)
        with suppress(OSError):
            while self._connection.recv(65536):
                pass

    def reset(self) -> None:
        """Break the connection (RST)."""
        time.sleep(SETTLE)
        self.open = False
        no_linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        # A stream made from the socket would keep it open after a mere close().
        socket.close(self._connection.detach())


def read_request(incoming: BinaryIO) -> Recorded | None:
    """Read the next request of a connection; None when the client has closed it."""
    line = incoming.readline(65536)
    if not line:
        return None
    try:
        method, path, _version = line.decode("ascii").split()
        headers = {name.lower(): value for name, value in parse_headers(incoming).items()}
        length = int(headers.get("content-length", "0"))
    except (ValueError, HTTPException) as error:
        raise NotARequest(str(error)) from error
    if "transfer-encoding" in headers:
        raise NotARequest("a request must state its Content-Length")
    raw = incoming.read(length)
    return Recorded(method, path, headers, raw, _parsed(raw), time.monotonic())


def _parsed(raw: bytes) -> dict[str, object]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

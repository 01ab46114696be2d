"""A listener on 127.0.0.1 whose connections each get a thread, and a port where nobody listens."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from tests.support.wire import Wire

HOST = "127.0.0.1"
Serve = Callable[[Wire, BinaryIO], None]


class Loopback:
    """Accepts connections on a free port until it is stopped, and hands each to `serve`."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self.stopping = False
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._connections: dict[socket.socket, threading.Thread] = {}

    def start(self) -> None:
        self._acceptor.start()

    def stop(self) -> None:
        """Break off whatever is being said, and return when every thread has ended."""
        self.stopping = True
        with suppress(OSError):  # a closed listener would not wake a thread that waits in accept()
            socket.create_connection((HOST, self.port), timeout=1).close()
        self._acceptor.join(timeout=5)
        self._listener.close()
        for connection, thread in self._connections.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.stopping:
                connection.close()
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
            self._connections[connection] = thread
            thread.start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming, suppress(OSError):
            self._serve(Wire(connection), incoming)


@contextmanager
def closed_port() -> Iterator[str]:
    """The base URL of a server that refuses connections.

    The port stays taken meanwhile, so that nobody else can begin to listen there.
    """
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield f"http://{HOST}:{taken.getsockname()[1]}/v1"

"""What may stand between a client and a server: TLS, and proxies of three kinds, all on loopback.

Each takes connections on a port of its own and passes bytes on to where a connection wants to go,
so that what is behind it can be an ordinary server.
"""

from __future__ import annotations

import base64
import select
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

import trustme

from tests.support.loopback import HOST, Loopback
from tests.support.wire import Wire

Destination = tuple[str, int]


class Authority:
    """A certificate authority, and the files that clients and servers need of it."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.bundle = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(self.bundle)
        own = self._ca.issue_cert("client@example.org")
        self.certificate, self.key = folder / "client.pem", folder / "client.key"
        own.cert_chain_pems[0].write_to_path(self.certificate)
        own.private_key_pem.write_to_path(self.key)

    def server_context(self, *, asks_for_a_certificate: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(HOST, "localhost").configure_cert(context)
        if asks_for_a_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        return context


class Relay:
    """A listener that passes on what it gets.

    `asked_for` are the destinations of its connections, in their order.
    """

    def __init__(self) -> None:
        self.asked_for: list[Destination] = []
        self._loopback = Loopback(self._serve)

    def __enter__(self) -> Self:
        self._loopback.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.stop()

    @property
    def port(self) -> int:
        return self._loopback.port

    def _serve(self, wire: Wire, incoming: BinaryIO) -> None:
        raise NotImplementedError


class Encrypted(Relay):
    """A server's encrypted front: speaks TLS, and hands on what is said to `port` in the clear."""

    def __init__(self, behind: int, context: ssl.SSLContext) -> None:
        super().__init__()
        self._behind = behind
        self._context = context

    def _serve(self, wire: Wire, incoming: BinaryIO) -> None:
        with suppress(OSError):
            outer = self._context.wrap_socket(wire._connection.dup(), server_side=True)
            with outer, socket.create_connection((HOST, self._behind)) as inner:
                self.asked_for.append((HOST, self._behind))
                _pass_on(outer, inner)


class HTTPProxy(Relay):
    """A proxy that forwards requests for plain http, and makes tunnels for anything else.

    It wants `user` as name:password where that is given. Every destination is on loopback.
    """

    def __init__(self, user: str | None = None) -> None:
        super().__init__()
        self._user = user

    def _serve(self, wire: Wire, incoming: BinaryIO) -> None:
        outer = wire._connection
        head = [_line(outer)]
        while (header := _line(outer)) not in {b"\r\n", b""}:
            head.append(header)
        if self._user and not any(self._proves(each) for each in head):
            wire.send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        method, target, version = head[0].split()
        address, _, path = target.removeprefix(b"http://").partition(b"/")
        host, _, port = address.partition(b":")
        self.asked_for.append((host.decode(), int(port or 80)))
        with socket.create_connection((HOST, int(port or 80))) as inner:
            if method == b"CONNECT":
                wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                inner.sendall(b" ".join((method, b"/" + path, version)) + b"\r\n")
                inner.sendall(b"".join(head[1:]) + b"\r\n")
            _pass_on(outer, inner)

    def _proves(self, header: bytes) -> bool:
        wanted = base64.b64encode((self._user or "").encode())
        return header.lower().startswith(b"proxy-authorization:") and wanted in header


class SOCKSProxy(Relay):
    """A proxy that speaks version 5 of SOCKS, without a password (RFC 1928)."""

    def _serve(self, wire: Wire, incoming: BinaryIO) -> None:
        outer = wire._connection
        _version, count = _exactly(outer, 2)
        _exactly(outer, count)
        wire.send(b"\x05\x00")
        kind = _exactly(outer, 4)[3]
        length = {1: 4, 4: 16}.get(kind) or _exactly(outer, 1)[0]
        address = _exactly(outer, length)
        host = address.decode() if kind == 3 else ".".join(map(str, address))
        port = int.from_bytes(_exactly(outer, 2), "big")
        self.asked_for.append((host, port))
        with socket.create_connection((HOST, port)) as inner:
            wire.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            _pass_on(outer, inner)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (piece := connection.recv(1)):
        line += piece
    return line


def _pass_on(outer: socket.socket, inner: socket.socket) -> None:
    """Pass on what both sides say, until either has gone."""
    while True:
        for source in select.select([outer, inner], [], [])[0]:
            data = source.recv(65536)
            if not data:
                return
            while isinstance(source, ssl.SSLSocket) and source.pending():
                data += source.recv(65536)
            (inner if source is outer else outer).sendall(data)

"""Addresses where no model can be asked, each for a reason of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

import trustme

from tests.support.loopback import HOST, closed_port
from tests.support.server import ChatServer

Address = Callable[[], AbstractContextManager[str]]


@contextmanager
def _written(url: str) -> Iterator[str]:
    yield url


@contextmanager
def _plain_http() -> Iterator[str]:
    with ChatServer() as server:
        yield server.url.replace("http://", "https://")


@contextmanager
def _certified(*names: str) -> Iterator[str]:
    """A port behind a certificate for `names` of an authority that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(*names).configure_cert(context)
    with socket.create_server((HOST, 0)) as listener:
        threading.Thread(target=_shake_hands, args=(listener, context), daemon=True).start()
        yield f"https://{HOST}:{listener.getsockname()[1]}/v1"


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with suppress(OSError), context.wrap_socket(connection, server_side=True):
            pass


ADDRESSES: Mapping[str, Address] = {
    "address-refused": closed_port,
    "address-unknown-host": partial(_written, "http://no-such-host.invalid/v1"),
    "address-no-host": partial(_written, "http://a..b/v1"),
    "address-plain-http": _plain_http,
    "address-untrusted": partial(_certified, HOST),
}

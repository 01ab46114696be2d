"""Fixtures for every test: `from tests.support.fixtures import chat_server` in a conftest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import ChatServer


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    """A running server, and proof afterwards that nobody broke the protocol.

    A test that does so on purpose calls `chat_server.forgive()`.
    """
    with ChatServer() as server:
        yield server
    assert server.violations == []

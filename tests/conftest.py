"""Fixtures for all tests."""

from __future__ import annotations

from tests.support.fixtures import chat_server

__all__ = ["chat_server"]

"""Fixtures for the tests of storage."""

from __future__ import annotations

from tests.support.quick import quick_folder

__all__ = ["quick_folder"]

"""Fixtures for all tests, and a quiet machine for those that measure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fixtures import chat_server
from tests.support.quiet import shared_machine, whole_machine

__all__ = ["chat_server"]

BENCHMARKS = Path(__file__).parent / "benchmarks"


@pytest.fixture(autouse=True)
def _machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Let the tests of two workers run side by side, but a benchmark alone."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent
    alone = BENCHMARKS in request.path.parents
    with whole_machine(folder) if alone else shared_machine(folder):
        yield

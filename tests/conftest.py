"""Fixtures for all tests, and a quiet machine for those that measure."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support import canary
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


@pytest.fixture(autouse=True)
def _no_key_gets_out(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which a key stands in a file or in what a program printed."""
    canary.printed()
    yield
    folder = request.node.funcargs.get("tmp_path")
    found = [*canary.printed(), *(canary.left_in(folder) if folder else ())]
    assert not found, f"a key got out: {'; '.join(found)}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in whose captured output or log there is a key."""
    report = yield
    if report.passed:
        canary.watch(report.capstdout + report.capstderr + report.caplog, item.nodeid)
        if found := canary.printed():
            report.outcome, report.longrepr = "failed", f"a key got out: {'; '.join(found)}"
    return report

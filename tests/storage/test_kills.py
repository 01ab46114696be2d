"""`kill -9` at random moments of real chats, time and again in the same sessions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.killing import MOMENTS, kill_chats

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def test_fifty_kills_cost_nothing_that_was_promised(tmp_path: Path) -> None:
    tally = kill_chats(50, tmp_path, seed=1, at_once=4)
    assert not tally.losses, "\n".join(tally.losses)
    assert tally.runs == 50
    assert len(tally.moments) == len(MOMENTS), "every kind of moment was tried"
    assert tally.promised["questions"] > 30
    assert tally.promised["replies"] > 15
    assert tally.promised["unfinished replies"] > 2
    assert tally.promised["branches"] > 5

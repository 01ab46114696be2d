"""A gauge is as wide as it may be, and shows each part as large as it is."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from chatcli.conversation.events import Gauge, Share
from chatcli.terminal.gauge import divided, drawn

PARTS = (
    Share("system prompt", "S", 100),
    Share("examples", "E", 0),
    Share("history", "H", 400),
    Share("free", "F", 400, room="free"),
    Share("kept for the reply", "R", 100, room="kept"),
)


@given(st.lists(st.integers(0, 10**9), max_size=12), st.integers(0, 200))
def test_cells_are_all_used_and_nothing_that_is_there_is_without_one(
    sizes: list[int], cells: int
) -> None:
    shares = divided(sizes, cells)
    some = sum(size > 0 for size in sizes)
    if not some or some > cells:
        assert shares == [0] * len(sizes)
    else:
        assert sum(shares) == cells
        assert all((share > 0) == (size > 0) for share, size in zip(shares, sizes, strict=True))


def test_parts_are_as_long_as_they_are_large() -> None:
    bar, legend = drawn(Gauge(PARTS), 40, color=False, utf8=True).splitlines()[:2]
    assert bar == "S████H██████████████F░░░░░░░░░░░░░░R▒▒▒▒"
    assert "S system prompt" in legend
    assert "E examples" not in legend


def test_a_terminal_without_utf_8_gets_ascii() -> None:
    text = drawn(Gauge(PARTS), 40, color=False, utf8=False)
    assert text.isascii()
    assert text.startswith("S####H####")


@given(st.integers(10, 300), st.booleans())
def test_no_line_is_wider_than_the_terminal(width: int, color: bool) -> None:
    for line in drawn(Gauge(PARTS), width, color=color, utf8=True).splitlines():
        assert len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= width


def test_colours_stay_with_their_parts_when_others_are_empty() -> None:
    alone = Gauge((Share("system prompt", "S", 0), Share("examples", "E", 0), *PARTS[2:]))
    history = re.compile(r"\x1b\[(\d+)mH█")
    both = [history.search(drawn(g, 60, color=True, utf8=True)) for g in (Gauge(PARTS), alone)]
    assert both[0] is not None is not both[1]
    assert both[0][1] == both[1][1]


def test_an_empty_gauge_has_no_bar() -> None:
    assert drawn(Gauge(()), 40, color=True, utf8=True).strip() == ""

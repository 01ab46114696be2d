"""Tables in any room: no number is broken, no line is too wide, and nothing is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatcli.conversation.events import Row, Table
from chatcli.terminal.table import tabled

COLUMNS = ("model", "replies", "sent", "cached", "received", "cost")
NUMBERS = ("12", "1,234,567", "12,345", "45,678", "≈$12.34")
BILL = Table(
    "What was paid for", COLUMNS, (Row(("openai:gpt-4o", *NUMBERS)),), frozenset(COLUMNS[1:])
)
BRANCHES = Table(
    "Branches",
    ("branch", "messages", "last question"),
    (Row(("main", "12", "What is the meaning of all this, and who said so?"), "here"),),
    frozenset({"messages"}),
)


def lines(table: Table, width: int) -> list[str]:
    return tabled(table, width, "●", color=False).splitlines()


@pytest.mark.parametrize("width", range(24, 100, 3))
def test_no_number_is_ever_broken(width: int) -> None:
    shown = lines(BILL, width)
    for number in NUMBERS:
        assert sum(number in line.split() or number == line.split()[-1] for line in shown), number
    assert max(map(cell_len, shown)) <= width


def test_where_a_table_has_no_room_each_row_is_a_list() -> None:
    assert lines(BILL, 40) == [
        "What was paid for",
        "  openai:gpt-4o",
        "   replies 12 · sent 1,234,567",
        "   cached 12,345 · received 45,678",
        "   cost ≈$12.34",
    ]
    assert lines(BILL, 80)[1].split() == list(COLUMNS)


@pytest.mark.parametrize("width", [40, 46, 80, 200])
def test_where_one_is_has_its_sign_and_a_heading_is_whole(width: int) -> None:
    shown = lines(BRANCHES, width)
    assert shown[1].split() == ["branch", "messages", "last", "question"]
    assert shown[2].startswith("●  main")


def test_a_long_name_is_whole_where_the_rest_has_enough_room() -> None:
    name = "a-branch-that-has-a-long-name"
    table = Table("T", BRANCHES.columns, (Row((name, "3", "why " * 30)),), BRANCHES.numeric)
    assert name in lines(table, 80)[2]


@given(
    width=st.integers(16, 120),
    rows=st.lists(st.tuples(*[st.text("ab 漢é", max_size=30)] * 3), max_size=4),
    numeric=st.sets(st.sampled_from(["b", "c"])),
    cropped=st.sets(st.sampled_from(["b", "c"])),
)
def test_it_is_never_wider_than_the_window_and_ends_in_no_space(
    width: int, rows: list[tuple[str, ...]], numeric: set[str], cropped: set[str]
) -> None:
    table = Table(
        "T", ("a", "b", "c"), tuple(map(Row, rows)), frozenset(numeric), frozenset(cropped)
    )
    for line in lines(table, width):
        assert cell_len(line) <= width
        assert line == line.rstrip()

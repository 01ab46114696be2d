"""Rows that a terminal has folded, and which terminals do that."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.layout.screen import Char

from chatcli.terminal.window import folds, is_called_one_that_folds, rows_taken
from tests.support.display import Display


@pytest.mark.parametrize(
    ("surroundings", "folding"),
    [
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, True),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(390)"}, False),
        ({"TERM": "screen", "STY": "1.pts-0", "VTE_VERSION": "7600"}, False),
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
    ],
)
def test_only_of_terminals_that_are_known_to_fold_it_is_taken_for_granted(
    surroundings: Mapping[str, str], folding: bool | None
) -> None:
    assert folds(surroundings) is folding


@pytest.mark.parametrize(
    ("name", "folding"),
    [("tmux 3.4", True), ("VTE(7600)", True), ("XTerm(390)", False), ("iTerm2 3.5.0", True)],
)
def test_where_the_environment_says_nothing_a_terminals_own_name_tells(
    name: str, folding: bool
) -> None:
    assert is_called_one_that_folds(name) is folding


@given(st.text(alphabet="ab 你🐈", min_size=1, max_size=60), st.integers(2, 30))
def test_a_row_takes_as_many_rows_as_a_terminal_makes_of_its_text(text: str, width: int) -> None:
    display = Display(100, width, answer=lambda _text: None)
    display.feed(text.encode())
    row: dict[int, Char] = {}
    column = 0
    for char in text:
        row[column] = Char(char)
        column += row[column].width
    assert rows_taken(row, column, width) == display.cursor[0] + 1

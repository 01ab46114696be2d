"""Lines that are folded between words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from chatcli.terminal.folding import folded


@pytest.mark.parametrize(
    ("line", "width", "indent", "parts"),
    [
        ("the quick brown fox", 10, 2, ["the quick", "  brown", "  fox"]),
        ("exactly ten", 11, 0, ["exactly ten"]),
        ("key  value and more", 14, 5, ["key  value and", "     more"]),
        ("  indented text goes on", 12, 0, ["  indented", "text goes on"]),
        ("in /a/very/long/path", 8, 2, ["in", "  /a/ver", "  y/long", "  /path"]),
        ("日本語のテキスト yes", 9, 2, ["日本語の", "  テキス", "  ト yes"]),
        ("", 10, 2, [""]),
    ],
)
def test_a_line_is_folded_between_its_words(
    line: str, width: int, indent: int, parts: list[str]
) -> None:
    assert folded(line, width, indent) == parts


@given(st.text("ab 日 /", max_size=60), st.integers(0, 30), st.integers(0, 8))
def test_no_part_is_wider_than_the_terminal_and_no_word_is_lost(
    line: str, width: int, indent: int
) -> None:
    parts = folded(line, width, indent)
    assert all(cell_len(part) <= max(width, 2) for part in parts)
    assert "".join("".join(parts).split()) == "".join(line.split())

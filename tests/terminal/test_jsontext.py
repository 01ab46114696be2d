"""JSON that is shown says what it said, and drives no terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.terminal.jsontext import json_lines
from chatcli.terminal.sanitize import clean

ODD = st.sampled_from(
    ["\x1b[2J", "\x9b1m", "\u202e", "\u200b", "\x7f", "\x85", "é", "👩‍🚀", "\n", '"']
)
TEXTS = st.lists(st.one_of(ODD, st.text(st.characters(exclude_categories=["Cs"])))).map("".join)


@given(st.lists(st.fixed_dictionaries({"role": TEXTS, "content": TEXTS}), max_size=4))
def test_it_parses_to_the_same_and_cleaning_changes_nothing(value: object) -> None:
    for ascii_only in (False, True):
        shown = json_lines(value, ascii_only=ascii_only)
        assert json.loads(shown) == value
        assert clean(shown) == shown
        assert shown.isascii() or not ascii_only


@pytest.mark.parametrize("text", ["Käse", "日本", "👩‍🚀"])
def test_words_of_any_language_stay_readable(text: str) -> None:
    assert text in json_lines({"content": text}, ascii_only=False)


def test_what_would_hide_is_written_out() -> None:
    assert r"\u202e" in json_lines({"content": "a\u202eb"}, ascii_only=False)

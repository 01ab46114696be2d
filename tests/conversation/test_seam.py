"""A reply in two parts, and the seam between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.conversation.seam import Seam, whole_words


def joined(before: str, pieces: list[str]) -> str:
    seam = Seam(before)
    return before + "".join([*map(seam.feed, pieces), seam.end()])


@pytest.mark.parametrize(
    ("cut", "rest", "whole"),
    [
        (
            "Once upon a time there was a sh",
            "ship that sailed.",
            "Once upon a time there was a ship that sailed.",
        ),
        ("It ends here", "here, and goes on.", "It ends here, and goes on."),
        ("One, two,", "three.", "One, two, three."),
        ("One, two, ", "three.", "One, two, three."),
        ("The rain in Spain. ", "The rain in Spain. It falls.", "The rain in Spain. It falls."),
        ("def f():\n", "    return 1", "def f():\n    return 1"),
        ("- one\n", "\n- two", "- one\n- two"),
        ("これは途中で切れた文", "章です。", "これは途中で切れた文章です。"),
        ("A word", "", "A "),
    ],
)
def test_the_two_parts_read_as_one(cut: str, rest: str, whole: str) -> None:
    before = whole_words(cut)
    assert cut.startswith(before)
    for size in (1, 3, 1000):
        pieces = [rest[start : start + size] for start in range(0, len(rest), size)]
        assert joined(before, pieces) == whole


@given(st.text(min_size=1), st.lists(st.text()))
def test_what_was_there_stays_and_what_comes_is_cut_nowhere_but_at_its_beginning(
    before: str, pieces: list[str]
) -> None:
    new = joined(before, pieces).removeprefix(before)
    assert "".join(pieces).endswith(new.removeprefix(" "))


@given(st.text(), st.lists(st.text()), st.lists(st.text()))
def test_the_pieces_in_which_it_comes_make_no_difference(
    before: str, one: list[str], other: list[str]
) -> None:
    text = "".join([*one, *other])
    assert joined(before, [text]) == joined(before, list(text)) == joined(before, [*one, *other])


@given(st.text(max_size=80))
def test_a_seam_with_nothing_before_it_changes_nothing(text: str) -> None:
    assert joined("", list(text)) == text

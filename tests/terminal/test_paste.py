"""Long pastes as placeholders: whole or not at all, whatever is done to the draft around them."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys

from chatcli.terminal.paste import Bursts, Pastes

LONG = "\n".join(f"line {number}" for number in range(240))
OTHER = "all in one line " * 100


def folded(*texts: str) -> tuple[Pastes, list[str]]:
    pastes = Pastes()
    return pastes, [pastes.folded(text) for text in texts]


def test_a_long_paste_is_folded_and_comes_back_whole() -> None:
    pastes, (first, second) = folded(LONG, OTHER)
    assert (first, second) == ("[paste 1: 240 lines]", "[paste 2: 1,600 characters]")
    assert pastes.expanded(f"Look: {first} and {second}!") == f"Look: {LONG} and {OTHER}!"


@pytest.mark.parametrize("text", ["x" * 1000, "\n" * 15, "\n".join("x" * 15), "x\r\n" * 15])
def test_a_paste_of_fifteen_lines_or_a_thousand_characters_stays_as_it_is(text: str) -> None:
    assert Pastes().folded(text) == text.replace("\r\n", "\n")


@pytest.mark.parametrize("text", ["x" * 1001, "\n" * 16, "\n".join("x" * 16), "x\r" * 16])
def test_one_that_is_longer_does_not(text: str) -> None:
    pastes = Pastes()
    assert pastes.expanded(pastes.folded(text)) == text.replace("\r", "\n")


def test_the_ends_of_lines_are_newlines_whatever_the_terminal_sent() -> None:
    assert Pastes().folded("a\r\nb\rc\nd") == "a\nb\nc\nd"


def test_what_only_looks_like_a_placeholder_is_sent_as_it_was_typed() -> None:
    pastes, _ = folded(LONG)
    for text in ("[paste 2: 240 lines]", "[paste 1: 24 lines]", "[paste 1: 240 lines"):
        assert pastes.expanded(text) == text


def test_a_paste_that_holds_another_ones_placeholder_is_not_expanded_twice() -> None:
    pastes, (first,) = folded(LONG)
    second = pastes.folded(f"{first}\n" * 20)
    assert pastes.expanded(second) == f"{first}\n" * 20


def test_a_backspace_behind_a_placeholder_takes_it_whole() -> None:
    pastes, (first,) = folded(LONG)
    before = Document(f"see {first} here", 4 + len(first))
    after = Document(f"see {first[:-1]} here", 3 + len(first))
    assert pastes.mended(before, after) == Document("see  here", 4)


def test_the_cursor_passes_a_placeholder_in_one_step() -> None:
    pastes, (first,) = folded(LONG)
    text = f"see {first} here"
    begin, end = 4, 4 + len(first)
    assert pastes.mended(Document(text, begin), Document(text, begin + 1)).cursor_position == end
    assert pastes.mended(Document(text, end), Document(text, end - 1)).cursor_position == begin


def test_a_bracket_that_is_deleted_before_a_placeholder_leaves_it_alone() -> None:
    pastes, (first,) = folded(LONG)
    after = Document(first, 0)
    assert pastes.mended(Document(f"[{first}", 1), after) == after


@given(
    around=st.tuples(*[st.text("XYZ", max_size=4)] * 3),
    cut=st.tuples(st.integers(0, 80), st.integers(0, 80)),
    instead=st.text("XYZ", max_size=3),
)
@example(around=("", "XXX", ""), cut=(0, 23), instead="")
@example(around=("", "XXXX", ""), cut=(18, 49), instead="")
@example(around=("", "XXXX", ""), cut=(1, 25), instead="")
def test_no_edit_leaves_a_part_of_a_placeholder(
    around: tuple[str, str, str], cut: tuple[int, int], instead: str
) -> None:
    pastes, (first, second) = folded(LONG, OTHER)
    text = f"{around[0]}{first}{around[1]}{second}{around[2]}"
    start, end = sorted(min(at, len(text)) for at in cut)
    new = text[:start] + instead + text[end:]
    mended = pastes.mended(Document(text, end), Document(new, start + len(instead)))
    rest = mended.text.replace(first, "").replace(second, "")
    assert set(rest) <= set("XYZ")
    kept = text[:start] + text[end:]
    outside = [each for each in kept if each in "XYZ"]
    assert sorted(rest) == sorted([*outside, *instead]), "all that was typed is there"
    for placeholder in (first, second):
        assert (placeholder in mended.text) == (placeholder in new)


def keys(text: str) -> deque[KeyPress]:
    names = {"\n": Keys.ControlM, "\t": Keys.ControlI}
    return deque(KeyPress(names.get(char, char), char) for char in text)


def test_three_lines_in_one_read_are_a_paste_and_two_are_typed_ahead() -> None:
    assert Bursts().rest_of_paste(keys("two\n\tthree\n")) == "two\n\tthree\n"
    assert Bursts().rest_of_paste(keys("two\n")) is None
    assert Bursts().rest_of_paste(keys("")) is None
    assert Bursts().rest_of_paste(keys("a long line " * 20)) == "a long line " * 20


def test_what_comes_right_behind_a_paste_belongs_to_it() -> None:
    now = [0.0]
    bursts = Bursts(lambda: now[0])
    assert bursts.rest_of_paste(keys("two\nthree\n")) is not None
    assert bursts.rest_of_paste(keys("four")) == "four"
    now[0] += 1
    assert bursts.rest_of_paste(keys("")) is None


def test_a_paste_ends_where_another_key_was_pressed() -> None:
    queue = keys("two\nthree\n")
    queue.append(KeyPress(Keys.Left, "\x1b[D"))
    assert Bursts().rest_of_paste(queue) == "two\nthree\n"
    assert [each.key for each in queue] == [Keys.Left]

"""The display shows what xterm would, and nothing makes it fail."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.display import Display


def shown(*data: bytes, rows: int = 4, cols: int = 10) -> Display:
    display = Display(rows, cols, lambda _: None)
    for piece in data:
        display.feed(piece)
    return display


def answers(data: bytes, background: str | None = None) -> list[str]:
    said: list[str] = []
    Display(4, 10, said.append, background).feed(data)
    return said


@pytest.mark.parametrize(
    "data",
    [
        b"\x1b[>4;1mab",
        b"\x1b[>1uab",
        b"\x1b[<uab",
        b"\x1b[=1;1uab",
        b"\x1b[38:2::1:2:3mab",
        b"\x1b[?2026$pab",
        b"\x1b[!pab",
        b'\x1b["qab',
        b"\x1b[2 qab",
        b"\x1b[?4mab",
        b"\x1b[?5Aab",
        b"\x1b[5Jab",
        b"\x1b[7Kab",
        b"\x1b[?1;?2hab",
        b"\x1b[?3hab",
        b"\x1b[?6h\x1b[0dab",
        b"\x1b[;;;;mab",
        b"\x1b[99999999999mab",
        b"\x1b]8;;http://x\x1b\\ab\x1b]8;;\x1b\\",
        b"\x1b]52;c;aGk=\x07ab",
        b"\x1bPq#0;2\x1b\\ab",
        b"\x1b_private\x1b\\ab",
        b"\x1b^message\x1b\\ab",
        b"\x1b(0\x1b)B\x1b=\x1b>ab",
        b"\x1b]0;never ended\x18ab",
        b"\x1b[31\x18ab",
        b"a\x00\x01\x02\x7f\x05b",
        b"\xc2\x9b31mab",
        b"\xc2\x9d0;title\xc2\x9cab",
        b"\xc2\x81ab",
        b"\x1b\x1b[1mab",
    ],
)
def test_what_is_not_text_is_not_shown(data: bytes) -> None:
    assert shown(data).rows()[0] == "ab"


def test_bytes_that_are_no_characters_are_marked() -> None:
    assert shown(b"a\xffb").rows()[0] == "a\ufffdb"


def test_a_sequence_may_be_cut_anywhere() -> None:
    data = "\x1b[1m❯ \x1b]0;title\x1b\\\x1bPx\x1b\\né\x1b[2;1Hz".encode()
    for cut in range(len(data)):
        display = shown(data[:cut], data[cut:])
        assert display.rows()[:2] == ["❯ né", "z"]
        assert display.title == "title"


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(
        st.binary() | st.text("\x1b[]?;0123456789HJKmhlrABPX^_\\\x07\x9b漢\u200d").map(str.encode)
    )
)
@example([b"\x1b[?6h", b"\x1b[d"])
def test_no_bytes_make_it_fail(pieces: list[bytes]) -> None:
    display = shown(*pieces)
    display.resize(2, 5)
    display.feed("漢字 ok".encode())
    row, column = display.cursor
    assert 0 <= row < 2
    assert 0 <= column < 5
    assert len(display.rows()) == 2


@pytest.mark.parametrize(
    "text",
    ["a\u200bb", "e\u0301x", "👩\u200d👧!", "❤\ufe0f!", "漢字かな", "a\u202ebc", "ü❯│"],
    ids=ascii,
)
def test_every_character_with_or_without_width_is_kept(text: str) -> None:
    assert shown(text.encode()).rows()[0] == text


def test_a_wide_character_wraps_whole() -> None:
    assert shown("123456789漢x".encode()).rows()[:2] == ["123456789", "漢x"]


def test_half_a_wide_character_leaves_a_space() -> None:
    assert shown("漢b\r-".encode()).rows()[0] == "- b"


def test_rows_that_scroll_away_are_kept() -> None:
    display = shown(b"\r\n".join(b"line %d" % number for number in range(9)))
    assert display.scrollback() == [f"line {number}" for number in range(5)]
    assert display.rows() == [f"line {number}" for number in range(5, 9)]


def test_the_scrollback_goes_when_the_program_clears_it() -> None:
    display = shown(b"1\r\n2\r\n3\r\n4\r\n5", b"\x1b[2J")
    assert display.scrollback() == ["1"]
    display.feed(b"\x1b[3J")
    assert display.scrollback() == []


def test_the_alternate_screen_leaves_no_trace() -> None:
    display = shown(b"before", b"\x1b[?1049h\x1b[H" + b"editor\r\n" * 9)
    assert display.rows()[0] == "editor"
    display.feed(b"\x1b[?1049l after")
    assert display.rows() == ["before aft", "er", "", ""]
    assert display.scrollback() == []


def test_a_smaller_window_pushes_rows_into_the_scrollback() -> None:
    display = shown(b"1\r\n2\r\n3")
    display.resize(2, 4)
    assert (display.scrollback(), display.rows(), display.cursor) == (["1"], ["2", "3"], (1, 1))
    display.feed(b"4567")
    assert display.rows() == ["3456", "7"]
    display.resize(4, 10)
    assert display.rows() == ["3456", "7", "", ""]


def test_a_smaller_window_takes_empty_rows_first() -> None:
    display = shown(b"1\r\n2")
    display.resize(2, 10)
    assert (display.scrollback(), display.rows()) == ([], ["1", "2"])


def test_the_cursor_can_be_saved_in_two_ways() -> None:
    for save, restore in ((b"\x1b7", b"\x1b8"), (b"\x1b[s", b"\x1b[u")):
        assert shown(b"ab" + save + b"\x1b[3;3Hx" + restore + b"c").rows()[0] == "abc"


def test_questions_are_answered() -> None:
    assert answers(b"ab\x1b[6n") == ["\x1b[1;3R"]
    assert answers(b"0123456789\x1b[6n") == ["\x1b[1;10R"]
    assert answers(b"\x1b[2;2H\x1b[?6n") == ["\x1b[?2;2R"]
    assert answers(b"\x1b[5n") == ["\x1b[0n"]
    assert answers(b"\x1b[c") == ["\x1b[?6c"]
    assert answers(b"\x1b[>c\x1b[?u\x1b[>q") == []
    assert answers(b"\x1b]11;?\x07") == []
    assert answers(b"\x1b]11;?\x07", "rgb:0000/0000/0000") == ["\x1b]11;rgb:0000/0000/0000\x1b\\"]

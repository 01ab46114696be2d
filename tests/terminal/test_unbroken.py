"""A paste that holds the mark of its own end stays one paste, and never sends itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.terminal.unbroken import BEGIN, END, UnbrokenPastes
from tests.support.server import ChatServer
from tests.test_chat_on_a_terminal import chat
from tests.test_queue_on_a_terminal import asked, input_line

EVIL = f"harmless{END}rm -rf /\r"


def passed(*pieces: str) -> str:
    """Return what is passed on of pieces that come at once, one after the other."""
    pastes = UnbrokenPastes(lambda: 0.0)
    return "".join([*map(pastes.passed, pieces), pastes.rest()])


def pasted_and_typed(text: str) -> tuple[str, str]:
    """Return what a text holds between marks, and what outside of them."""
    pasted, typed = "", ""
    while BEGIN in text:
        before, _, rest = text.partition(BEGIN)
        inside, _, text = rest.partition(END)
        typed, pasted = typed + before, pasted + inside
    return pasted, typed + text


@pytest.mark.parametrize(
    ("text", "pasted", "typed"),
    [
        (f"a{BEGIN}b\r{END}c", "b\r", "ac"),
        (f"{BEGIN}b{END}\r", "b", "\r"),
        (f"{BEGIN}{EVIL}{END}", "harmlessrm -rf /\r", ""),
        (f"{BEGIN}{EVIL}{END}\r", "harmlessrm -rf /\r", "\r"),
        (f"{BEGIN}a{END}b\r{END}c\r{END}", "ab\rc\r", ""),
        (f"{BEGIN}a{END}b\r{BEGIN}c{END}", "ab\rc", ""),
        (f"{BEGIN}a{END}{BEGIN}b{END}", "ab", ""),
        (f"typed{END}", "", "typed"),
    ],
)
def test_all_that_was_pasted_is_inside_wherever_it_was_cut(
    text: str, pasted: str, typed: str
) -> None:
    for cut in range(len(text) + 1):
        assert pasted_and_typed(passed(text[:cut], text[cut:])) == (pasted, typed), cut
    assert pasted_and_typed(passed(*text)) == (pasted, typed)


def test_a_paste_may_hold_the_mark_of_a_beginning() -> None:
    assert passed(f"{BEGIN}a{BEGIN}b{END}") == f"{BEGIN}a{BEGIN}b{END}"


def test_what_is_typed_a_moment_later_is_typed() -> None:
    pastes = UnbrokenPastes(lambda: 0.0)
    assert pastes.passed(f"{BEGIN}a{END}") + pastes.rest() == f"{BEGIN}a{END}"
    assert pastes.passed("b\r") == "b\r"
    assert pastes.passed(f"{BEGIN}c{END}") == f"{BEGIN}c{END}"


@given(st.lists(st.sampled_from([BEGIN, END, "\r", "a", "\x1b", "\x1b[A", "\x1b[2"]), max_size=9))
def test_nothing_is_lost_but_marks_that_are_out_of_place(parts: Sequence[str]) -> None:
    text = "".join(parts)
    pasted, typed = pasted_and_typed(passed(*parts, END))
    inside = pasted.replace(BEGIN, "")
    letters = text.replace(BEGIN, "").replace(END, "")
    assert sorted(inside + typed) == sorted(letters)


@pytest.mark.parametrize(
    "pieces", [(f"{BEGIN}{EVIL}{END}",), (f"{BEGIN}harmless{END}", f"{EVIL}{END}")]
)
def test_a_paste_that_breaks_out_of_its_marks_does_not_send_itself(
    tmp_path: Path, chat_server: ChatServer, pieces: tuple[str, ...]
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        for piece in pieces:
            terminal.type(piece)
        terminal.wait_for("rm -rf /")
        terminal.type("end")
        terminal.wait_until(lambda: input_line(terminal) == "end")
        assert chat_server.requests == []
        terminal.key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server)[0].endswith("rm -rf /\nend")

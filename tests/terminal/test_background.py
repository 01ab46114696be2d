"""What a terminal says of its background chooses a theme, and no key is lost or made up."""

from __future__ import annotations

import os

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chatcli.terminal.background import Listening
from chatcli.terminal.theme import DARK, LIGHT, theme_on

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the console is not asked")

ANSWERS = ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "\x1b]11;rgb:00/00/00\x07")
KEYS = st.text(alphabet="ab \r\x1b[A]1;é", max_size=12)


@pytest.mark.parametrize(
    ("background", "theme"),
    [
        ("rgb:ffff/ffff/ffff", LIGHT),
        ("rgb:fd/f6/e3", LIGHT),
        ("rgba:0000/2b2b/3636/ffff", DARK),
        ("rgb:0/0/0", DARK),
        ("#ffffff", None),
        ("", None),
        ("rgb:zz/00/00", None),
    ],
)
def test_a_theme_goes_with_its_background(background: str, theme: object) -> None:
    assert theme_on(background) is theme


def heard(pieces: list[str], *, soon: float) -> tuple[str, list[str]]:
    """Return the keys that are left of what has come in pieces, and what was told."""
    told: list[str] = []
    reader = Listening(0, "utf-8", told.append)
    reader.soon = soon
    return "".join(map(reader.without_answer, pieces)), told


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_cut_anywhere_never_reaches_the_keys(answer: str) -> None:
    for cut in range(len(answer) + 1):
        pieces = [f"ab{answer[:cut]}", f"{answer[cut:]}cd"]
        keys, told = heard(pieces, soon=float("inf"))
        # The Esc that an answer begins with has passed if nothing came along with it.
        assert keys == ("ab\x1bcd" if cut == 1 else "abcd")
        assert len(told) == 1


@settings(deadline=None)
@given(KEYS, KEYS)
def test_keys_come_through_as_they_are_once_the_answer_is_late(before: str, after: str) -> None:
    assume("\x1b]11;" not in before + after)
    assert heard([before, after], soon=0.0) == (before + after, [])


def test_an_answer_that_comes_late_is_heard_all_the_same() -> None:
    assert heard([f"a{ANSWERS[0]}b"], soon=0.0) == ("ab", ["rgb:ffff/ffff/ffff"])

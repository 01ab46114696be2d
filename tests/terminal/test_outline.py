"""The picture of the tree on a screen: one line a row, in any width, whatever the words are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from chatcli.conversation.drawing import draw
from chatcli.conversation.events import Outline, Row
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.conversation.tree import Tree
from chatcli.terminal.outline import cropped, fitted
from chatcli.terminal.render import Look, Renderer
from chatcli.terminal.theme import ASCII, UNICODE, Glyphs
from tests.conversation.growing import grown, holiday, ladder, nest, star
from tests.terminal.hostile import ENDLESS, PAYLOADS

WIDTHS = (40, 80, 200)
SGR = re.compile(r"\x1b\[[0-9;]*m")
ANYTHING = st.one_of(st.text(max_size=40), st.sampled_from([*PAYLOADS, *ENDLESS]))


def shown(
    rows: tuple[Row, ...], width: int = 80, *, glyphs: Glyphs = UNICODE, color: bool = False
) -> list[str]:
    look = Look(lambda: width, color=color, markdown=True, glyphs=glyphs)
    return Renderer(look).show(Outline(rows)).removesuffix("\n").split("\n")


def test_a_conversation_on_a_usual_screen() -> None:
    assert shown(draw(holiday())) == [
        "○ 1–2 Where shall we go?",
        "├─○ Somewhere warm, then. [warm]",
        "│ ├─○ By train? [train]",
        "│ ○ 3 turns: And with a dog? → And with a dog? [dog]",
        "○ 3 And in winter?",
        "├─○ reply: North, for [retried-1] (interrupted)",
        "● 4–8 reply: Stay at home. → Is it far? ← you are here [main]",
        "○ What does it cost? [undone-1]",
        "21 messages, 6 branches; /switch NAME goes to one",
    ]


def test_the_same_on_a_narrow_screen_without_utf_8() -> None:
    assert shown(draw(holiday()), 36, glyphs=ASCII) == [
        "o 1-2 Where shall we go?",
        "|-o Somewhere warm, then. [warm]",
        "| |-o By train? [train]",
        "| o 3 turns: And with a dog? [dog]",
        "o 3 And in winter?",
        "|-o rep... [retried-1] (interrupted)",
        "* 4-8 repl... <- you are here [main]",
        "o What does it cost? [undone-1]",
        "21 messages, 6 branches; /switc...",
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("tree", [ladder(200), ladder(200, 11), star(200), nest(8)])
@pytest.mark.parametrize("whole", [False, True])
def test_large_trees_fit_any_width(tree: Tree, width: int, *, whole: bool) -> None:
    rows = draw(tree, whole=whole)
    lines = shown(rows, width)
    assert len(lines) == len(rows)
    assert max(map(cell_len, lines)) <= width
    assert sum("← you are here" in line for line in lines) == 1


@settings(max_examples=100, deadline=None)
@given(grown(), st.sampled_from(WIDTHS), st.sampled_from([UNICODE, ASCII]))
def test_whatever_users_did_fits_any_width(tree: Tree, width: int, glyphs: Glyphs) -> None:
    rows = draw(tree)
    lines = shown(rows, width, glyphs=glyphs)
    assert len(lines) == len(rows)
    assert max(map(cell_len, lines)) <= width
    assert sum("you are here" in line for line in lines) == 1


@settings(max_examples=300, deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING, st.sampled_from(WIDTHS))
def test_no_words_and_no_name_break_a_line(
    question: str, reply: str, name: str, width: int
) -> None:
    asked = Node(new_id(), None, Message("user", question), now())
    first = Node(new_id(), asked, Message("assistant", reply), now())
    second = Node(new_id(), asked, Message("assistant", question + reply), now())
    rows = draw(Tree({"main": first, name: second}))
    lines = shown(rows, width, color=True)
    assert len(lines) == len(rows)
    for line in lines:
        bare = SGR.sub("", line)
        assert cell_len(bare) <= width
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", bare)


def test_without_utf_8_all_signs_are_ascii() -> None:
    for tree in (holiday(), ladder(200), star(200), nest(8), Tree()):
        assert all(line.isascii() for line in shown(draw(tree), glyphs=ASCII))


def test_where_you_are_is_bold_and_what_is_aside_is_dimmed() -> None:
    lines = shown(draw(holiday()), color=True)
    assert lines[0] == "○ 1–2 Where shall we go?"
    assert lines[1].startswith("\x1b[90m├─○ Somewhere")
    assert lines[6].startswith("\x1b[1m● 4–8")


@given(st.lists(st.text("x漢 ", max_size=50), min_size=1, max_size=5), st.integers(1, 120))
def test_cells_never_take_more_room_than_there_is(cells: list[str], width: int) -> None:
    assert cell_len(fitted(cells, width, "…")) <= width
    assert cell_len(fitted(cells, width, "...")) <= width


def test_words_share_the_room_and_the_ends_stay_whole() -> None:
    words = "a question that is long", "→ one that is longer still, by far"
    assert (
        fitted(["○ 1–9", *words, "[main]"], 50, "…")
        == "○ 1–9 a question that i… → one that is lon… [main]"
    )
    assert fitted(["○ 1–9", "short?", words[1], "[main]"], 50, "…") == (
        "○ 1–9 short? → one that is longer still, b… [main]"
    )
    assert fitted(["○ 1–9", *words, "[main]"], 34, "…") == "○ 1–9 a question that is l… [main]"
    assert fitted(["○", "words", "[" + "x" * 60 + "]"], 30, "…") == "○ words [xxxxxxxxxxxxxxxxxxxx…"


def test_a_wide_character_is_never_cut_in_two() -> None:
    assert cropped("漢字漢字", 8, "…") == "漢字漢字"
    assert cropped("漢字漢字", 7, "…") == "漢字漢…"
    assert cropped("漢字漢字", 6, "…") == "漢字…"

"""The picture of the tree: nothing missing from it, and never larger than a reader can follow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings

from chatcli.conversation import tree as trees
from chatcli.conversation.drawing import draw
from chatcli.conversation.events import Row
from chatcli.conversation.forest import DEEPEST, MOST_ROWS
from chatcli.conversation.messages import FAILED, INTERRUPTED
from chatcli.conversation.tree import Tree
from tests.conversation.growing import (
    grown,
    holiday,
    ladder,
    nest,
    retried,
    say,
    star,
    turn,
    turns,
)

LARGE = [ladder(200), ladder(200, between=11), star(200), nest(8)]
SHAPES = ["200 forks in a row", "the same with 5,000 messages", "200 at one place", "a nest of 256"]


def lines(rows: Iterable[Row]) -> list[str]:
    return [" ".join(cell.strip() for cell in row.cells if cell.strip()) for row in rows]


def named(rows: Iterable[Row]) -> Counter[str]:
    """Count the branches that the picture names, at their ends or in a row of several."""
    endings = (row.cells[-1] for row in rows)
    found = re.findall(r"\b(?:main|(?:idea|retried|cleared|undone)-\d+)\b", " ".join(endings))
    return Counter(found)


def drawn(rows: Iterable[Row]) -> int:
    return sum("○" in row.cells[0] or "●" in row.cells[0] for row in rows)


def forked_off(tree: Tree) -> int:
    """Count the ways that leave another one."""
    ways = Counter(id(node.parent) for node in tree.nodes())
    return sum(count - 1 for count in ways.values())


@settings(max_examples=200, deadline=None)
@given(grown())
def test_every_branch_is_named_once_and_you_are_in_one_place(tree: Tree) -> None:
    rows = draw(tree)
    assert named(rows) == Counter(list(tree.heads))
    (here,) = (row for row in rows if row.mark == "here")
    assert here.cells[0].lstrip("│├┌─ ").startswith("●")
    assert here.cells[-1].startswith(f"← you are here [{tree.branch}")


@settings(max_examples=200, deadline=None)
@given(grown())
def test_every_fork_shows_and_the_picture_is_no_larger_than_its_branches(tree: Tree) -> None:
    rows = draw(tree, whole=True)
    assert sum("─○" in row.cells[0] or "─●" in row.cells[0] for row in rows) == forked_off(tree)
    assert len(rows) <= 3 * len(tree.heads) + 2


@settings(max_examples=200, deadline=None)
@given(grown())
def test_what_is_not_on_your_path_is_dimmed_and_has_no_numbers(tree: Tree) -> None:
    said = sum(node.role != "system" for node in tree.path)
    yours = [row.cells[0] for row in draw(tree) if row.mark != "dim"]
    numbers = [int(number) for cell in yours for number in re.findall(r"\d+", cell)]
    assert numbers == sorted(set(numbers))
    assert not said or (numbers[0], numbers[-1]) == (1, said)
    others = [row.cells[0] for row in draw(tree) if row.mark == "dim"]
    assert all(re.fullmatch(r"[│├┌└─○ ]*(\d+ turns:)?", cell) for cell in others)


@pytest.mark.parametrize("tree", LARGE, ids=SHAPES)
def test_a_large_tree_is_drawn_near_you_and_named_elsewhere(tree: Tree) -> None:
    rows = draw(tree)
    assert drawn(rows) <= MOST_ROWS + 4
    assert named(rows) == Counter(list(tree.heads))
    assert "/tree all" in rows[-1].cells[1]


@pytest.mark.parametrize("tree", LARGE, ids=SHAPES)
def test_the_whole_of_a_large_tree_takes_two_rows_a_branch(tree: Tree) -> None:
    rows = draw(tree, whole=True)
    assert len(rows) <= 2 * len(tree.heads) + 2
    assert named(rows) == Counter(list(tree.heads))


@pytest.mark.parametrize("tree", LARGE, ids=SHAPES)
@pytest.mark.parametrize("whole", [False, True])
def test_no_picture_walks_off_to_the_right(tree: Tree, *, whole: bool) -> None:
    for row in draw(tree, whole=whole):
        rails = re.match(r"[│├└┌─○● ]*", row.cells[0])
        assert rails
        assert len(rails[0].rstrip()) <= 2 * DEEPEST + 2


def test_your_path_stays_at_the_left_however_many_forks_it_has() -> None:
    rows = draw(ladder(200), whole=True)
    yours = [row.cells[0] for row in rows if row.mark != "dim"]
    assert len(yours) == 201
    assert {cell[0] for cell in yours} == {"○", "●"}


def test_five_thousand_messages_in_a_line_are_one_row() -> None:
    tree = turns(turn(Tree(), "Where to?"), 2499, "And then?")
    assert lines(draw(tree)) == [
        "● 1–5000 Where to? → And then? ← you are here [main]",
        "5000 messages, 1 branch",
    ]


def test_a_conversation_with_one_of_everything() -> None:
    assert lines(draw(holiday())) == [
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


def test_a_fresh_conversation_says_so() -> None:
    assert lines(draw(Tree())) == [
        "● nothing said yet ← you are here [main]",
        "0 messages, 1 branch",
    ]


def test_conversations_with_no_common_beginning_stand_beside_each_other() -> None:
    tree, _ = trees.clear(turn(Tree(), "First?"))
    tree, _ = trees.clear(turn(tree, "Second?"))
    assert lines(draw(turn(tree, "Third?")))[:3] == [
        "┌─○ First? [cleared-1]",
        "├─○ Second? [cleared-2]",
        "● 1–2 Third? ← you are here [main]",
    ]


def test_after_clear_you_are_at_the_beginning() -> None:
    tree, _ = trees.clear(turn(Tree(), "First?"))
    assert lines(draw(tree))[:2] == [
        "● nothing said yet ← you are here [main]",
        "○ First? [cleared-1]",
    ]


def test_many_branches_at_one_message_are_named_below_it() -> None:
    tree = turn(Tree(), "Where to?")
    for number in range(200):
        tree = trees.branch(tree, f"idea-{number}")
    rows = draw(tree)
    assert named(rows) == Counter(list(tree.heads))
    assert rows[0].cells[-1].strip() == "← you are here [idea-199, main, idea-0]"
    assert [row.cells[0] for row in rows[-3:-1]] == ["├─", "└─"]


def test_what_happened_to_replies_is_said() -> None:
    tree = turn(turn(Tree(), "One?", "Y", INTERRUPTED), "Two?", "N", FAILED)
    tree = say(say(tree, "system", "Be brief."), "user", "Three?")
    assert lines(draw(tree))[0] == (
        "● 1–5 One? → Three? ← you are here [main] "
        "(1 interrupted, 1 failed, new system prompt, no reply)"
    )


def test_replies_to_the_same_question_stand_together() -> None:
    tree = retried(retried(turn(Tree(), "A joke!", "One"), "Two"), "Three")
    assert lines(draw(tree))[:4] == [
        "○ 1 A joke!",
        "├─○ reply: One [retried-1]",
        "├─○ reply: Two [retried-2]",
        "● 2 reply: Three ← you are here [main]",
    ]


def test_words_are_one_line_and_only_the_beginning_of_a_long_message() -> None:
    tree = turn(Tree(), "\n\n# A title\r\n\ttext " + "x" * 5_000_000)
    text = draw(tree)[0].cells[1]
    assert text.startswith("# A title text xxx")
    assert text.endswith("x…")
    assert len(text) < 200
    assert draw(turn(Tree(), " \n "))[0].cells[1] == "(empty)"

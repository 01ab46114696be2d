"""What a model notices is kept only where it says nothing but what the user has said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message
from chatcli.conversation.noticing import LONGEST, MOST, Heard, heard, request, worth_keeping
from chatcli.conversation.tree import Tree
from tests.conversation.growing import turn


def said(*texts: str) -> Heard:
    nodes = [trees.say(Tree(), Message("user", text)) for text in texts]
    return Heard(tuple(enumerate(nodes, 1)))


ALICE = said("My name is Alice, I'm a nurse and I like metric units. What's 5 °F?")


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (
            "- The user's name is Alice\n- The user is a nurse",
            ["The user's name is Alice", "The user is a nurse"],
        ),
        ("1. Likes metric units", ["Likes metric units"]),
        ('["Her name is Alice", 5, null]', ["Her name is Alice"]),
        ("* Name: Alice", ["Name: Alice"]),
        ("none", []),
        ("None of this is worth keeping.", []),
        ("Sure! The user's name is Alice.", []),
        ("- The user's name is Alice and she lives in Paris", []),
        ("- The user is a friendly assistant", []),
        ("- What is the user's name?", []),
        ("- Alice", []),
        ("- The user is the user", []),
        ("- The user is 5 years old", []),
        ("- `rm -rf` is what Alice likes", []),
        ("- The user's name is Alice.\n- the user's name is ALICE", ["The user's name is Alice."]),
        ("[" * 5000, []),
        ("", []),
    ],
)
def test_an_answer_is_hardly_believed(answer: str, kept: list[str]) -> None:
    assert worth_keeping(answer, ALICE, []) == kept


def test_words_of_other_languages_count_by_their_stems() -> None:
    german = said("Ich heiße Anna und arbeite nachts")
    assert worth_keeping("- heißt Anna, arbeitet nachts", german, []) == [
        "heißt Anna, arbeitet nachts"
    ]
    assert worth_keeping("- heißt Annabella", german, []) == []


def test_what_was_denied_is_not_affirmed() -> None:
    coffee = said("I'm Alice and I don’t like coffee, but I never drink tea without milk")
    assert worth_keeping("- likes coffee", coffee, []) == []
    assert worth_keeping("- is Alice", coffee, []) == ["is Alice"]
    assert worth_keeping("- doesn't like coffee", coffee, []) == []
    assert worth_keeping("- don't like coffee", coffee, []) == ["don't like coffee"]
    assert worth_keeping("- not Alice", said("I'm Alice, not you"), []) == []


def test_what_is_known_is_not_kept_again() -> None:
    known = ["The user's name is Alice"]
    assert worth_keeping("- The user's name is Alice.", ALICE, known) == []


def test_no_more_is_kept_than_three_short_lines() -> None:
    chatty = said("one two three four five six " + "seven " * 60)
    answer = "\n".join(f"- one two {word}" for word in ("three", "four", "five", "six"))
    assert len(worth_keeping(answer, chatty, [])) == MOST
    assert worth_keeping(f"- {'seven ' * 60}", chatty, []) == []


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_answer_is_harmless(answer: str, question: str) -> None:
    for kept in worth_keeping(answer, said(question), []):
        assert 0 < len(kept) <= LONGEST
        assert len(kept.splitlines()) == 1
        assert "?" not in kept


@given(st.lists(st.text(max_size=40), max_size=5))
def test_a_list_in_json_is_as_good_as_lines(items: list[str]) -> None:
    question = said(" ".join(items))
    assert len(worth_keeping(json.dumps(items), question, [])) <= MOST


def test_the_turn_is_the_one_that_said_it() -> None:
    several = said("My name is Alice", "How are you?", "I like tea")
    assert several.turn_of("The user's name is Alice") == 1
    assert several.turn_of("Likes tea") == 3


def test_only_answered_questions_that_are_new_are_asked_about() -> None:
    tree = turn(turn(Tree(), "one"), "two")
    found = heard(tree, frozenset())
    assert found is not None
    assert [number for number, _ in found.questions] == [1, 2]
    assert heard(tree, frozenset(node.id for node in found.nodes)) is None
    assert heard(turn(tree, "three", "cut", "interrupted"), frozenset()) is None
    asked = trees.add(tree, trees.say(tree, Message("user", "three")))
    assert heard(asked, frozenset()) is None
    assert heard(Tree(), frozenset()) is None


def test_the_request_holds_what_the_user_said_and_what_is_known() -> None:
    (message,) = request(said("I like tea", "x" * 9000), ["has a dog"])
    assert message.role == "user"
    assert "I like tea" in message.content
    assert "- has a dog" in message.content
    assert len(message.content) < 4000

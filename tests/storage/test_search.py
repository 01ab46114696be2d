"""Words that were said are found in all sessions, on all branches, whatever their spelling."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.tree import Tree
from chatcli.errors import UsageError
from chatcli.storage.formats import WRITERS
from chatcli.storage.library import Library, Stored
from chatcli.storage.search import Found, search

HEADER = Header("01ABC", "2026-11-23T04:18:00Z", "pirate", "openai:gpt-4o")


def keep(folder: Path, name: str, *texts: str, age: int = 0, tree: Tree | None = None) -> None:
    """Store a session of these texts, by the user and the model in turn, as old as `age`."""
    for number, text in enumerate(texts):
        tree = tree or Tree()
        message = Message("assistant" if number % 2 else "user", text)
        tree = trees.add(tree, trees.say(tree, message))
    path = folder / f"{name}.json"
    path.write_bytes(WRITERS["tree"](Conversation(HEADER, tree or Tree())))
    os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))


def look(folder: Path, text: str, most: int = 50) -> Found:
    return search(Library(folder).stored(), text, most)


def places(found: Found) -> list[tuple[str, str]]:
    return [(hit.session, hit.place) for hit in found.hits]


def test_the_newest_session_comes_first_and_numbers_are_those_of_history(tmp_path: Path) -> None:
    keep(tmp_path, "old", "Hello", "A sloop has one mast.", "And a brig?", age=100)
    system = trees.add(Tree(), trees.say(Tree(), Message("system", "Talk of a SLOOP.")))
    keep(tmp_path, "new", "Tell me", "of the Sloop", tree=system)
    found = look(tmp_path, "sloop")
    assert places(found) == [("new", "system"), ("new", "2"), ("old", "2")]
    assert found.hits[2].snippet == "A sloop has one mast."


def test_every_branch_is_searched_and_another_one_is_named(tmp_path: Path) -> None:
    tree = Tree()
    for text in ("One", "Two"):
        tree = trees.add(tree, trees.say(tree, Message("user", text)))
    tree = trees.branch(tree, "side")
    tree = trees.add(tree, trees.say(tree, Message("user", "a brig")))
    keep(tmp_path, "x", tree=trees.switch(tree, "main"))
    assert places(look(tmp_path, "brig")) == [("x", "side 3")]
    keep(tmp_path, "x", tree=tree)
    assert places(look(tmp_path, "brig")) == [("x", "3")]


def test_words_are_found_over_line_breaks_and_shown_in_one_line(tmp_path: Path) -> None:
    keep(tmp_path, "x", f"{'before ' * 20}\nthe old\n\tMan{' after' * 20}")
    (hit,) = look(tmp_path, "OLD   man").hits
    assert hit.snippet.startswith("…")
    assert hit.snippet.endswith("…")
    assert "the old Man after" in hit.snippet
    assert len(hit.snippet) < 100


def test_names_of_fields_are_no_words(tmp_path: Path) -> None:
    keep(tmp_path, "x", "Hello", "Arr")
    for name in ("role", "user", "content", "pirate", "2026", "main"):
        assert look(tmp_path, name).hits == ()


def test_the_search_ends_where_it_has_enough(tmp_path: Path) -> None:
    for number in range(5):
        keep(tmp_path, f"s{number}", "a brig", "a brig", age=number)
    found = look(tmp_path, "brig", most=3)
    assert places(found) == [("s0", "1"), ("s0", "2"), ("s1", "1")]
    assert found.more
    assert not look(tmp_path, "brig", most=10).more


def test_a_broken_file_is_passed_over_and_counted(tmp_path: Path) -> None:
    keep(tmp_path, "good", "a brig", age=5)
    (tmp_path / "bad.json").write_text('{"brig": ')
    (tmp_path / "worse.json").write_bytes(b'[\n{"chatcli":7,"id":"x","created":"brig"}\n]\n')
    os.mkfifo(tmp_path / "pipe.json")
    found = look(tmp_path, "brig")
    assert places(found) == [("good", "1")]
    assert found.broken == 1


def test_a_list_of_another_program_is_searched_too(tmp_path: Path) -> None:
    said = [{"role": "user", "content": 'Ein "kühner" Fluß 😀'}]
    (tmp_path / "x.json").write_text(json.dumps(said))
    for words in ("KÜHNER", '"kühner" fluß', "😀", "Fluß 😀"):
        assert places(look(tmp_path, words)) == [("x", "1")], words


@pytest.mark.parametrize("text", ["", " \n", "x" * 1000])
def test_nothing_to_search_for_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError):
        search([], text, 10)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_was_said_is_found_by_any_part_of_it(
    tmp_path_factory: pytest.TempPathFactory, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    if not part.split():
        return
    path = tmp_path_factory.getbasetemp() / "any.json"
    tree = trees.add(Tree(), trees.say(Tree(), Message("user", text)))
    for form in ("tree", "json"):
        path.write_bytes(WRITERS[form](Conversation(HEADER, tree)))
        stored = [Stored("any", path, 0.0, 0)]
        for words in (part, part.swapcase() if part.isascii() else part):
            assert search(stored, words, 5).hits, (form, words)

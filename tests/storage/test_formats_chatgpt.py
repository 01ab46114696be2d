"""ChatGPT's conversations.json: every branch kept, what is not for reading joined over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation.messages import path_to
from chatcli.conversation.tree import MAIN, Tree
from chatcli.errors import BadSession
from chatcli.storage import formats, jsonlist
from chatcli.storage.foreign import FILES, OTHERS, THOUGHTS, TOOLS, Foreign
from tests.support.foreign_files import as_json, chatgpt_message, chatgpt_tree

HIDDEN = {"is_visually_hidden_from_conversation": True}


def read(path: Path) -> list[Foreign]:
    found = list(formats.read_all(path))
    assert all(isinstance(each, Foreign) for each in found), found
    return [each for each in found if isinstance(each, Foreign)]


def words(tree: Tree, branch: str) -> list[str]:
    return [node.content for node in path_to(tree.heads[branch])]


def test_edited_questions_and_regenerated_replies_are_branches(tmp_path: Path) -> None:
    say = chatgpt_message
    tree = chatgpt_tree(
        {
            "root": (None, None),
            "hidden": ("root", say("system", "", metadata=HIDDEN)),
            "q1": ("hidden", say("user", "What is a sloop?")),
            "r1": ("q1", say("assistant", "A ship.")),
            "r2": ("q1", say("assistant", "A boat.")),
            "q2": ("r2", say("user", "And a brig?")),
            "q2b": ("r2", say("user", "And a ketch?")),
            "r3": ("q2b", say("assistant", "Two masts.")),
        },
        "r3",
    )
    talk = read(as_json(tmp_path / "conversations.json", [tree]))[0].conversation
    assert talk.tree.branch == MAIN
    assert {name: words(talk.tree, name) for name in talk.tree.heads} == {
        "main": ["What is a sloop?", "A boat.", "And a ketch?", "Two masts."],
        "branch-1": ["What is a sloop?", "A ship."],
        "branch-2": ["What is a sloop?", "A boat.", "And a brig?"],
    }
    assert (talk.title, talk.header.created) == ("Ships", "2023-07-22T04:26:40Z")
    assert talk.header.model == "gpt-4o"
    head = talk.tree.head
    assert head is not None
    assert (head.id, head.time, head.model) == ("r3", "2023-11-14T22:13:20Z", "gpt-4o")


def test_a_current_node_in_the_middle_keeps_what_follows_it(tmp_path: Path) -> None:
    say = chatgpt_message
    places = {"q": (None, say("user", "One")), "r": ("q", say("assistant", "Two"))}
    talk = read(as_json(tmp_path / "x.json", [chatgpt_tree(places, "q")]))[0].conversation
    assert words(talk.tree, "main") == ["One"]
    assert words(talk.tree, "branch-1") == ["One", "Two"]


def test_what_is_not_for_reading_is_joined_over_and_counted(tmp_path: Path) -> None:
    say = chatgpt_message
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    spoken = {"content_type": "audio_transcription", "text": "Hello there"}
    thoughts = {"content_type": "thoughts", "thoughts": [{"summary": "x", "content": "y"}]}
    code = {"content_type": "code", "language": "python", "text": "1+1"}
    output = {"content_type": "execution_output", "text": "2"}
    about = {"content_type": "user_editable_context", "user_profile": "x"}
    multimodal = {"content_type": "multimodal_text", "parts": [picture, "Look", spoken]}
    tree = chatgpt_tree(
        {
            "a": (None, None),
            "b": ("a", say("user", content=about)),
            "c": ("b", say("user", content=multimodal)),
            "d": ("c", say("assistant", content=thoughts)),
            "e": ("d", say("assistant", content=code, recipient="python")),
            "f": ("e", say("tool", content=output)),
            "g": ("f", say("assistant", "")),
            "h": ("g", say("critic", "Hm")),
            "i": ("h", say("assistant", "Let me think", channel="analysis")),
            "j": ("i", say("assistant", "It is two.", channel="final")),
            "k": ("j", say("tool", "late")),
        },
        "k",
    )
    found = read(as_json(tmp_path / "x.json", [tree]))[0]
    said = [(node.role, node.content) for node in found.conversation.tree.path]
    assert said == [("user", "Look\n\nHello there"), ("assistant", "It is two.")]
    assert list(found.conversation.tree.heads) == [MAIN]
    assert found.left_out == {TOOLS: 3, THOUGHTS: 2, FILES: 1, OTHERS: 1}


def test_one_conversation_alone_is_read_too(tmp_path: Path) -> None:
    tree = chatgpt_tree({"q": (None, chatgpt_message("user", "Hi"))}, "q")
    found = formats.read_one(as_json(tmp_path / "x.json", tree))
    assert words(found.conversation.tree, "main") == ["Hi"]


def test_a_file_with_several_is_brought_in_and_not_opened(tmp_path: Path) -> None:
    tree = chatgpt_tree({"q": (None, chatgpt_message("user", "Hi"))}, "q")
    path = as_json(tmp_path / "x.json", [tree] * 3)
    with pytest.raises(BadSession, match=r"it holds 3 conversations; `chatcli sessions import"):
        formats.read_one(path)
    assert len(read(path)) == 3


def test_parents_and_times_that_can_not_be_cost_no_more_than_a_gap(tmp_path: Path) -> None:
    say = chatgpt_message
    long = "x" * 300
    tree = chatgpt_tree(
        {
            "q": ("nowhere", say("user", "One", create_time=1e300)),
            long: ("q", say("assistant", "Two", create_time="now")),
            "a b": (long, say("user", "Three", create_time=None)),
        },
        "elsewhere",
        title=["x"],
        create_time=float(10**20),
    )
    talk = read(as_json(tmp_path / "x.json", [tree]))[0].conversation
    assert words(talk.tree, "main") == ["One", "Two", "Three"]
    assert [node.time for node in talk.tree.path] == ["", "", ""]
    assert talk.title is None
    assert all(len(node.id) <= 64 and " " not in node.id for node in talk.tree.path)


@pytest.mark.parametrize(
    ("tree", "complaint"),
    [
        (
            chatgpt_tree({"a": ("b", None), "b": ("a", None)}, "a"),
            "its messages follow each other in a circle",
        ),
        (chatgpt_tree({"a": ("a", None)}, "a"), "its messages follow each other in a circle"),
        ({"mapping": {"a": 3}}, "a message of it is no object"),
        ({"mapping": []}, "a conversation of it has no `mapping`"),
        ({"title": "x"}, "a conversation of it has no `mapping`"),
    ],
)
def test_a_broken_conversation_says_why_and_the_others_are_read(
    tmp_path: Path, tree: object, complaint: str
) -> None:
    good = chatgpt_tree({"q": (None, chatgpt_message("user", "Hi"))}, "q")
    path = as_json(tmp_path / "x.json", [good, tree, good])
    first, broken, last = formats.read_all(path)
    assert isinstance(first, Foreign)
    assert isinstance(last, Foreign)
    assert isinstance(broken, BadSession)
    assert broken.message == complaint


parents = st.lists(st.integers(0, 30), min_size=1, max_size=25)


@given(parents, st.sets(st.integers(0, 24)), st.integers(0, 30))
@settings(deadline=None)
def test_every_message_is_on_a_branch_and_every_branch_ends_in_its_own(
    above: list[int], silent: set[int], current: int
) -> None:
    places = {
        str(n): (
            str(parent) if parent < n else None,
            None if n in silent else chatgpt_message("user", f"said {n}"),
        )
        for n, parent in enumerate(above)
    }
    data = json.dumps([chatgpt_tree(places, str(current))]).encode()
    (found,) = list(formats.read_bytes(data))
    assert isinstance(found, Foreign)
    tree = found.conversation.tree
    spoken = {f"said {n}" for n in range(len(above)) if n not in silent}
    assert {node.content for node in tree.nodes()} == spoken
    heads = [head for head in tree.heads.values() if head]
    assert len({id(head) for head in heads}) == len(heads)
    others = [head for name, head in tree.heads.items() if head and name != MAIN]
    assert not any(a is not b and b.descends_from(a) for a in others for b in heads)


def hostile() -> dict[str, bytes]:
    deep = b"[" * 2_000_000
    message = b'{"mapping":{"a":{"message":{"author":{"role":"user"},"content":{"parts":["'
    return {
        "brackets": deep,
        "nested in a tree": b'[{"mapping":' + deep,
        "a string without end": b'[{"mapping":{"' + b"\\" * 5_000_001,
        "quotes": b'[{"mapping' + b'\\"' * 5_000_000,
        "empty lists": b"[" + b"[]," * 5_000_000 + b"[]]",
        "empty objects": b'[{"mapping":{"a":[' + b"{}," * 5_000_000 + b"{}]}}]",
        "small objects": b'[{"mapping":{"a":[' + b'{"b":1},' * 1_500_000 + b"{}]}}]",
        "one large message": b"[" + message + b"x" * 17_000_000 + b'"]}}}}}]',
        "wide characters": b"[" + message + "😀".encode() * 4_100_000 + b'"]}}}}}]',
        "no number": b'[{"mapping":{},"create_time":NaN}]',
        "digits": b'[{"mapping":{},"create_time":' + b"9" * 5_000_000 + b"}]",
        "NULs": b'[{"mapping":{"a":"\0"}}]' + b"\0" * 5_000_000,
        "a key twice": b'[{"mapping":{},"mapping":{}}]',
        "half a character": b'[{"mapping":{"\xff\xfe":{}}}]',
    }


@pytest.mark.parametrize("what", sorted(hostile().keys() - {"wide characters"}))
def test_the_worst_file_costs_one_line(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(hostile()[what])
    with pytest.raises(BadSession) as refused:
        formats.read_one(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_a_large_message_of_any_characters_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(hostile()["wide characters"])
    assert len(read(path)[0].conversation.tree.path[0].content) == 4_100_000


def test_the_items_of_a_list_are_found_whatever_is_in_its_strings() -> None:
    items = [{"a": 'x"]}\\'}, ["[{", {"b": [[]]}], {}, {"c": "\\\\"}]
    data = json.dumps(items, indent=1).encode()
    assert [jsonlist.parsed(item) for item in jsonlist.items(data)] == items

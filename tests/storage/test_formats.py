"""Lists of messages and aichat's sessions, read; and what is written, read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import ROLES, Message
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.text import whole_text
from chatcli.conversation.tree import Tree
from chatcli.errors import BadSession
from chatcli.storage import formats, wire
from chatcli.storage.foreign import FILES, TOOLS, Foreign, told

HEADER = Header("01ABC", "2026-11-23T04:18:00Z", "pirate", "openai:gpt-4o")

WHOLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
TEXTS = st.text(st.characters(exclude_categories=[]), max_size=60)
messages = st.builds(Message, st.sampled_from(ROLES), WHOLE)


def read(path: Path, data: bytes | str) -> Foreign:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return formats.read_one(path)


def said(talk: Conversation) -> list[tuple[str, str]]:
    return [(node.role, node.content) for node in talk.tree.path]


def grown(steps: list[tuple[int, Message]]) -> Tree:
    """A tree that was made as people make them: by talking, forking, undoing and clearing."""
    tree = Tree()
    for kind, message in steps:
        try:
            if kind == 1:
                tree = trees.branch(tree, trees.free_name(tree, "fork"))
            elif kind == 2:
                tree = trees.undo(tree)
            elif kind == 3:
                tree, _ = trees.clear(tree)
            elif kind == 4:
                tree = trees.switch(tree, min(tree.heads))
            else:
                tree = trees.add(tree, trees.say(tree, message))
        except trees.TreeError:
            continue
    return tree


def shape(tree: Tree) -> object:
    """All of a tree that can be compared, whatever objects it is made of."""
    nodes = {
        node.id: (node.parent.id if node.parent else None, node.message, node.time, node.model)
        for node in tree.nodes()
    }
    heads = {name: head.id if head else None for name, head in tree.heads.items()}
    return nodes, heads, tree.branch, [node.id for node in tree.undone]


# Lists of messages


def test_a_plain_list_of_messages_is_read_with_all_that_is_not_text_counted(
    tmp_path: Path,
) -> None:
    found = read(
        tmp_path / "x.json",
        json.dumps(
            [
                {"role": "developer", "content": "Be kind."},
                {"role": "user", "name": "al", "content": [{"type": "text", "text": "Look:"}]},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
                {"role": "tool", "tool_call_id": "1", "content": "42"},
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "data:x"}},
                        {"type": "text", "text": "one"},
                        {"type": "text", "text": "two"},
                    ],
                },
                {"role": "assistant", "content": "I see."},
            ]
        ),
    )
    assert said(found.conversation) == [
        ("system", "Be kind."),
        ("user", "Look:"),
        ("user", "one\n\ntwo"),
        ("assistant", "I see."),
    ]
    assert found.left_out == {TOOLS: 2, FILES: 1}
    assert told(found.left_out) == (
        "left out: images and other files (1), tool calls and their results (2)"
    )


def test_an_object_with_messages_may_say_its_title_and_model(tmp_path: Path) -> None:
    value = {"model": "gpt-4o", "title": "A\ntrip", "messages": [{"role": "user", "content": "Hi"}]}
    talk = read(tmp_path / "x.json", json.dumps(value)).conversation
    assert (talk.title, talk.header.model, said(talk)) == ("A trip", "gpt-4o", [("user", "Hi")])


def test_an_empty_list_is_a_conversation_to_begin(tmp_path: Path) -> None:
    assert said(read(tmp_path / "x.json", "[]").conversation) == []


def test_a_mark_at_the_beginning_of_the_file_is_no_part_of_it(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf [{"role":"user","content":"Hi"}]'
    assert said(read(tmp_path / "x.json", data).conversation) == [("user", "Hi")]


def test_half_a_character_is_made_whole(tmp_path: Path) -> None:
    data = '[{"role":"user","content":"\\ud83d \\ud83d\\ude00"}]'
    assert said(read(tmp_path / "x.json", data).conversation) == [("user", "\ufffd 😀")]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ('[{"role":"king","content":"Hi"}]', "message 1 has the role 'king'; known are "),
        ('[{"role":["user"],"content":"Hi"}]', "message 1 has the role ['user']"),
        ('[{"role":"user","content":7}]', "the content of message 1 is no text"),
        ('[{"role":"user","content":"Hi"}, "x"]', "it is no JSON list of objects"),
        ("[1, 2]", "it is no JSON list of objects"),
        ('[{"role":"user","content":"Hi"}', "it is no JSON: a list of it has no end"),
        ('[{"role":"user","content":"Hi"', "it is no JSON: a list of it has no end"),
        ('[{"role":"user","content":"Hi"}] x', "it is no JSON list of objects"),
        ('[[{"role":"user"}]]', "item 1 is no message but list"),
        ('{"messages": 3}', "it holds no conversation in a form that is known"),
        ("{", "it is no JSON: "),
        ("Dear diary,", "it is in no form that is known; what can be read is "),
        ("PK\x03\x04", "it is an archive; unpack it"),
    ],
)
def test_what_is_no_conversation_is_refused_in_one_line(
    tmp_path: Path, data: str, complaint: str
) -> None:
    with pytest.raises(BadSession) as refused:
        read(tmp_path / "x.json", data)
    assert str(refused.value).startswith(complaint)
    assert "\n" not in str(refused.value)


# aichat

SESSION = """\
model: openai:gpt-4o
temperature: 0.7
compressed_messages:
- role: system
  content: You are terse.
- role: user
  content: "My name is Alice: really"
- role: assistant
  content: |-
    Hello

    Alice.
messages:
- role: system
  content: 'You are terse.

    Alice said her name.'
- role: user
  content:
  - type: text
    text: What is on it?
  - type: image_url
    image_url:
      url: 5e8a
- role: assistant
  content: no
- role: tool
  content:
    tool_results:
    - call:
        name: ls
        arguments: {path: [a, b, {c: d}]}
      output: null
    text: ''
data_urls:
  5e8a: /home/al/x.png
"""


def test_a_session_of_aichat_is_read_with_what_was_compressed_first(tmp_path: Path) -> None:
    found = read(tmp_path / "trip.yaml", SESSION)
    assert said(found.conversation) == [
        ("system", "You are terse."),
        ("user", "My name is Alice: really"),
        ("assistant", "Hello\n\nAlice."),
        ("system", "You are terse.\nAlice said her name."),
        ("user", "What is on it?"),
        ("assistant", "no"),
    ]
    assert (found.conversation.title, found.conversation.header.model) == ("trip", "openai:gpt-4o")
    assert found.left_out == {TOOLS: 1, FILES: 1}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ("messages: &a [*a]", "it is no YAML that is read here: line 1: anchors and aliases"),
        ("messages: !!python/name:os.system x", "line 1: tags are not read here"),
        ("messages:\n- " + "[" * 100_000, "line 2: nested more than 32 deep"),
        ("messages: 3", "its `messages` are no list"),
        ("messages:\n- role: user\n  content: {a: b", "it is no YAML that is read here: line "),
        ("messages:\n" + "- a\n" * 300_000, "more than 200,000 parts"),
        ("messages:\n- just words", "item 1 is no message but str"),
    ],
)
def test_yaml_that_is_more_than_a_session_is_refused(
    tmp_path: Path, data: str, complaint: str
) -> None:
    with pytest.raises(BadSession) as refused:
        read(tmp_path / "x.yaml", data)
    assert complaint in str(refused.value)


# Round trips


@given(st.lists(st.builds(Message, st.sampled_from(ROLES), TEXTS), max_size=12))
@settings(deadline=None)
def test_messages_that_are_written_as_json_are_read_back_the_same(some: list[Message]) -> None:
    tree = Tree()
    for message in some:
        tree = trees.add(tree, trees.say(tree, message))
    data = formats.WRITERS["json"](Conversation(HEADER, tree))
    json.loads(data)
    back = formats.read_foreign(data, HEADER)
    assert said(back) == [(each.role, whole_text(each.content)) for each in some]


@given(st.lists(st.tuples(st.integers(0, 9), messages), max_size=40))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_tree_that_is_written_is_read_back_with_every_branch(
    steps: list[tuple[int, Message]],
) -> None:
    talk = Conversation(HEADER, grown(steps), title="Ships")
    data = formats.WRITERS["tree"](talk)
    back = formats.read_foreign(data, HEADER)
    assert shape(back.tree) == shape(talk.tree)
    assert (back.header, back.title) == (talk.header, talk.title)


@given(st.lists(st.tuples(st.integers(0, 9), messages), max_size=20))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_json_of_a_tree_is_the_branch_that_it_is_on(
    steps: list[tuple[int, Message]],
) -> None:
    talk = Conversation(HEADER, grown(steps))
    assert json.loads(formats.WRITERS["json"](talk)) == [
        node.message.as_dict() for node in talk.tree.path
    ]


def test_a_copy_of_a_session_keeps_what_only_other_versions_know() -> None:
    others = (b'{"weather":"fair","at":[1e5, 1e999]}', b"{}", b'{"weather":"\xed\xa0\x80"}')
    talk = wire.read(wire.document([wire.encode(HEADER), *others])).conversation
    copy = formats.WRITERS["tree"](talk)
    assert [line for line in wire.read(copy).lines if line in others] == list(others)


def test_a_file_of_our_own_is_read_as_it_is(tmp_path: Path) -> None:
    tree = trees.add(Tree(), trees.say(Tree(), Message("user", "Hi")))
    data = formats.WRITERS["tree"](Conversation(HEADER, tree, title="Ships"))
    talk = read(tmp_path / "x.tree.json", data).conversation
    assert (talk.header, talk.title, said(talk)) == (HEADER, "Ships", [("user", "Hi")])

"""Damage in a file's middle: what it hit is lost, and what hung on that is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message, Node
from chatcli.conversation.records import Moved
from chatcli.storage import wire
from chatcli.storage.journal import FileJournal
from tests.support.torn import files, punched, spans

Harm: TypeAlias = Callable[[Sequence[bytes], int], bytes]

LINES = files()
PLACES = [(name, number) for name, lines in LINES.items() for number in range(1, len(lines))]


def nulled(lines: Sequence[bytes], number: int) -> bytes:
    return punched(wire.document(lines), spans(lines)[number])


def without(lines: Sequence[bytes], number: int) -> bytes:
    """The file after somebody took a line out with an editor, and left nothing to see."""
    return wire.document([*lines[:number], *lines[number + 1 :]])


def garbled(lines: Sequence[bytes], number: int) -> bytes:
    return wire.document([*lines[:number], b"\xff\xfe?", *lines[number + 1 :]])


HARMS: tuple[Harm, ...] = (nulled, without, garbled)


def messages(lines: Sequence[bytes]) -> Iterator[dict[str, object]]:
    parsed = (json.loads(line) for line in lines)
    return (fields for fields in parsed if "role" in fields)


@pytest.mark.parametrize("harm", HARMS)
def test_a_message_whose_parent_is_lost_hangs_on_the_one_before_it(
    quick_folder: Path, harm: Harm
) -> None:
    for name, number in PLACES:
        lines = LINES[name]
        where = f"{name} without record {number}"
        path = quick_folder / f"{name}{number}.json"
        path.write_bytes(harm(lines, number))
        journal, talk, told = FileJournal.open(path)
        journal.close()

        left = [*messages([*lines[:number], *lines[number + 1 :]])]
        nodes = {node.id: node for node in talk.tree.nodes()}
        assert sorted(nodes) == sorted(str(fields["id"]) for fields in left), where
        before: str | None = None
        orphans = 0
        for fields in left:
            node, wanted = nodes[str(fields["id"])], fields["parent"]
            if wanted is not None and wanted not in nodes:
                wanted, orphans = before, orphans + 1
            assert (node.parent and node.parent.id) == wanted, where
            before = node.id
        if orphans or harm is not without:
            assert told, where
        check_it_stays_so(path, nodes)


def check_it_stays_so(path: Path, nodes: dict[str, Node]) -> None:
    """Opened again, the tree is the same, nothing is told, and it goes on from there."""
    journal, talk, told = FileJournal.open(path)
    assert told == [], path.name
    again = {node.id: node.parent and node.parent.id for node in talk.tree.nodes()}
    assert again == {name: node.parent and node.parent.id for name, node in nodes.items()}
    question = trees.say(talk.tree, Message("user", "And now?"))
    journal.append(question, Moved(talk.tree.branch, question))
    journal.close()
    reading = wire.read(path.read_bytes())
    assert reading.rest == b""
    head = reading.conversation.tree.head
    assert head is not None
    assert (head.content, head.parent and head.parent.id) == (
        "And now?",
        talk.tree.head and talk.tree.head.id,
    )


@pytest.mark.parametrize("harm", HARMS)
def test_where_a_head_is_lost_the_talk_goes_on_from_what_is_left(
    quick_folder: Path, harm: Harm
) -> None:
    lines = LINES["life"]
    for number in (n for n, line in enumerate(lines) if b'"role":"assistant"' in line):
        path = quick_folder / f"life{number}.json"
        path.write_bytes(harm(lines, number))
        journal, talk, _told = FileJournal.open(path)
        journal.close()
        assert talk.tree.head is not None, f"without record {number}"
        assert talk.tree.branch in {json.loads(line).get("branch") for line in lines}

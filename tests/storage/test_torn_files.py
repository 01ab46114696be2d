"""A session file in every state that a crash can leave it in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import INTERRUPTED, Message, Node, now
from chatcli.conversation.records import Conversation, Header, Moved, Noted, whole
from chatcli.conversation.tree import Tree
from chatcli.errors import SessionInUse, StorageError
from chatcli.storage import wire
from chatcli.storage.journal import FileJournal
from chatcli.storage.partial import PartialFile, partial_beside
from tests.support.torn import voyage


def lines(talk: Conversation) -> list[bytes]:
    return [wire.encode(record) for record in whole(talk)]


def told(tree: Tree) -> dict[str, list[str]]:
    return {
        name: [node.id for node in head.lineage()] if head else []
        for name, head in tree.heads.items()
    }


def test_what_is_written_reads_back_the_same() -> None:
    talk = voyage()
    data = wire.document(lines(talk))
    reading = wire.read(data)
    assert reading.sound
    assert reading.rest == b""
    assert told(reading.conversation.tree) == told(talk.tree)
    assert reading.conversation.tree.branch == talk.tree.branch
    assert [n.id for n in reading.conversation.tree.undone] == [n.id for n in talk.tree.undone]
    assert reading.conversation.title == "voyage"
    assert [n.message for n in reading.conversation.tree.nodes()] == [
        n.message for n in talk.tree.nodes()
    ]
    assert len(json.loads(data)) == data.count(b"\n") - 2


def test_a_number_beyond_all_numbers_costs_no_message() -> None:
    header = lines(voyage())[0]
    for parent in ("null", '"lost"'):
        said = f'{{"id":"b","parent":{parent},"role":"user","content":"Ahoy","x":[1e999,-1e999]}}'
        data = wire.document([header, said.encode()])
        for state in (data, json.dumps(json.loads(data)).replace("Infinity", "1e999").encode()):
            reading = wire.read(wire.document(wire.read(state).lines))
            assert [node.content for node in reading.conversation.tree.path] == ["Ahoy"]
            assert reading.sound


def test_a_file_cut_at_any_byte_gives_back_every_whole_record() -> None:
    records = lines(voyage())
    data = wire.document(records)
    ends = [len(wire.document(records[: n + 1])) - len(wire.CLOSING) for n in range(len(records))]
    for cut in range(ends[0], len(data)):
        reading = wire.read(data[:cut])
        complete = sum(end <= cut for end in ends)
        assert reading.lines == tuple(records[:complete])
        mended = wire.document(reading.lines)
        assert wire.read(mended).sound
        kept = wire.document(reading.lines)[: -len(wire.CLOSING)]
        if reading.rest:
            assert data[:cut].endswith(reading.rest)
            assert not kept.endswith(reading.rest)


def test_a_tail_of_nulls_is_no_record() -> None:
    records = lines(voyage())
    for count in range(1, len(records)):
        whole_part = wire.document(records[:count])[: -len(wire.CLOSING)]
        for size in (1, 7, 512, 4096):
            reading = wire.read(whole_part + b",\n" + b"\0" * size)
            assert reading.lines == tuple(records[:count])
            assert not reading.sound


def write(path: Path, talk: Conversation) -> None:
    path.write_bytes(wire.document(lines(talk)))


def test_appending_after_a_torn_record_never_glues_to_it(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    data = wire.document(lines(voyage()))
    for cut in range(len(data) - 120, len(data), 7):
        path.write_bytes(data[:cut])
        journal, talk, _ = FileJournal.open(path)
        journal.append(Noted("title", "after"), Moved(talk.tree.branch, talk.tree.head))
        journal.close()
        again = wire.read(path.read_bytes())
        assert again.sound
        assert again.conversation.title == "after"
        json.loads(path.read_text())


def test_what_is_left_over_goes_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    data = wire.document(lines(voyage()))
    path.write_bytes(data[:-20])
    journal, _, mended = FileJournal.open(path)
    journal.close()
    assert "torn" in mended[0]
    assert data[:-20].endswith((tmp_path / "s.json.torn").read_bytes().rstrip(b"\n"))


def test_a_reply_that_was_cut_short_comes_back_marked(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    tree = Tree()
    tree = trees.add(tree, trees.say(tree, Message("user", "Hello")))
    write(path, Conversation(Header("01K", now()), tree))
    reply = Node("p1", tree.head, Message("assistant", ""), now(), "m")
    partial = PartialFile(lambda: path)
    partial.add(reply, "Arr, I was say")
    partial.close()

    journal, talk, mended = FileJournal.open(path)
    journal.close()
    assert talk.tree.head is not None
    assert (talk.tree.head.content, talk.tree.head.finish) == ("Arr, I was say", INTERRUPTED)
    assert "cut short" in mended[0]
    assert not partial_beside(path).exists()

    journal, talk, mended = FileJournal.open(path)
    journal.close()
    assert mended == []
    assert talk.tree.head is not None
    assert talk.tree.head.id == "p1"


def test_one_process_writes_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write(path, voyage())
    journal, _, _ = FileJournal.open(path)
    with pytest.raises(SessionInUse):
        FileJournal.open(path)
    journal.close()
    assert [each.name for each in tmp_path.iterdir()] == ["s.json"]
    second, _, _ = FileJournal.open(path)
    second.close()


def test_a_file_that_another_program_changed_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write(path, voyage())
    journal, _, _ = FileJournal.open(path)
    with path.open("ab") as other:
        other.write(b"mine\n")
    with pytest.raises(StorageError, match="another program"):
        journal.append(Noted("title", "x"))
    journal.close()
    assert path.read_bytes().endswith(b"mine\n")


@pytest.mark.parametrize("left", [b"", b"[", b"[\n", b"\0" * 100, b'[\n{"chatcli":1,"id":"0'])
def test_a_file_that_a_crash_left_at_its_birth_is_an_empty_conversation(
    tmp_path: Path, left: bytes
) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(left)
    journal, talk, _ = FileJournal.open(path)
    assert talk.tree.head is None
    question = trees.say(talk.tree, Message("user", "Hello"))
    journal.append(question, Moved("main", question))
    journal.close()
    assert wire.read(path.read_bytes()).conversation.tree.head is not None
    torn = tmp_path / "s.json.torn"
    assert left.strip(b"[\n\0") in (torn.read_bytes() if torn.exists() else b"")


@pytest.mark.parametrize(
    "hostile",
    [
        b"[]",
        b"\xff\xfe\x00",
        b'[\n{"chatcli":2,"id":"x","created":"y"}\n]\n',
    ],
)
def test_a_file_that_is_none_of_ours_costs_one_line(tmp_path: Path, hostile: bytes) -> None:
    path = tmp_path / "s.json"
    path.write_bytes(hostile)
    with pytest.raises(StorageError) as caught:
        FileJournal.open(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == hostile

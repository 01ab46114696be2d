"""The journal of a session: what an append costs, and what it does when something is in its way."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.conversation.records import Conversation, Header, Noted, whole
from chatcli.conversation.tree import Tree
from chatcli.errors import SessionInUse, StorageError
from chatcli.storage import files, wire
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.library import Library, numbered
from chatcli.storage.mending import read_session, torn_beside
from chatcli.storage.partial import PartialFile, partial_beside


def said(*texts: str) -> Conversation:
    tree = Tree()
    for text in texts:
        tree = trees.add(tree, trees.say(tree, Message("user", text)))
    return Conversation(Header("01K", now()), tree)


def written(path: Path, talk: Conversation) -> FileJournal:
    journal = FileJournal(at(path))
    journal.append(*whole(talk))
    return journal


def contents(path: Path) -> list[str]:
    return [node.content for node in read_session(path).conversation.tree.path]


def counting(monkeypatch: pytest.MonkeyPatch, name: str) -> list[int]:
    """Have calls of `os.NAME` counted, and done."""
    calls: list[int] = []
    real: Callable[..., object] = getattr(os, name)

    def call(*args: object) -> object:
        calls.append(1)
        return real(*args)

    monkeypatch.setattr(os, name, call)
    return calls


@pytest.mark.skipif(not hasattr(os, "pwrite"), reason="one call of POSIX")
def test_an_append_is_one_write_and_one_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = written(tmp_path / "s.json", said("Hello"))
    writes, syncs = counting(monkeypatch, "pwrite"), counting(monkeypatch, "fsync")
    journal.append(Noted("title", "one"), Noted("title", "two"))
    journal.close()
    assert (len(writes), len(syncs)) == (1, 1)
    assert read_session(tmp_path / "s.json").conversation.title == "two"


def test_a_write_that_fails_half_way_leaves_what_was_there_and_goes_through_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.json"
    journal = written(path, said("Hello"))
    before = path.read_bytes()
    real = os.pwrite

    def half(fd: int, data: bytes, start: int) -> int:
        if len(data) > len(wire.CLOSING):
            real(fd, bytes(data)[: len(data) // 2], start)
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data, start)

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", half)
        with pytest.raises(StorageError, match="No space left"):
            journal.append(Noted("title", "a title of some length"))
        assert path.read_bytes() == before
    journal.append(Noted("title", "later"))
    journal.close()
    assert json.loads(path.read_text())[-1] == {"title": "later"}


def test_a_file_that_could_not_even_be_closed_again_is_mended_by_the_next_append(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.json"
    journal = written(path, said("Hello"))
    real = os.pwrite
    calls: list[int] = []

    def broken(fd: int, data: bytes, start: int) -> int:
        calls.append(1)
        if len(calls) == 1:
            return real(fd, bytes(data)[:9], start)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as failing:
        failing.setattr(os, "pwrite", broken)
        with pytest.raises(StorageError, match="Input/output error"):
            journal.append(Noted("title", "a title of some length"))
    assert contents(path) == ["Hello"], "all that was there can be read"
    journal.append(Noted("title", "x"))
    journal.close()
    assert json.loads(path.read_text())[-1] == {"title": "x"}


def test_a_name_that_somebody_else_has_taken_gets_a_number(tmp_path: Path) -> None:
    path = tmp_path / "trip.json"
    first = written(path, said("mine"))
    second = FileJournal(lambda _records: numbered(path))
    told = second.append(*whole(said("yours")))
    assert told == ("there is a session trip already: this one is trip-2",)
    third = FileJournal(at(path))
    with pytest.raises(StorageError, match="already"):
        third.append(*whole(said("theirs")))
    for journal in (first, second, third):
        journal.close()
    assert contents(path) == ["mine"]
    assert contents(tmp_path / "trip-2.json") == ["yours"]


def test_a_name_that_nobody_chose_gets_a_number_without_a_word(tmp_path: Path) -> None:
    told: list[str] = []
    for _ in range(2):
        journal = Library(tmp_path).new_journal()
        told += journal.append(*whole(said("Hello")))
        journal.close()
    assert told == []
    assert len(list(tmp_path.glob("*hello*.json"))) == 2


def test_a_session_moves_with_all_that_lies_beside_it(tmp_path: Path) -> None:
    path, target = tmp_path / "old.json", tmp_path / "new.json"
    journal = written(path, said("Hello"))
    torn_beside(path).write_text("left over")
    journal.rename(target)
    journal.append(Noted("title", "new"))
    journal.close()
    assert {each.name for each in tmp_path.iterdir()} == {"new.json", "new.json.torn"}
    assert read_session(target).conversation.title == "new"


def test_a_session_keeps_its_place_when_the_new_name_is_taken(tmp_path: Path) -> None:
    other = written(tmp_path / "other.json", said("theirs"))
    other.close()
    journal = written(tmp_path / "mine.json", said("mine"))
    with pytest.raises(StorageError, match="already"):
        journal.rename(tmp_path / "other.json")
    journal.append(Noted("title", "still here"))
    journal.close()
    assert contents(tmp_path / "other.json") == ["theirs"]
    assert read_session(tmp_path / "mine.json").conversation.title == "still here"


def test_a_link_and_its_file_are_one_session(tmp_path: Path) -> None:
    path, link = tmp_path / "s.json", tmp_path / "link.json"
    written(path, said("Hello")).close()
    link.symlink_to(path)
    journal, _, _ = FileJournal.open(link)
    with pytest.raises(SessionInUse):
        FileJournal.open(path)
    journal.append(Noted("title", "by its link"))
    journal.close()
    assert link.is_symlink()
    assert read_session(path).conversation.title == "by its link"


def test_a_session_that_another_program_has_laid_out_is_still_one(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    written(path, said("Hello", "two")).close()
    path.write_text(json.dumps(json.loads(path.read_text()), indent=2))
    journal, talk, told = FileJournal.open(path)
    journal.append(Noted("title", "again"))
    journal.close()
    assert told == []
    assert [node.content for node in talk.tree.path] == ["Hello", "two"]
    assert read_session(path).sound
    assert read_session(path).conversation.title == "again"


def test_a_reply_to_nothing_in_the_file_is_put_aside_and_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    written(path, said("Hello")).close()
    stranger = Node(new_id(), None, Message("user", "?"), now())
    partial = PartialFile(lambda: path)
    partial.add(Node("p1", stranger, Message("assistant", ""), now()), "half a thought")
    partial.close()
    journal, talk, told = FileJournal.open(path)
    journal.close()
    assert [node.content for node in talk.tree.path] == ["Hello"]
    assert told == ["what was left of a reply, and answers nothing here, is in s.json.torn"]
    assert "half a thought" in torn_beside(path).read_text()
    assert not partial_beside(path).exists()


def test_a_new_file_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match="No space left"):
            files.write_new(tmp_path / "s.json", b"[\n]\n")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "s.json").write_text("mine")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "s.json", b"[\n]\n")
    assert (tmp_path / "s.json").read_text() == "mine"
    assert [each.name for each in tmp_path.iterdir()] == ["s.json"]


def test_a_disk_without_links_still_gets_new_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    journal = written(tmp_path / "s.json", said("Hello"))
    journal.append(Noted("title", "x"))
    journal.close()
    assert [each.name for each in tmp_path.iterdir()] == ["s.json"]
    assert read_session(tmp_path / "s.json").conversation.title == "x"


def unfinished(path: Path, *replies: tuple[Node, str]) -> None:
    partial = PartialFile(lambda: path)
    for reply, text in replies:
        partial.add(reply, text)
        partial.flush()
    partial.close()


def reply_to(question: Node | None, name: str) -> Node:
    return Node(name, question, Message("assistant", ""), now(), "m")


def test_two_replies_that_could_not_be_saved_are_both_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    talk = said("Hello")
    written(path, talk).close()
    question = talk.tree.head
    unfinished(path, (reply_to(question, "p1"), "the first"), (reply_to(question, "p2"), "second"))
    journal, talk, _ = FileJournal.open(path)
    journal.close()
    assert {n.content for n in talk.tree.nodes() if n.role == "assistant"} == {
        "the first",
        "second",
    }
    assert not partial_beside(path).exists()


def test_what_of_a_partial_can_not_be_read_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    talk = said("Hello")
    written(path, talk).close()
    unfinished(path, (reply_to(talk.tree.head, "p1"), "whole, "))
    with partial_beside(path).open("ab") as file:
        file.write(b'"torn in the mid\n"and some more"\n')
    journal, talk, told = FileJournal.open(path)
    journal.close()
    assert talk.tree.head is not None
    assert talk.tree.head.content == "whole, "
    assert "torn in the mid" in torn_beside(path).read_text()
    assert any("s.json.torn" in line for line in told)
    assert FileJournal.open(path)[2] == []


def test_a_reply_that_begins_before_its_file_is_there_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    talk = said("Hello")
    journal = FileJournal(at(path))
    journal.partial(reply_to(talk.tree.head, "p1"), "from the ")
    journal.append(*whole(talk))
    journal.partial(reply_to(talk.tree.head, "p1"), "beginning")
    journal.close()
    _, talk, _ = FileJournal.open(path)
    replies = [node.content for node in talk.tree.nodes() if node.role == "assistant"]
    assert "from the " in replies or "from the beginning" in replies


def test_an_optional_field_that_is_wrong_costs_no_more_than_itself(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    written(path, said("Hello")).close()
    spoiled = json.loads(path.read_text())
    spoiled[1] |= {"usage": {"prompt_tokens": -1, "completion_tokens": 2}, "model": 7, "time": None}
    path.write_text("[\n" + ",\n".join(json.dumps(each) for each in spoiled) + "\n]\n")
    assert contents(path) == ["Hello"]


def test_a_write_that_somebody_breaks_off_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.json"
    journal = written(path, said("Hello"))

    def interrupted(_fd: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as impatient:
        impatient.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            journal.append(Noted("title", "one"))
    journal.append(Noted("title", "one"))
    journal.close()
    assert json.loads(path.read_text())[-1] == {"title": "one"}
    assert path.read_text().count("title") == 1

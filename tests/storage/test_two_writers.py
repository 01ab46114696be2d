"""Two processes that want one session: nothing is lost or mixed, and the second is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import pytest

from chatcli.conversation.messages import Message, Node, now
from chatcli.conversation.records import Header, Noted
from chatcli.errors import SessionInUse, StorageError
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.library import Library
from chatcli.storage.opening import open_stored
from tests.support.racing import (
    APPENDS,
    Outcome,
    create_the_same,
    create_without_a_name,
    race,
    write_to_the_same,
)

ROUNDS = 100
HOLD = """
import sys, time
from pathlib import Path
from chatcli.storage.journal import FileJournal
journal, _, _ = FileJournal.open(Path(sys.argv[1]))
print("open", flush=True)
time.sleep(60)
"""


def begin(path: Path, text: str = "Hello") -> None:
    journal = FileJournal(at(path))
    said = Node("first", None, Message("user", text), now())
    journal.append(Header("01K", now()), said)
    journal.close()


def ids(path: Path) -> list[str]:
    """The messages of a file in order, which is valid JSON and holds each message whole."""
    messages = [record for record in json.loads(path.read_bytes()) if "role" in record]
    for message in messages:
        words = message["content"].split(" ")
        assert message["content"] == f"{words[0]} {words[1]} " * (len(words) // 2)
    return [str(message["id"]) for message in messages]


def by_round(outcomes: list[Outcome]) -> list[list[Outcome]]:
    rounds = defaultdict(list)
    for outcome in outcomes:
        rounds[outcome.round].append(outcome)
    return [*rounds.values()]


def test_a_hundred_races_for_one_session_lose_and_mix_nothing(quick_folder: Path) -> None:
    begin(quick_folder / "shared.json", "to begin ")
    outcomes = race(write_to_the_same, quick_folder, ROUNDS)

    found = {path: ids(path) for path in quick_folder.glob("*.json")}
    shared = found.pop(quick_folder / "shared.json")
    stored = [outcome for outcome in outcomes if outcome.stored]
    copied = [outcome for outcome in outcomes if not outcome.stored]
    assert sorted(shared) == sorted(["first", *(name for o in stored for name in o.wrote)])
    assert all(len(outcome.wrote) == APPENDS for outcome in outcomes)
    for outcome in stored:
        at = shared.index(outcome.wrote[0])
        assert tuple(shared[at : at + APPENDS]) == outcome.wrote, "one writer at a time"
    assert sorted(outcome.wrote for outcome in copied) == sorted(
        tuple(names[-APPENDS:]) for names in found.values()
    )
    assert {name for names in found.values() for name in names[:-APPENDS]} <= set(shared)
    assert all(len(each) == 2 and any(o.stored for o in each) for each in by_round(outcomes))
    assert len(copied) > ROUNDS // 10, "they did meet"
    for outcome in copied:
        assert any("another chatcli" in line for line in outcome.told)
        assert not any("\n" in line for line in outcome.told)
    assert [path.name for path in quick_folder.iterdir() if path.suffix != ".json"] == []


def test_of_two_who_make_the_same_session_one_is_told(quick_folder: Path) -> None:
    outcomes = race(create_the_same, quick_folder, ROUNDS)
    written = [tuple(ids(path)) for path in quick_folder.glob("*.json")]
    assert sorted(written) == sorted(outcome.wrote for outcome in outcomes if outcome.wrote)
    for both in by_round(outcomes):
        first, second = sorted(both, key=lambda outcome: bool(outcome.told))
        assert first.stored
        assert first.told == ()
        assert len(second.told) == 1
        assert ids(quick_folder / f"new {first.round}.json") == [*first.wrote]
    assert [path.name for path in quick_folder.iterdir() if path.suffix != ".json"] == []


def test_two_who_begin_with_the_same_words_get_a_file_each(quick_folder: Path) -> None:
    outcomes = race(create_without_a_name, quick_folder, ROUNDS)
    assert all(outcome.stored for outcome in outcomes)
    written = [tuple(ids(path)) for path in quick_folder.glob("*.json")]
    assert sorted(written) == sorted(outcome.wrote for outcome in outcomes)


def test_the_second_reads_what_the_first_has_said_so_far(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    begin(path)
    first, _, _ = FileJournal.open(path)
    first.append(Noted("title", "said meanwhile"))
    before = path.read_bytes()
    second = open_stored(Library(tmp_path), path)
    assert [node.content for node in second.conversation.tree.nodes()] == ["Hello"]
    assert len(second.told) == 1
    assert not second.stored
    second.journal.append(second.conversation.header, Noted("title", "a fork"))
    second.journal.close()
    assert path.read_bytes() == before
    first.append(Noted("title", "still mine"))
    first.close()
    assert json.loads(path.read_text())[-1] == {"title": "still mine"}


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_whose_owner_is_dead_is_taken_over(tmp_path: Path, ending: signal.Signals) -> None:
    path = tmp_path / "mine.json"
    begin(path)
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(SessionInUse):
            FileJournal.open(path)
        owner.send_signal(ending)
        owner.wait()
    check_it_opens(path)


@pytest.mark.parametrize("left", [b"", b"4194303", b"\0\xff" * 40])
def test_a_lock_file_that_nobody_holds_is_no_lock(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "mine.json"
    begin(path)
    (tmp_path / "mine.json.lock").write_bytes(left)
    check_it_opens(path)


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_rename_that_a_crash_cut_in_two_mixes_nothing(tmp_path: Path) -> None:
    """The file has both names then; whatever two chats are told to have kept, is kept."""
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    begin(old)
    new.hardlink_to(old)
    journals = []
    for path in (old, new):
        with suppress(StorageError):
            journals.append(FileJournal.open(path)[0])
    kept = []
    for number in range(20):
        with suppress(StorageError):
            journals[number % len(journals)].append(Noted("title", f"title {number}"))
            kept.append(f"title {number}")
    for journal in journals:
        journal.close()
    titles = {r.get("title") for path in (old, new) for r in json.loads(path.read_bytes())}
    assert kept
    assert set(kept) <= titles


def check_it_opens(path: Path) -> None:
    journal, _, told = FileJournal.open(path)
    assert told == []
    journal.append(Noted("title", "taken over"))
    journal.close()
    assert json.loads(path.read_text())[-1] == {"title": "taken over"}
    assert [each.name for each in path.parent.iterdir()] == [path.name]

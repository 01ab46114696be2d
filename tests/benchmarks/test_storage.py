"""What a long session costs: a turn no more than in a short one, and opening it next to nothing."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.conversation.records import Conversation, Header, Moved, whole
from chatcli.conversation.tree import Tree
from chatcli.storage import wire
from chatcli.storage.journal import FileJournal
from chatcli.storage.partial import PartialFile, partial_beside

CHUNKS = 20_000
SHORT, LONG = 10, 10_000
SENTENCE = "It depends on what one means by »long«: some say a page, others a book. "
MEMORY = Path("/dev/shm")


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on the disk, and one where no disk hides what the program itself costs."""
    if request.param == "disk":
        yield tmp_path
        return
    if not MEMORY.is_dir():
        pytest.skip("there is no file system in memory")
    place = Path(tempfile.mkdtemp(dir=MEMORY))
    yield place
    shutil.rmtree(place)


def stored(path: Path, messages: int) -> Path:
    """Write a session of questions and replies, half a kilobyte a record."""
    head: Node | None = None
    for number in range(messages):
        role, finish = ("assistant", "stop") if number % 2 else ("user", None)
        text = f"{number}. {SENTENCE * 6}"
        message = Message(role, text)  # type: ignore[arg-type]  # mypy widens the pair to str
        head = Node(new_id(), head, message, now(), finish=finish)
    talk = Conversation(Header("01K", now()), Tree({"main": head}))
    path.write_bytes(wire.document(map(wire.encode, whole(talk))))
    return path


class Chat:
    """A session that is open, without its model."""

    def __init__(self, path: Path) -> None:
        self.journal, talk, _ = FileJournal.open(path)
        self.tree = talk.tree

    def turn(self) -> float:
        """Keep a question and its reply as a session does, and return the seconds it took."""
        began = time.perf_counter()
        question = trees.say(self.tree, Message("user", SENTENCE))
        self.tree = trees.add(self.tree, question)
        self.journal.append(question)
        reply = Node(new_id(), question, Message("assistant", SENTENCE), now(), finish="stop")
        self.tree = trees.add(self.tree, reply)
        self.journal.append(reply, Moved(self.tree.branch, reply))
        return time.perf_counter() - began


def seconds_to_open(path: Path) -> float:
    began = time.perf_counter()
    journal, _, _ = FileJournal.open(path)
    journal.close()
    return time.perf_counter() - began


def test_a_turn_costs_no_more_in_a_session_of_ten_thousand_messages(folder: Path) -> None:
    short, long = (Chat(stored(folder / f"{size}.json", size)) for size in (SHORT, LONG))
    times = [(short.turn(), long.turn()) for _ in range(41)]
    short.journal.close()
    long.journal.close()
    floor, ours = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"\na turn: {floor * 1000:.2f} ms after {SHORT}, {ours / floor:.2f} × after {LONG}")
    assert ours < 1.5 * floor


def test_ten_thousand_messages_open_in_less_than_a_third_of_a_second(tmp_path: Path) -> None:
    empty, long = (stored(tmp_path / f"{size}.json", size) for size in (0, LONG))
    assert long.stat().st_size > 5_000_000
    seconds_to_open(empty)
    times = [(seconds_to_open(empty), seconds_to_open(long)) for _ in range(7)]
    floor, ours = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"\n{LONG} messages open in {ours:.3f} s, an empty session in {floor:.3f} s")
    assert ours - floor < 0.3


def test_keeping_a_reply_costs_what_its_length_says(folder: Path) -> None:
    # What is quadratic costs three times as much in each round; a disturbed round says nothing.
    ratios = [second_half_of_a_reply(folder / f"{number}.json") for number in range(5)]
    print(f"\n{CHUNKS} pieces: the second half costs {min(ratios):.2f} × the first")
    assert min(ratios) < 1.5
    assert partial_beside(folder / "0.json").stat().st_size < 1.5 * CHUNKS * len(" word")


def second_half_of_a_reply(path: Path) -> float:
    """Return what keeping the second half of a long reply costs, by the first half."""
    parts = 10
    question = Node(new_id(), None, Message("user", "Tell me all."), now())
    reply = Node(new_id(), question, Message("assistant", ""), "")
    kept = PartialFile(lambda: path)
    # The program's own time: what the disk takes for a write is not ours.
    marks = [time.process_time()]
    for _ in range(parts):
        for number in range(CHUNKS // parts):
            kept.add(reply, " word")
            if number % 50 == 0:
                kept.flush()
        marks.append(time.process_time())
    kept.close()
    seconds = [after - before for before, after in pairwise(marks)]
    return statistics.median(seconds[5:]) / statistics.median(seconds[:5])

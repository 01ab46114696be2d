"""Two processes that want the same session at the same moment, round after round."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.conversation.ports import Journal
from chatcli.conversation.records import Conversation, Header, Moved, Record, whole
from chatcli.conversation.tree import Tree
from chatcli.errors import StorageError
from chatcli.storage.ids import new_session_id
from chatcli.storage.library import Library
from chatcli.storage.opening import new_journal, open_stored

PATIENCE = 30.0
APPENDS = 3


@dataclass(frozen=True)
class Outcome:
    """What one of the two did in one round: the ids that it wrote, or why it could not.

    `stored` says that it had the session itself, `told` what it was told where it had not.
    """

    round: int
    writer: str
    wrote: tuple[str, ...]
    stored: bool
    told: tuple[str, ...]


Act = Callable[[Library, str, int, random.Random], Outcome]


def race(act: Act, folder: Path, rounds: int) -> list[Outcome]:
    """Have two processes do `act` in each round, both beginning at the same moment."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    outcomes: Queue[list[Outcome]] = context.Queue()
    writers = [
        context.Process(target=_run, args=(act, folder, rounds, writer, barrier, outcomes))
        for writer in ("one", "two")
    ]
    for writer in writers:
        writer.start()
    found = [*outcomes.get(timeout=PATIENCE), *outcomes.get(timeout=PATIENCE)]
    for writer in writers:
        writer.join(PATIENCE)
        assert writer.exitcode == 0
    return found


def _run(
    act: Act,
    folder: Path,
    rounds: int,
    writer: str,
    barrier: Barrier,
    outcomes: Queue[list[Outcome]],
) -> None:
    dice = random.Random(writer)
    library = Library(folder)
    done = []
    for number in range(rounds):
        barrier.wait(PATIENCE)
        done.append(act(library, writer, number, dice))
    outcomes.put(done)


def write_to_the_same(library: Library, writer: str, number: int, dice: random.Random) -> Outcome:
    """Open the session `shared` and say a few things in it, or in the copy that one gets."""
    opened = open_stored(library, library.path("shared"))
    _pause(dice)
    talk = opened.conversation
    records = [] if opened.stored else whole(talk)
    wrote, told = _say(opened.journal, talk, f"{writer} {number}", dice, records)
    opened.journal.close()
    return Outcome(number, writer, wrote, opened.stored, opened.told + told)


def create_the_same(library: Library, writer: str, number: int, dice: random.Random) -> Outcome:
    """Begin a session of a name that the other one wants as well."""
    return _create(library, writer, number, dice, f"new {number}")


def create_without_a_name(
    library: Library, writer: str, number: int, dice: random.Random
) -> Outcome:
    """Begin a session whose name comes from its first words, which are the other one's too."""
    return _create(library, writer, number, dice, None)


def _create(
    library: Library, writer: str, number: int, dice: random.Random, name: str | None
) -> Outcome:
    talk = Conversation(Header(new_session_id(), now()), Tree())
    try:
        journal = new_journal(library, name)
        wrote, told = _say(journal, talk, f"hello {number}", dice, [talk.header])
    except StorageError as error:
        return Outcome(number, writer, (), False, (str(error),))
    journal.close()
    return Outcome(number, writer, wrote, True, told)


def _say(
    journal: Journal, talk: Conversation, text: str, dice: random.Random, records: list[Record]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Append a few messages; returns their ids, and what was told meanwhile."""
    head = talk.tree.head
    wrote: list[str] = []
    told: list[str] = []
    for _ in range(APPENDS):
        # Long enough that a write of one could be seen half done by the other.
        said = Message("user", f"{text} " * dice.randrange(1, 400))
        head = Node(new_id(), head, said, now())
        told += journal.append(*records, head, Moved(talk.tree.branch, head))
        records = []
        wrote.append(head.id)
    return tuple(wrote), tuple(told)


def _pause(dice: random.Random) -> None:
    time.sleep(dice.choice((0, 0, 0.001, 0.004)))

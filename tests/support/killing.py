"""Real chats that are killed at random moments, and a book of what each of them had promised.

    tally = kill_chats(50, folder, seed=1)
    assert not tally.losses

Each session is killed several times and goes on from what the last kill left, so that damage would
add up.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from chatcli.storage.library import Library
from tests.support.piped import PipedChat, wait
from tests.support.promises import Promises, losses, note, reply_to
from tests.support.protocol import Messages
from tests.support.server import ChatServer

MOVES = ("/branch", "/undo", "/clear", "/retry", "/switch main", "/redo")


@dataclass
class Tally:
    """How many kills there were, when, what was promised in them, and what of it was lost."""

    runs: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    promised: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.runs += other.runs
        self.moments += other.moments
        self.promised += other.promised
        self.losses += other.losses


@dataclass(frozen=True)
class Round:
    """One process in one session: what it is asked, and what goes on while its killer waits."""

    chat: PipedChat
    server: ChatServer
    path: Path
    asked_before: int
    size_before: int
    questions: Sequence[str]
    dice: random.Random

    def sleep(self, longest: float) -> None:
        time.sleep(self.dice.uniform(0, longest))


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


# The moments at which a chat is killed


def while_it_starts(game: Round) -> None:
    game.sleep(0.7)


def as_the_file_is_written(game: Round) -> None:
    wait(lambda: size_of(game.path) != game.size_before or game.chat.ended)
    game.sleep(0.003)


def as_the_question_leaves(game: Round) -> None:
    wait(lambda: len(game.server.requests) > game.asked_before or game.chat.ended)
    game.sleep(0.005)


def amid_a_reply(game: Round) -> None:
    wait(lambda: f"[{game.questions[1]}]" in game.chat.text() or game.chat.ended)
    game.sleep(1.5)


def as_a_reply_ends(game: Round) -> None:
    ending = reply_to(game.dice.choice(game.questions[:2]))[-12:]
    wait(lambda: ending in game.chat.text() or game.chat.ended)
    game.sleep(0.006)


def amid_a_move(game: Round) -> None:
    whole = reply_to(game.questions[0]) + "\n"
    wait(lambda: whole in game.chat.text() or game.chat.ended)
    game.sleep(0.02)


Moment: TypeAlias = Callable[[Round], None]

MOMENTS: tuple[Moment, ...] = (
    while_it_starts,
    as_the_file_is_written,
    as_the_question_leaves,
    amid_a_reply,
    as_a_reply_ends,
    amid_a_move,
)


def kill_chats(runs: int, folder: Path, *, seed: int, at_once: int = 2) -> Tally:
    """Kill that many chats, `at_once` of them at a time, each lot in a home of its own."""
    shares = [runs // at_once + (number < runs % at_once) for number in range(at_once)]
    with ThreadPoolExecutor(at_once) as pool:
        lots = [
            pool.submit(_kill_in_turn, share, folder / f"home{number}", seed + number)
            for number, share in enumerate(shares)
        ]
    tally = Tally()
    for lot in lots:
        tally.add(lot.result())
    return tally


def _kill_in_turn(runs: int, home: Path, seed: int) -> Tally:
    home.mkdir(parents=True)
    dice = random.Random(seed)
    tally = Tally()
    with ChatServer(delay=0.003, chunk=6) as server:
        server.reply_with(_responder)
        session = 0
        while tally.runs < runs:
            moments = dice.sample(MOMENTS, min(len(MOMENTS), runs - tally.runs))
            tally.add(_kill_session(home, server, f"s{session}", moments, dice))
            session += 1
    return tally


def _responder(messages: Messages) -> str:
    return reply_to(messages[-1]["content"])


def _kill_session(
    home: Path, server: ChatServer, name: str, moments: Sequence[Moment], dice: random.Random
) -> Tally:
    tally = Tally()
    promises = Promises()
    library = Library(home / "chatcli" / "sessions")
    for number, moment in enumerate(moments):
        tally.runs += 1
        tally.moments[moment.__name__] += 1
        where = f"{home.name} {name} kill {number + 1}, {moment.__name__}"
        _kill_once(home, server, name, number, moment, dice, promises)
        # Now and then the next chat has to mend what this one left, and may be killed at that.
        if dice.random() < 0.6 or number == len(moments) - 1:
            lost = losses(library, name, promises)
            tally.losses += [f"{where}: {each}" for each in lost]
    tally.promised["questions"] += len(promises.questions)
    tally.promised["replies"] += len(promises.replies)
    tally.promised["unfinished replies"] += len(promises.begun)
    tally.promised["branches"] += len(promises.branches)
    return tally


def _kill_once(
    home: Path,
    server: ChatServer,
    name: str,
    number: int,
    moment: Moment,
    dice: random.Random,
    promises: Promises,
) -> None:
    questions = [f"{name}.{number}.{each}" for each in range(3)]
    path = home / "chatcli" / "sessions" / f"{name}.json"
    asked_before, size_before = len(server.requests), size_of(path)
    # A start is killed in all its length, with everything that Python has to import.
    chat = PipedChat(home, server, "chat", "-s", name, anew=moment is while_it_starts)
    try:
        for question in questions:
            chat.say(question)
            chat.say(dice.choice(MOVES))
        moment(Round(chat, server, path, asked_before, size_before, questions, dice))
        if chat.ended:
            raise AssertionError(f"the chat ended by itself: {chat.errors()}")
    finally:
        killed_at = chat.kill()
    note(promises, chat, server, f"{name}.", questions, killed_at)

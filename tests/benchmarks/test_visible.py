"""How long text takes from the server to the screen, against a bare loop over the openai client."""

from __future__ import annotations

import queue
import statistics
import sys
import threading
import time
from pathlib import Path

from tests.benchmarks.test_typing import Typist, typing_into
from tests.support.exchange import Exchange
from tests.support.mischief import Fault
from tests.support.program import chatcli_argv, clean_env
from tests.support.protocol import Reply, whole
from tests.support.server import ChatServer

FLOOR = """
import openai
stream = openai.OpenAI().chat.completions.create(
    model="test-model", messages=[{"role": "user", "content": "go"}], stream=True
)
print("❯ ", flush=True)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
"""
WITHIN = 0.1
"""Seconds in which what has come is to be seen."""

WORDS = 40
MOST_ROUNDS = 4
WARM = 3  # seconds that what is imported in the background takes
FIRST_LETTER = 0x100
# What stands before each word puts it into prose, a list, a table, and code by turns.
PLACES = ("", "\n\n- ", "\n\n| a | b |\n| --- | --- |\n| ", "\n\n```python\nx = ", "\n```\n\n## ")


def words() -> list[str]:
    """Return the deltas, each with a word that none before it has."""
    return [
        PLACES[number // 8 % len(PLACES) if number % 8 == 0 else 0]
        + f"{chr(FIRST_LETTER + number) * 3} "
        for number in range(WORDS)
    ]


class Sender:
    """Sends one delta after the other, each when the last one was seen."""

    def __init__(self) -> None:
        self._sent: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._seen = threading.Semaphore(0)

    def fault(self) -> Fault:
        return Fault("patient", "each delta waits", self._send, Reply(tuple(words())))

    def times(self, typist: Typist) -> list[float]:
        """Return the seconds that each delta took to the screen."""
        took = []
        for number in range(WORDS):
            began = self._sent.get(timeout=20)
            took.append(typist.wait_for(chr(FIRST_LETTER + number)) - began)
            self._seen.release()
        return took

    def _send(self, exchange: Exchange) -> None:
        exchange.wire.head_of_frames()
        for piece in whole(exchange.chunks()):
            exchange.wire.frame(piece)
            if b'"content":"' in piece and b'"content":""' not in piece:
                self._sent.put(time.perf_counter())
                self._seen.acquire(timeout=20)
        exchange.wire.end()


def round_of(argv: list[str], env: dict[str, str], home: Path, server: ChatServer) -> list[float]:
    sender = Sender()
    server.fail_next(sender.fault())
    with typing_into(argv, env, home) as typist:
        if argv[1] != "-c":
            time.sleep(WARM)
            typist.send(b"go\r")
        return sender.times(typist)


def test_what_has_come_is_seen_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    medians, worsts = [], []
    with ChatServer() as server:
        env = clean_env(
            tmp_path,
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="sk-test",
            CHATCLI_MODEL="test-model",
            PYTHONIOENCODING="utf-8",
        )
        floor = round_of([sys.executable, "-c", FLOOR], env, tmp_path, server)
        for _ in range(MOST_ROUNDS):
            took = round_of(chatcli_argv("chat"), env, tmp_path, server)
            medians.append(statistics.median(took))
            worsts.append(max(took))
            if medians[-1] < WITHIN and worsts[-1] < WITHIN:
                break
    bare, slowest = statistics.median(floor), max(floor)
    print(
        f"\na bare loop: {bare * 1000:.1f} ms, at worst {slowest * 1000:.1f}"
        f"\nchatcli: {min(medians) * 1000:.1f} ms, at worst {min(worsts) * 1000:.1f}"
    )
    # On a machine that is busy with other things, no program is as quick as that.
    assert min(medians) < WITHIN + bare
    assert min(worsts) < WITHIN + slowest

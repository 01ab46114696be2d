"""A reply on the screen while it comes: in small and large windows, in one that is resized, slowly.

Two readers look at it. pyte, like xterm, cuts the rows that are too long for a narrower window;
tmux folds them, like most others. For both each line is there once. What no program can mend: a
window that becomes so small that what is open has no room in it pushes rows of that out.
"""

from __future__ import annotations

import fcntl
import os
import pty
import queue
import random
import re
import select
import statistics
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from chatcli.terminal.markdown import render
from chatcli.terminal.sanitize import clean
from tests.support.display import Display
from tests.support.exchange import Exchange
from tests.support.mischief import Fault
from tests.support.program import chatcli_argv, clean_env
from tests.support.protocol import Reply, whole
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.support.tmux import Tmux, needs_tmux
from tests.terminal.corpus import DOCUMENTS

TOKEN = re.compile(r"<\d+>")
WIDTHS = (40, 80, 200)
SIZES = [(24, 80), (24, 50), (14, 50), (14, 90), (40, 90), (24, 45), (24, 80)]


def surroundings(home: Path, server: ChatServer, **more: str) -> dict[str, str]:
    return clean_env(
        home,
        OPENAI_BASE_URL=server.url,
        OPENAI_API_KEY="sk-test",
        CHATCLI_MODEL="test-model",
        **more,
    )


def numbered(paragraphs: int, words: int = 30) -> str:
    """Return Markdown in which each word is another: paragraphs, lists and code by turns."""
    count = iter(range(10**6))

    def some(number: int) -> Iterator[str]:
        return (f"word`<{next(count)}>`" for _ in range(number))

    blocks = []
    for number in range(paragraphs):
        blocks.append(" ".join(some(words)))
        blocks.append("\n".join(f"- {' '.join(some(3))}" for _ in range(4)))
        code = "\n".join(f"print(<{next(count)}>)" for _ in range(5 + number % 3))
        blocks.append(f"```python\n{code}\n```")
    return "\n\n".join(blocks)


def assert_each_once(shown: str, reply: str) -> None:
    """Each numbered word of the reply is on the screen once, and in its order."""
    seen, said = TOKEN.findall(shown), TOKEN.findall(reply)
    twice = sorted({token for token in seen if seen.count(token) > 1})
    missing = [token for token in said if token not in set(seen)]
    assert (twice, missing) == ([], []), shown
    assert seen == said


@pytest.mark.parametrize("rows", [10, 24, 60])
def test_each_line_is_there_once_at_any_height(
    tmp_path: Path, chat_server: ChatServer, rows: int
) -> None:
    reply = numbered(8)
    chat_server.delay = 0.002
    chat_server.chunk = 12
    chat_server.reply_with(reply)
    env = surroundings(tmp_path, chat_server)
    with Terminal(chatcli_argv("chat", "go"), env=env, cwd=tmp_path, rows=rows) as terminal:
        terminal.wait_for("tokens/s", timeout=30)
        terminal.wait_for_prompt()
        assert_each_once(terminal.transcript(), reply)


def resized(window: Terminal | Tmux, last: str) -> None:
    """Resize a window again and again until the reply is nearly over, then wait for its end."""
    for at, (rows, cols) in enumerate(SIZES * 2):
        window.resize(rows, cols)
        # Both one at a time and several while the program has not heard of the first.
        time.sleep(0.1 if at % 3 else 0.6)
    window.wait_for(last)
    window.wait_for("tokens/s")


@needs_tmux
def test_each_line_is_there_once_in_a_tmux_that_is_resized(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    reply = numbered(12)
    chat_server.delay = 0.01
    chat_server.chunk = 12
    chat_server.reply_with(reply)
    env = surroundings(tmp_path, chat_server)
    with Tmux(chatcli_argv("chat", "go"), env=env, cwd=tmp_path) as window:
        window.wait_for("<40>")
        resized(window, TOKEN.findall(reply)[-1])
        assert_each_once(window.transcript(), reply)


def test_each_line_is_there_once_where_a_narrow_window_cuts_what_is_too_long(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    reply = numbered(12)
    chat_server.delay = 0.01
    chat_server.chunk = 12
    chat_server.reply_with(reply)
    env = surroundings(tmp_path, chat_server)
    with Terminal(chatcli_argv("chat", "go"), env=env, cwd=tmp_path) as window:
        window.wait_for("<40>")
        resized(window, TOKEN.findall(reply)[-1])
        seen = TOKEN.findall(window.transcript())
    numbers = [int(token[1:-1]) for token in seen]
    assert all(first < second for first, second in pairwise(numbers)), "twice, or out of order"
    short = re.findall(r"(?:- |print\().*", reply)
    wanted = {token for line in short for token in TOKEN.findall(line)}
    assert wanted <= set(seen), "a line that no window was too narrow for is missing"


@pytest.mark.parametrize("cols", WIDTHS)
def test_the_screen_shows_what_the_whole_reply_laid_out_at_once_shows(
    tmp_path: Path, chat_server: ChatServer, cols: int
) -> None:
    # Each document at one width, to be done in time; at all widths they are in test_markdown.py.
    documents = [document for document in DOCUMENTS if document.strip()][WIDTHS.index(cols) :: 3]
    dice = random.Random(cols)
    chat_server.reply_with(*(Reply(tuple(pieces(document, dice))) for document in documents))
    env = surroundings(tmp_path, chat_server)
    with Terminal(chatcli_argv("chat"), env=env, cwd=tmp_path, cols=cols) as terminal:
        for number in range(len(documents)):
            terminal.wait_for_prompt()
            terminal.type(f"ask {number}").key("enter")
            terminal.wait_for(re.compile(rf"❯ ask {number}\n(?:.*\n)*?.*tokens/s"))
        shown = terminal.transcript()
    turns = re.split(r"❯ ask \d+\n", shown)[1:]
    for document, turn in zip(documents, turns, strict=True):
        assert turn.split("tokens/s")[0].rpartition("\n\n")[0].strip("\n") == at_once(
            document, cols
        )


def pieces(document: str, dice: random.Random) -> Iterator[str]:
    """Cut a text at random."""
    at = 0
    while at < len(document):
        size = dice.randint(1, 12)
        yield document[at : at + size]
        at += size


def at_once(document: str, cols: int) -> str:
    """Return what a terminal shows of a reply that is laid out and written in one go."""
    display = Display(400, cols, answer=lambda _text: None)
    display.feed(render(clean(document), cols).replace("\n", "\r\n").encode())
    return "\n".join(display.rows()).strip("\n")


SHOWN_WITHIN = 0.4
"""Seconds; a quiet machine shows what has come in an eighth of that."""

ARRIVING = [  # what comes, and what is to be seen of it before any more comes
    ("Some wor", "Some wor"),
    ("ds.\n\n```python\nfirst = 1\n", "first = 1"),
    ("second = ", "second ="),
    ("2\nthi", "second = 2\nthi"),
    ("rd = 3\n```\n\n- it", "• it"),
    ("em\n- next", "• next"),
    ("\n\n| name | value |\n|", "name"),
    (" --- | --- |\n| cell", "cell"),
    (" | 1 |\n\n## Tit", "Tit"),
    ("le\n> quo", "quo"),
]


def test_what_has_come_is_shown_before_more_comes(tmp_path: Path, chat_server: ChatServer) -> None:
    seen = threading.Semaphore(0)
    sent: queue.SimpleQueue[float] = queue.SimpleQueue()

    def one_by_one(exchange: Exchange) -> None:
        exchange.wire.head_of_frames()
        for piece in whole(exchange.chunks()):
            exchange.wire.frame(piece)
            if b'"content":"' in piece and b'"content":""' not in piece:
                sent.put(time.monotonic())
                seen.acquire(timeout=20)
        exchange.wire.end()

    reply = Reply(tuple(piece for piece, _ in ARRIVING))
    env = surroundings(tmp_path, chat_server)
    took = []
    with Terminal(chatcli_argv("chat", "first"), env=env, cwd=tmp_path, rows=50) as terminal:
        # The first turn also waits for what is imported once.
        terminal.wait_for("tokens/s")
        terminal.wait_for_prompt()
        chat_server.fail_next(Fault("patient", "each delta waits", one_by_one, reply))
        terminal.type("go").key("enter")
        for _, wanted in ARRIVING:
            at = sent.get(timeout=20)
            terminal.wait_for(wanted)
            took.append(time.monotonic() - at)
            seen.release()
    # A machine that is busy with other things holds one or two of them up.
    assert statistics.median(took) < SHOWN_WITHIN, took


SLOWLY = 2048  # bytes a second
ECHOED_WITHIN = 6.0
"""Seconds: what the system keeps for such a reader, about 8 KB, may be before the echo."""


def test_a_reader_of_two_kilobytes_a_second_misses_nothing_and_sees_what_it_types(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    reply = numbered(3, words=15)
    chat_server.delay = 0.02
    chat_server.chunk = 12
    chat_server.reply_with(reply)
    env = surroundings(tmp_path, chat_server)
    with SlowTerminal(chatcli_argv("chat", "go"), env, tmp_path) as terminal:
        terminal.wait_for("<5>")
        took = []
        for letter in "ÀÈÌÒÙ":
            began = time.monotonic()
            terminal.type(letter)
            terminal.wait_for(letter)
            took.append(time.monotonic() - began)
        terminal.wait_for("tokens/s", timeout=60)
        assert max(took) < ECHOED_WITHIN, took
        assert_each_once(terminal.transcript(), reply)


class SlowTerminal:
    """A pty whose reader takes `SLOWLY` bytes a second, as over a bad line."""

    def __init__(self, argv: list[str], env: dict[str, str], home: Path) -> None:
        self._fd, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._child = subprocess.Popen(
            argv, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=home, process_group=0
        )
        os.close(theirs)
        self._display = Display(24, 80, answer=lambda _text: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.kill()
        self._child.wait()
        os.close(self._fd)

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def transcript(self) -> str:
        return "\n".join([*self._display.scrollback(), *self._display.rows()])

    def wait_for(self, wanted: str, timeout: float = 30) -> None:
        """Read on until a text is there."""
        deadline = time.monotonic() + timeout
        while wanted not in self.transcript():
            assert time.monotonic() < deadline, f"no {wanted!r}:\n{self.transcript()}"
            ready, _, _ = select.select([self._fd], [], [], 0.05)
            if ready:
                self._display.feed(os.read(self._fd, SLOWLY // 20))
            time.sleep(0.05)


@needs_tmux
def test_what_is_being_typed_is_there_once_in_a_tmux_that_is_resized(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    env = surroundings(tmp_path, chat_server)
    typed = " ".join(f"<{number}>" for number in range(30))
    with Tmux(chatcli_argv("chat", "go"), env=env, cwd=tmp_path) as window:
        window.wait_for("tokens/s")
        window.type(typed)
        window.wait_for("<29>")
        for rows, cols in [(24, 47), (24, 90), (16, 60), (24, 50)]:
            window.resize(rows, cols)
            time.sleep(0.5)
        shown = window.transcript()
    assert "".join(shown.split()).count("".join(typed.split())) == 1, shown
    assert shown.count("<29>") == 1
    assert shown.count("Echo: go") == 1
    assert shown.count(" · main · ") == 1, "the toolbar"

"""The terminal harness runs real programs and sees what a person would."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.support.keys import sequence
from tests.support.program import clean_env
from tests.support.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")

# Says each piece of input that it reads, in a terminal that hands on single keys.
KEYS = """
import os, sys, tty
tty.setraw(0)
print("ready", end="\\r\\n", flush=True)
while (data := os.read(0, 1000)) != b"q":
    print(data, end="\\r\\n", flush=True)
"""

CHAT = """
from prompt_toolkit import PromptSession
session = PromptSession("❯ ", bottom_toolbar=lambda: "TOOLBAR")
while True:
    try:
        text = session.prompt()
    except EOFError:
        break
    print("You said", repr(text))
"""


def python(
    code: str, tmp_path: Path, *, rows: int = 24, cols: int = 80, mute: bool = False
) -> Terminal:
    argv = [sys.executable, "-c", code]
    return Terminal(argv, env=clean_env(tmp_path), cwd=tmp_path, rows=rows, cols=cols, mute=mute)


def test_a_program_is_seen_until_it_ends(tmp_path: Path) -> None:
    with python("print('\\x1b[1mHello\\x1b[0m'); print('World'); exit(3)", tmp_path) as terminal:
        assert terminal.wait_exit() == 3
        assert terminal.screen() == "Hello\nWorld"
        assert terminal.raw == b"\x1b[1mHello\x1b[0m\r\nWorld\r\n"
        assert terminal.exitstatus == 3


def test_a_program_on_it_is_on_a_terminal_of_that_size(tmp_path: Path) -> None:
    code = "import os, sys; print(os.get_terminal_size(), sys.stdin.isatty()); print(os.getcwd())"
    with python(code, tmp_path, rows=10, cols=200) as terminal:
        terminal.wait_for("terminal_size(columns=200, lines=10) True")
        terminal.wait_for(str(tmp_path))


def test_a_program_is_told_that_the_window_has_another_size(tmp_path: Path) -> None:
    code = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])
print("go", flush=True)
signal.sigwait([signal.SIGWINCH])
print(os.get_terminal_size())
"""
    with python(code, tmp_path) as terminal:
        terminal.wait_for("go")
        terminal.resize(12, 40)
        terminal.wait_for("columns=40, lines=12")


@pytest.mark.parametrize(("mute", "answer"), [(False, r"b'\x1b[1;1R'"), (True, "silence")])
def test_a_terminal_answers_unless_it_is_mute(tmp_path: Path, mute: bool, answer: str) -> None:
    code = """
import os, select, tty
tty.setraw(0)
os.write(1, b"\x1b]2;My title\x07\x1b[6n")
print(os.read(0, 99) if select.select([0], [], [], 0.3)[0] else "silence", flush=True)
"""
    with python(code, tmp_path, mute=mute) as terminal:
        terminal.wait_for(answer)
        assert terminal.title == "My title"


def test_what_is_typed_is_read(tmp_path: Path) -> None:
    with python("print('Hello', input('Name? '))", tmp_path) as terminal:
        terminal.wait_for("Name?")
        assert terminal.cursor == (0, 6)
        terminal.type("Zoë 漢").key("enter")
        assert terminal.wait_for(re.compile(r"Hello .*")) == "Hello Zoë 漢"


def test_keys_have_their_sequences(tmp_path: Path) -> None:
    with python(KEYS, tmp_path) as terminal:
        terminal.wait_for("ready")
        for name in ("up", "ctrl-c", "alt-enter", "esc", "shift-tab"):
            terminal.key(name)
            terminal.wait_for(str(sequence(name).encode()))
        terminal.key("q")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize(
    ("name", "sent"),
    [("ctrl-d", "\x04"), ("alt-b", "\x1bb"), ("x", "x"), ("tab", "\t"), ("f4", "\x1bOS")],
)
def test_a_key_is_named_by_what_is_written_on_it(name: str, sent: str) -> None:
    assert sequence(name) == sent


@pytest.mark.parametrize("name", ["entre", "ctrl-", "ctrl-é", "alt-", ""])
def test_an_unknown_key_is_a_mistake_of_the_test(name: str) -> None:
    with pytest.raises(ValueError, match="no key is called"):
        sequence(name)


def test_control_c_interrupts(tmp_path: Path) -> None:
    with python("print('go', flush=True); import time; time.sleep(60)", tmp_path) as terminal:
        terminal.wait_for("go")
        terminal.key("ctrl-c")
        assert terminal.wait_exit() == -signal.SIGINT
        assert "KeyboardInterrupt" in terminal.transcript()


def test_a_paste_is_marked_only_for_programs_that_want_it(tmp_path: Path) -> None:
    with python(KEYS, tmp_path) as terminal:
        terminal.wait_for("ready")
        terminal.paste("a\nb")
        terminal.wait_for(r"b'a\rb'")
    with python("print('\\x1b[?2004h', end='')" + KEYS, tmp_path) as terminal:
        terminal.wait_for("ready")
        terminal.paste("a\r\nb")
        terminal.wait_for(r"b'\x1b[200~a\rb\x1b[201~'")


def test_scrollback_is_searched_and_the_screen_is_what_is_left(tmp_path: Path) -> None:
    with python("for n in range(100): print('line', n)", tmp_path, rows=5) as terminal:
        terminal.wait_exit()
        terminal.wait_for("line 0\n")
        assert terminal.screen().splitlines() == [f"line {n}" for n in (96, 97, 98, 99)]
        assert terminal.transcript().splitlines() == [f"line {n}" for n in range(100)]


def test_a_wait_that_fails_shows_the_screen(tmp_path: Path) -> None:
    with python("input('Password: ')", tmp_path) as terminal:
        terminal.wait_for("Password")
        with pytest.raises(AssertionError, match=r"no 'Welcome' after 0\.1 s(.|\n)*│ Password:"):
            terminal.wait_for("Welcome", timeout=0.1)
        with pytest.raises(AssertionError, match=r"no prompt after 0\.1 s"):
            terminal.wait_for_prompt(timeout=0.1)
        with pytest.raises(AssertionError, match=r"did not happen after 0\.1 s"):
            terminal.wait_until(lambda: False, timeout=0.1)
        with pytest.raises(AssertionError, match=r"did not end after 0\.1 s"):
            terminal.wait_exit(timeout=0.1)


def test_a_wait_does_not_outlast_the_program(tmp_path: Path) -> None:
    with python("print('Traceback: oops')", tmp_path) as terminal:
        started = time.monotonic()
        with pytest.raises(AssertionError, match=r"no 'Welcome' at the program's end(.|\n)*oops"):
            terminal.wait_for("Welcome", timeout=60)
        assert time.monotonic() - started < 30


def test_the_program_never_waits_for_the_display(tmp_path: Path) -> None:
    """It writes 2 MB, for which the display takes many seconds, and says when it is done."""
    done = tmp_path / "done"
    code = f"print('\\x1b[31mx\\x1b[0m' * 200_000); open({str(done)!r}, 'w')"
    with python(code, tmp_path) as terminal:
        terminal.wait_until(done.exists)
        assert len(terminal.transcript()) < 200_000


def test_much_can_be_pasted_while_much_is_written(tmp_path: Path) -> None:
    code = KEYS.replace("print(data,", "print(len(data), 'y' * 5000,")

    def counted() -> int:
        return sum(map(int, re.findall(rb"(\d+) y", terminal.raw)))

    with python(code, tmp_path) as terminal:
        terminal.wait_for("ready")
        terminal.paste("x" * 100_000)
        terminal.wait_until(lambda: counted() == 100_000)


def test_closing_ends_a_program_that_ignores_it(tmp_path: Path) -> None:
    code = """
import os, signal, time
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print("pid", os.getpid(), flush=True)
time.sleep(60)
"""
    with python(code, tmp_path) as terminal:
        pid = int(terminal.wait_for(re.compile(r"pid \d+")).split()[1])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    terminal.close()


def test_a_prompt_is_waited_for_and_the_position_of_the_cursor_is_answered(tmp_path: Path) -> None:
    with python(CHAT, tmp_path) as terminal:
        terminal.wait_for_prompt()
        terminal.wait_for("TOOLBAR")
        terminal.type("Hello")
        terminal.wait_for("❯ Hello")
        assert terminal.cursor == (0, 7)
        terminal.key("left", "left", "backspace", "enter")
        terminal.wait_for("You said 'Helo'")
        terminal.wait_for_prompt()
        terminal.key("up")
        terminal.wait_until(lambda: terminal.screen().count("❯ Helo") == 2)
        terminal.key("ctrl-u", "ctrl-d")
        assert terminal.wait_exit() == 0
        assert "doesn't support cursor position requests" not in terminal.transcript()

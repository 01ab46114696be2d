"""What a terminal says of itself is heard, is never a key, and is left to nobody."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.terminal.answers import BACKGROUND, LAST, NAME, Answers
from chatcli.terminal.theme import DARK, LIGHT, theme_on
from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.support.tmux import Tmux, needs_tmux

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the console is not asked")

COLOUR = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\"
OTHER_COLOUR = "\x1b]11;rgb:00/00/00\x07"
NAMED = "\x1bP>|tmux 3.4\x1b\\"
CLOSING = "\x1b[?62;4c"
IN_ORDER = COLOUR + NAMED + CLOSING
MAY_BE_KEYS = ("", "\x1b", "\x1b]", "\x1b]1", "\x1b]11", "\x1bP", "\x1bP>", "\x1b[")
KEYS = st.text(alphabet="ab \r\x1b[A]1;P>?é", max_size=12)


@pytest.mark.parametrize(
    ("background", "theme"),
    [
        ("rgb:ffff/ffff/ffff", LIGHT),
        ("rgb:fd/f6/e3", LIGHT),
        ("rgba:0000/2b2b/3636/ffff", DARK),
        ("rgb:0/0/0", DARK),
        ("#ffffff", None),
        ("", None),
        ("rgb:zz/00/00", None),
    ],
)
def test_a_theme_goes_with_its_background(background: str, theme: object) -> None:
    assert theme_on(background) is theme


class Heard:
    """What is told and what is typed when texts come one after the other."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.keys = ""
        self.now = 0.0
        self.answers = Answers(lambda: self.now)
        self.answers.expect({BACKGROUND: self.told.append, NAME: self.told.append})

    def came(self, *pieces: str, pause: bool = False) -> Heard:
        """Take pieces that come at once, or with a pause after each."""
        for piece in pieces:
            self.keys += self.answers.without(piece)
            if pause:
                self.keys += self.answers.rest()
        return self


@pytest.mark.parametrize("colour", [COLOUR, OTHER_COLOUR])
@pytest.mark.parametrize("pause", [False, True])
def test_answers_that_are_cut_anywhere_never_reach_the_keys(colour: str, pause: bool) -> None:
    text = f"ab{colour}{NAMED}{CLOSING}cd"
    for cut in range(len(text) + 1):
        heard = Heard().came(text[:cut], text[cut:], pause=pause)
        # In a pause, what may be an Esc or a key with Alt is one; what follows it is none.
        assert heard.keys in {f"ab{key}cd" for key in (MAY_BE_KEYS if pause else [""])}, cut
        assert heard.told == [colour[5:].rstrip("\x1b\\\x07"), "tmux 3.4"]
        assert not heard.answers.owed


def test_what_a_terminal_does_not_know_it_does_not_answer_and_nothing_is_owed_then() -> None:
    heard = Heard().came(f"a{CLOSING}b")
    assert (heard.keys, heard.told) == ("ab", [])
    assert not heard.answers.owed


def test_an_answer_that_comes_behind_the_last_one_is_heard_all_the_same() -> None:
    heard = Heard().came(CLOSING, f"a{COLOUR}b")
    assert (heard.keys, heard.told) == ("ab", ["rgb:ffff/ffff/ffff"])


def test_without_a_question_nothing_is_taken_for_an_answer() -> None:
    assert Answers().without(IN_ORDER) == IN_ORDER
    asked = Heard().came(IN_ORDER, IN_ORDER)
    assert asked.keys == IN_ORDER


@settings(deadline=None)
@given(st.lists(KEYS, max_size=4))
def test_keys_come_through_as_they_are(pieces: list[str]) -> None:
    text = "".join(pieces)
    for question in (BACKGROUND, NAME, LAST):
        # What only an answer begins with is held for its end, and nobody types it.
        begins = {BACKGROUND: "\x1b]11;", NAME: "\x1bP>|", LAST: "\x1b[?"}[question]
        text = text.replace(begins, "")
    bounds = [0, *sorted(len(piece) % (len(text) + 1) for piece in pieces), len(text)]
    cut = [text[start:end] for start, end in pairwise(bounds)]
    assert Heard().came(*cut, pause=True).keys == text
    heard = Heard().came(*cut)
    assert heard.keys + heard.answers.rest() == text


def test_what_begins_like_an_answer_and_never_ends_is_held_for_a_moment_only() -> None:
    heard = Heard().came("\x1b]11;rgb", pause=True)
    assert heard.keys == ""
    heard.now += 2
    assert heard.came("typed").keys == "\x1b]11;rgbtyped"


def test_a_key_that_comes_long_after_an_escape_is_not_lost() -> None:
    heard = Heard().came("a\x1b", pause=True)
    heard.now += 2
    assert heard.came("b", "c", "d").keys == "a\x1bbcd"


class FarTerminal(Terminal):
    """A terminal behind a slow line: it answers everything, and in its order, but late."""

    late = 0.12
    answered = 0

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self._in_order = threading.Lock()
        self._on_their_way: deque[str] = deque()
        super().__init__(argv, env=env, cwd=cwd, background="rgb:ffff/ffff/ffff")

    def _answer(self, text: str) -> None:
        self._on_their_way.append(text)
        threading.Timer(self.late, self._answer_first).start()

    def _answer_first(self) -> None:
        with self._in_order:
            super()._answer(self._on_their_way.popleft())
            self.answered += 1


def surroundings(home: Path, server: ChatServer, **env: str) -> dict[str, str]:
    return clean_env(
        home, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="gpt-4o", **env
    )


# What is left in the terminal is what the shell would read.
IN_A_SHELL = ["sh", "-c", '"$@"; read -r left; echo "left<$left>"', "sh"]


def test_who_leaves_before_the_answers_come_leaves_none_of_them_to_the_shell(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    argv = [*IN_A_SHELL, *chatcli_argv("chat")]
    env = surroundings(tmp_path, chat_server)
    with FarTerminal(argv, env=env, cwd=tmp_path) as terminal:
        terminal.wait_for_prompt()
        terminal.key("ctrl-d")
        terminal.wait_until(lambda: terminal.answered == 2)
        terminal.type("mine\r")
        terminal.wait_for("left<mine>")
        assert b"rgb" not in terminal.raw


def test_an_editor_gets_no_answers_either(tmp_path: Path, chat_server: ChatServer) -> None:
    writes = "sh -c 'sleep 0.5; echo edited > $0'"
    env = surroundings(tmp_path, chat_server, EDITOR=writes)
    with FarTerminal(chatcli_argv("chat"), env=env, cwd=tmp_path) as terminal:
        terminal.wait_for_prompt()
        terminal.key("ctrl-x", "ctrl-e")
        terminal.wait_for("❯ edited")
        assert terminal.answered == 2
        assert b"rgb" not in terminal.raw


def test_a_terminal_that_answers_nothing_keeps_nobody_for_long(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    env = surroundings(tmp_path, chat_server)
    with Terminal(chatcli_argv("chat"), env=env, cwd=tmp_path, mute=True) as terminal:
        terminal.wait_for_prompt()
        began = time.monotonic()
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
        assert time.monotonic() - began < 5


@needs_tmux
def test_a_terminal_that_the_environment_does_not_tell_of_is_asked_whether_it_folds(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    """As behind ssh, where TERM is all there is of it."""
    env = surroundings(tmp_path, chat_server)
    argv = ["env", *("-u", "TMUX", "-u", "TERM_PROGRAM"), "TERM=xterm-256color"]
    typed = " ".join(f"<{number}>" for number in range(30))
    with Tmux([*argv, *chatcli_argv("chat", "go")], env=env, cwd=tmp_path) as window:
        window.wait_for("tokens/s")
        window.type(typed)
        window.wait_for("<29>")
        for cols in (47, 90, 50):
            window.resize(24, cols)
            time.sleep(0.5)
        shown = window.transcript()
    assert "".join(shown.split()).count("".join(typed.split())) == 1, shown
    assert shown.count(" · main · ") == 1, "the toolbar"

"""The input line on a real terminal: pastes, the editor, the keys, and the toolbar below."""

from __future__ import annotations

import re
import shlex
import signal
import stat
import sys
import time
from pathlib import Path

import pytest

from chatcli.terminal.paste import BURST_GOES_ON
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.test_chat_on_a_terminal import chat
from tests.test_queue_on_a_terminal import asked, begin_long_reply, input_line, queue
from tests.test_tree_on_a_terminal import said

LONG = "\n".join(f"line {number} of it" for number in range(1, 241))


def editor(folder: Path, body: str) -> str:
    """The command of an editor that does with its file, `path`, what `body` says."""
    script = folder / "my editor.py"
    script.write_text(
        f"import sys, time\nfrom pathlib import Path\npath = Path(sys.argv[-1])\n{body}\n"
    )
    return shlex.join([sys.executable, str(script), "--wait"])


def config(home: Path, text: str) -> None:
    (home / "chatcli").mkdir()
    (home / "chatcli" / "config.toml").write_text(text)


def wait_for_line(terminal: Terminal, text: str) -> None:
    terminal.wait_until(lambda: input_line(terminal) == text)


# Pastes


def test_a_long_paste_is_folded_in_the_line_and_whole_in_the_message(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("Look: ").paste(LONG).type(" and ").paste("x" * 1500).type("!")
        wait_for_line(terminal, "Look: [paste 1: 240 lines] and [paste 2: 1,500 characters]!")
        assert chat_server.requests == []
        terminal.key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server) == [f"Look: {LONG} and {'x' * 1500}!"]


def test_deleting_a_part_of_a_paste_deletes_it_and_undo_brings_it_back(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("a").paste(LONG).type("b")
        wait_for_line(terminal, "a[paste 1: 240 lines]b")
        terminal.key("left", "backspace")
        wait_for_line(terminal, "ab")
        terminal.key("ctrl-_")
        wait_for_line(terminal, "a[paste 1: 240 lines]b")
        terminal.key("ctrl-w")
        wait_for_line(terminal, "ab")
        terminal.key("ctrl-_")
        wait_for_line(terminal, "a[paste 1: 240 lines]b")
        terminal.key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server) == [f"a{LONG}b"]


def test_a_paste_of_many_lines_is_not_sent_by_a_terminal_that_does_not_mark_it(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    text = "\n".join(f"{number} {'words ' * 5}" for number in range(60))
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type(f"{text}\n".replace("\n", "\r"))
        terminal.wait_for("59 words")
        terminal.type("end")
        wait_for_line(terminal, "end")
        time.sleep(2 * BURST_GOES_ON)  # a person is no quicker
        assert chat_server.requests == []
        terminal.key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server) == [f"{text}\nend"]


def test_the_history_has_a_paste_whole_in_the_next_run_too(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    lines = LONG.split("\n")[:20]
    with chat(tmp_path, chat_server, rows=40) as terminal:
        terminal.wait_for_prompt()
        terminal.paste("\n".join(lines)).key("enter")
        terminal.wait_for("Echo: line 1 of it")
    file = tmp_path / "chatcli" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with chat(tmp_path, chat_server, rows=40) as terminal:
        terminal.wait_for_prompt()
        terminal.key("up")
        wait_for_line(terminal, lines[-1])
        assert lines[0] in terminal.screen()


# Lines


@pytest.mark.parametrize("key", ["alt-enter", "ctrl-j"])
def test_a_key_makes_a_line_and_enter_sends_them_all(
    tmp_path: Path, chat_server: ChatServer, key: str
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("one").key(key).type("two").key(key, key).type("three").key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server) == ["one\ntwo\n\nthree"]


# The editor


def test_the_editor_gets_the_draft_whole_and_gives_it_back(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    seen = tmp_path / "seen"
    body = f"Path({str(seen)!r}).write_text(path.read_text()); path.write_text('shorter\\nnow\\n')"
    with chat(tmp_path, chat_server, EDITOR="false", VISUAL=editor(tmp_path, body)) as terminal:
        terminal.wait_for_prompt()
        terminal.type("See: ").paste(LONG)
        wait_for_line(terminal, "See: [paste 1: 240 lines]")
        terminal.key("ctrl-x", "ctrl-e")
        wait_for_line(terminal, "now")
        assert seen.read_text() == f"See: {LONG}"
        terminal.key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server) == ["shorter\nnow"]


def test_the_command_opens_the_editor_with_its_text(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    body = "path.write_text(path.read_text() + ' and more')"
    with chat(tmp_path, chat_server, EDITOR=editor(tmp_path, body)) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/editor some words").key("enter")
        wait_for_line(terminal, "some words and more")
    assert chat_server.requests == []


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("no-such-editor --wait", "the editor `no-such-editor` can't be started"),
        ("false", "the editor `false` ended with 1; the draft is as it was"),
        ("'", "is no command of an editor"),
        ("sh -c 'printf \"\\377\" > $0'", "the editor `sh` left can't be read"),
    ],
)
def test_an_editor_that_fails_costs_a_line_and_leaves_the_draft(
    tmp_path: Path, chat_server: ChatServer, command: str, told: str
) -> None:
    with chat(tmp_path, chat_server, EDITOR=command) as terminal:
        terminal.wait_for_prompt()
        terminal.type("draft ").paste(LONG).key("ctrl-x", "ctrl-e")
        terminal.wait_for(told)
        wait_for_line(terminal, "draft [paste 1: 240 lines]")
        assert "Traceback" not in terminal.transcript()


@pytest.mark.parametrize("way", ["keys", "command"])
def test_a_reply_streams_on_behind_the_editor_and_is_there_afterwards(
    tmp_path: Path, chat_server: ChatServer, way: str
) -> None:
    go = tmp_path / "go"
    body = (
        "print('IN THE EDITOR', flush=True)\n"
        f"while not Path({str(go)!r}).exists(): time.sleep(0.02)\n"
        "path.write_text('written')"
    )
    with chat(tmp_path, chat_server, EDITOR=editor(tmp_path, body)) as terminal:
        terminal.wait_for_prompt()
        chat_server.delay = 0.02
        chat_server.reply_with("first words\n\n" + "slowly " * 30 + "\n\nlast words")
        said(terminal, "Count", "first words")
        if way == "keys":
            terminal.key("ctrl-x", "ctrl-e")
        else:
            terminal.type("/editor").key("enter")
        terminal.wait_for("IN THE EDITOR")
        shown = terminal.transcript().partition("IN THE EDITOR")[2].strip()
        assert shown == "", "nothing is drawn over the editor"
        go.touch()
        terminal.wait_for("last words")
        wait_for_line(terminal, "written")
        assert terminal.transcript().count("first words") == 1
        assert "waiting" not in terminal.screen()


# What waits, and stopping


def test_up_takes_a_line_that_waits_back_out_of_the_queue(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        begin_long_reply(terminal, chat_server)
        queue(terminal, "second", "third")
        terminal.key("up")
        wait_for_line(terminal, "third")
        terminal.wait_for("1 waiting: second")
        terminal.type(" thoughts").key("enter")
        terminal.wait_for("2 waiting: second")
        terminal.key("ctrl-c")
        terminal.wait_for("2 lines were not sent")
        shown = terminal.transcript()
        assert shown.index("stopped;") < shown.index("2 lines"), "it is told in the reply's middle"
        terminal.key("up")
        wait_for_line(terminal, "third thoughts")
    assert asked(chat_server) == ["Count"]


def test_escape_stops_a_reply_at_once_and_alt_enter_does_not(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        begin_long_reply(terminal, chat_server)
        terminal.type("a").key("alt-enter").type("b")
        wait_for_line(terminal, "b")
        assert "stopped" not in terminal.transcript()
        terminal.key("esc")
        terminal.wait_for("stopped", timeout=5)
        wait_for_line(terminal, "b")
    assert asked(chat_server) == ["Count"]


def test_a_line_that_ctrl_c_has_cleared_comes_back_with_undo(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("half a thought").key("ctrl-c")
        wait_for_line(terminal, "")
        terminal.key("ctrl-_")
        wait_for_line(terminal, "half a thought")


def test_typing_takes_back_that_ctrl_c_again_would_leave(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.key("ctrl-c")
        terminal.wait_for("Ctrl-C again leaves")
        terminal.type("x").key("ctrl-c")
        wait_for_line(terminal, "")
        terminal.key("ctrl-c")
        terminal.wait_until(lambda: "Ctrl-C again leaves" in terminal.screen())
        terminal.key("ctrl-c")
        assert terminal.wait_exit() == 0


def test_a_draft_that_was_not_sent_is_told_and_there_in_the_next_run(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        begin_long_reply(terminal, chat_server)
        queue(terminal, "/exit")
        terminal.type("half a thought")
        terminal.key("esc")
        terminal.wait_for("a line was not sent")
        wait_for_line(terminal, "half a thought")
        terminal.send_signal(signal.SIGTERM)
        terminal.wait_exit()
        assert "not sent: half a thought" in terminal.transcript()
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.key("up")
        wait_for_line(terminal, "half a thought")


# The history and the keys of two schools


def test_ctrl_r_finds_what_was_said_in_an_earlier_run(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        for line in ("Where is Tortuga?", "and Nassau?"):
            said(terminal, line, f"Echo: {line}")
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.key("ctrl-r").type("tort")
        terminal.wait_for(re.compile(r"❯ Where is Tortuga\?\s+I-search backward: tort"))
        terminal.key("ctrl-c")
        wait_for_line(terminal, "")
        terminal.key("ctrl-r").type("tort").key("enter")
        wait_for_line(terminal, "Where is Tortuga?")
        terminal.key("ctrl-e").type(" Again?").key("enter")
        chat_server.wait_for_request(3)
    assert asked(chat_server)[2] == "Where is Tortuga? Again?"


def test_a_suggestion_from_the_history_is_taken_with_the_right_arrow(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        said(terminal, "Where is Tortuga?", "Echo: Where is Tortuga?")
        terminal.wait_for_prompt()
        terminal.type("Where")
        terminal.wait_until(lambda: "❯ Where is Tortuga?" in terminal.screen().split("\n")[-2])
        terminal.key("right", "enter")
        chat_server.wait_for_request(2)
    assert asked(chat_server) == ["Where is Tortuga?"] * 2


def test_vi_keys_where_config_says_so(tmp_path: Path, chat_server: ChatServer) -> None:
    config(tmp_path, 'editing = "vi"\n')
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("one two three").key("esc")
        terminal.wait_until(lambda: terminal.cursor[1] == 14)
        terminal.type("bdw0x")
        wait_for_line(terminal, "ne two")
        terminal.type("i").type("o")
        wait_for_line(terminal, "one two")
        terminal.key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server) == ["one two "]


def test_keys_of_no_school_are_refused_in_one_line(tmp_path: Path, chat_server: ChatServer) -> None:
    config(tmp_path, 'editing = "ed"\n')
    with chat(tmp_path, chat_server) as terminal:
        assert terminal.wait_exit() == 2
        assert "editing must be one of emacs, vi, not 'ed'" in terminal.transcript()


# What is seen


@pytest.mark.parametrize(
    "text",
    ["日本語", "a👍b", "e\u0301u\u0308", "שלום", "สวัสดี", "日👩日"],
)
def test_wide_and_combining_letters_keep_their_columns(
    tmp_path: Path, chat_server: ChatServer, text: str
) -> None:
    from prompt_toolkit.utils import get_cwidth

    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type(text)
        terminal.wait_until(lambda: terminal.cursor[1] == 2 + get_cwidth(text))
        terminal.key("home").type("x")
        terminal.wait_until(lambda: terminal.cursor[1] == 3)
        terminal.key("end").type("y")
        wait_for_line(terminal, f"x{text}y")
        terminal.key("backspace").key("home", "delete", "end", "enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server) == [text]


@pytest.mark.parametrize(
    ("cols", "wanted"),
    [
        (100, r"openai:gpt-4o · pirate · main · turn 0 · █+░+ [\d,]+ of 5,000 \(\d+ %\) tokens"),
        (60, r"openai:gpt-4o · main · █+░+ [\d,]+ of 5,000 \(\d+ %\) tokens"),
        (50, r"openai:gpt-4o · main · █+░+ [\d,]+ \(\d+ %\)"),
        (40, r"openai:gpt-4o · main · █+░+ \d+ %"),
        (20, r"gpt-4o · \d+ %"),
    ],
)
def test_the_toolbar_narrows_with_the_window(
    tmp_path: Path, chat_server: ChatServer, cols: int, wanted: str
) -> None:
    args = ("--budget", "5000", "--persona", "pirate")
    with chat(tmp_path, chat_server, *args, cols=cols) as terminal:
        terminal.wait_for_prompt()
        terminal.wait_until(
            lambda: re.fullmatch(wanted, terminal.screen().rpartition("\n")[2].strip())
        )


def test_completions_of_files_and_names_with_spaces_come_while_one_types(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    (tmp_path / "my notes.md").write_text("notes")
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("see @my")
        terminal.wait_for(re.compile(r"my notes\.md\s+5 B"))
        terminal.key("tab", "enter").type(" please").key("enter")
        chat_server.wait_for_request(1)
    assert asked(chat_server)[0].startswith('see @"my notes.md" please')

"""Lines that wait for their turn, and the one that is edited, when the user thinks better of it."""

from __future__ import annotations

from pathlib import Path

from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.test_chat_on_a_terminal import chat, contents
from tests.test_tree_on_a_terminal import said

LONG = "one two three four five six seven eight nine ten " * 40


def asked(server: ChatServer) -> list[str]:
    """The newest message of each request."""
    return [request.messages[-1]["content"] for request in server.requests]


def begin_long_reply(terminal: Terminal, server: ChatServer) -> None:
    server.delay = 0.03
    server.reply_with(LONG)
    said(terminal, "Count", "one two three")


def queue(terminal: Terminal, *lines: str) -> None:
    for line in lines:
        terminal.type(line).key("enter")
    terminal.wait_for(f"{len(lines)} waiting: {lines[0]}")


def input_line(terminal: Terminal) -> str:
    """What stands in the input line."""
    row, _ = terminal.cursor
    shown = terminal.screen().split("\n")
    return shown[row].removeprefix("❯").strip() if row < len(shown) else ""


def test_what_waits_when_one_leaves_is_told_and_never_sent(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        begin_long_reply(terminal, chat_server)
        queue(terminal, "second", "third")
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
        shown = terminal.transcript()
    assert "not sent: second" in shown
    assert "not sent: third" in shown
    assert asked(chat_server) == ["Count"]


def test_the_one_line_that_waits_comes_back_when_a_reply_is_stopped(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        begin_long_reply(terminal, chat_server)
        queue(terminal, "second")
        terminal.key("ctrl-c")
        terminal.wait_for("stopped")
        terminal.wait_until(lambda: input_line(terminal) == "second")
        assert asked(chat_server) == ["Count"]
        chat_server.delay = 0
        terminal.type(" thoughts").key("enter")
        terminal.wait_for("Echo: second thoughts")


def test_a_line_that_comes_back_still_takes_the_place_of_what_was_edited(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, rows=50) as terminal:
        said(terminal, "alpha", "Echo: alpha")
        chat_server.delay = 0.03
        chat_server.reply_with("the first of two " * 20, LONG)
        said(terminal, "beta", "the fi")
        # The draft comes into the input line right before another turn begins.
        queue(terminal, "/edit 1", "Count")
        terminal.wait_for("one two three")
        terminal.wait_until(lambda: input_line(terminal) == "alpha")
        terminal.type(" and omega").key("enter")
        terminal.wait_for("1 waiting: alpha and omega")
        terminal.key("ctrl-c")
        terminal.wait_for("stopped")
        terminal.wait_until(lambda: input_line(terminal) == "alpha and omega")
        terminal.wait_for("editing message 1")
        chat_server.delay = 0
        terminal.key("enter")
        terminal.wait_for("Echo: alpha and omega")
    assert contents(chat_server.requests[-1].messages) == [("user", "alpha and omega")]


def test_several_lines_that_wait_are_recalled_with_up_and_what_is_typed_stays(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        begin_long_reply(terminal, chat_server)
        queue(terminal, "second", "third")
        terminal.type("a draft").key("ctrl-c")
        terminal.wait_for("2 lines were not sent")
        terminal.wait_for("stopped")
        terminal.wait_until(lambda: input_line(terminal) == "a draft")
        terminal.key("ctrl-c")
        terminal.wait_until(lambda: not input_line(terminal))
        terminal.key("up")
        terminal.wait_until(lambda: input_line(terminal) == "third")
        terminal.key("up")
        terminal.wait_until(lambda: input_line(terminal) == "second")
    assert asked(chat_server) == ["Count"]


def test_one_line_that_waits_leaves_what_is_typed_alone(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        begin_long_reply(terminal, chat_server)
        queue(terminal, "second")
        terminal.type("a draft").key("ctrl-c")
        terminal.wait_for("a line was not sent")
        terminal.wait_until(lambda: input_line(terminal) == "a draft")
    assert asked(chat_server) == ["Count"]


def test_what_was_erased_by_hand_and_given_up_is_edited_no_more(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        said(terminal, "alpha", "Echo: alpha")
        said(terminal, "/edit", "editing message 1")
        terminal.key(*["backspace"] * len("alpha"))
        terminal.wait_until(lambda: not input_line(terminal))
        terminal.key("ctrl-c")
        terminal.wait_until(lambda: "editing message" not in terminal.screen())
        said(terminal, "beta", "Echo: beta")
    assert contents(chat_server.requests[-1].messages) == [
        ("user", "alpha"),
        ("assistant", "Echo: alpha"),
        ("user", "beta"),
    ]

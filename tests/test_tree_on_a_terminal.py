"""Saying it differently, going on, and folding branches in, as typed on a real pty."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.protocol import Reply
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.test_chat_on_a_terminal import chat, contents, records


def said(terminal: Terminal, line: str, seen: str) -> None:
    terminal.wait_for_prompt()
    terminal.type(line).key("enter")
    terminal.wait_for(seen)


def test_an_edited_question_becomes_a_sibling_and_the_old_one_stays(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, rows=50) as terminal:
        said(terminal, "My name is Alice.", "Echo: My name is Alice.")
        said(terminal, "And yours?", "Echo: And yours?")
        said(terminal, "/edit 1", "editing message 1")
        terminal.key(*["backspace"] * 6).type("Bob.").key("enter")
        terminal.wait_for("what was here is kept on `edited-1`")
        terminal.wait_for("Echo: My name is Bob.")
        said(terminal, "/switch edited-1", "you are on `edited-1`; 4 messages here")
        terminal.wait_for_prompt()
    assert contents(chat_server.requests[-1].messages) == [("user", "My name is Bob.")]


def test_ctrl_c_leaves_what_is_edited_as_it_is(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server) as terminal:
        said(terminal, "alpha", "Echo: alpha")
        said(terminal, "/edit", "editing message 1")
        terminal.key("ctrl-c")
        terminal.wait_until(lambda: "editing message" not in terminal.screen())
        said(terminal, "beta", "Echo: beta")
    assert [text for _, text in contents(chat_server.requests[-1].messages)] == [
        "alpha",
        "Echo: alpha",
        "beta",
    ]


def test_a_reply_can_be_put_into_other_words(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server) as terminal:
        said(terminal, "alpha", "Echo: alpha")
        said(terminal, "/edit 2 In my own words", "as you have written it")
        said(terminal, "beta", "Echo: beta")
    assert [text for _, text in contents(chat_server.requests[-1].messages)] == [
        "alpha",
        "In my own words",
        "beta",
    ]


def test_continue_joins_what_was_cut_off(tmp_path: Path, chat_server: ChatServer) -> None:
    chat_server.reply_with(
        Reply("Once upon a time there was a sh", finish="length"), "ship that sailed."
    )
    with chat(tmp_path, chat_server) as terminal:
        said(terminal, "A tale", "/continue goes on with it")
        said(terminal, "/continue", "ship that sailed.")
        said(terminal, "/history", "there was a ship that sailed.")
    last = chat_server.requests[-1].messages
    assert contents(last)[:2] == [
        ("user", "A tale"),
        ("assistant", "Once upon a time there was a "),
    ]
    assert contents(last)[2][0] == "user"
    replies = [r["content"] for r in records(tmp_path) if r.get("role") == "assistant"]
    assert replies == [
        "Once upon a time there was a sh",
        "Once upon a time there was a ship that sailed.",
    ]


def test_merge_sums_another_branch_up_and_retry_asks_the_same_again(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, rows=60) as terminal:
        said(terminal, "start", "Echo: start")
        said(terminal, "/branch bold", "you are on `bold`")
        said(terminal, "a wild idea", "Echo: a wild idea")
        said(terminal, "/switch main", "you are on `main`")
        said(terminal, "/diff bold", "`bold` goes on with 2 messages")
        chat_server.reply_with("They had a wild idea.", "It was a wild one.")
        said(terminal, "/merge bold", "They had a wild idea.")
        said(terminal, "/retry", "It was a wild one.")
        said(terminal, "next", "Echo: next")
    merge, again, after = chat_server.requests[-3:]
    texts = [text for _, text in contents(merge.messages)]
    assert texts[:-1] == ["start", "Echo: start", "a wild idea", "Echo: a wild idea"]
    assert "the branch `bold`" in texts[-1]
    assert again.messages == merge.messages
    assert [text for _, text in contents(after.messages)] == [
        "start",
        "Echo: start",
        texts[-1],
        "It was a wild one.",
        "next",
    ]


def test_the_tree_is_drawn_with_where_you_are(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server, rows=40) as terminal:
        said(terminal, "alpha", "Echo: alpha")
        said(terminal, "/branch bold", "you are on `bold`")
        said(terminal, "beta", "Echo: beta")
        said(terminal, "/switch main", "you are on `main`")
        said(terminal, "gamma", "Echo: gamma")
        said(terminal, "/tree", "you are here [main]")
        shown = terminal.transcript().partition("/tree")[2]
    assert "├─○ beta [bold]" in shown


def test_the_next_start_tells_of_a_reply_that_was_cut_short(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.02
    chat_server.reply_with("all of these words count " * 100)
    partial = tmp_path / "chatcli" / "sessions" / "long.json.partial"
    with chat(tmp_path, chat_server, "--session", "long") as terminal:
        said(terminal, "Tell me", "all of these")
        terminal.wait_until(lambda: partial.exists() and b"words count" in partial.read_bytes())
        terminal.kill()
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for("a reply was cut short in `long`")
        said(terminal, "/load long", "the last reply was cut short")
        terminal.wait_for("(interrupted)")
        chat_server.reply_with("and so it ends.")
        said(terminal, "/continue", "and so it ends.")
        terminal.wait_for("tokens/s")
        terminal.key("ctrl-d")
        terminal.wait_exit()
    kept = json.loads((tmp_path / "chatcli" / "sessions" / "long.json").read_text())
    assert not partial.exists()
    assert [r["finish"] for r in kept if r.get("role") == "assistant"] == ["interrupted", "stop"]


def test_a_stop_that_comes_right_after_enter_is_heard(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.5
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("Count to a hundred\r\x03")
        terminal.wait_for("stopped")
        chat_server.delay = 0
        said(terminal, "again", "Echo: again")

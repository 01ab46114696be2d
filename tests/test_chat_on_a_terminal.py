"""The whole program as its user meets it: a real process on a real pty, a real server behind it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.faults import FAULTS
from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer
from tests.support.terminal import Terminal

MARKDOWN = "# Ports\n\n1. **Tortuga**\n2. *Nassau*\n\n```python\nprint('ahoy')\n```\n\nDone."


def chat(
    home: Path, server: ChatServer, *args: str, rows: int = 24, cols: int = 80, **env: str
) -> Terminal:
    surroundings = clean_env(
        home, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="gpt-4o", **env
    )
    argv = chatcli_argv("chat", *args)
    return Terminal(argv, env=surroundings, cwd=home, rows=rows, cols=cols)


def contents(messages: list[dict[str, str]]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in messages]


def records(home: Path) -> list[dict[str, object]]:
    (file,) = (home / "chatcli" / "sessions").glob("*.json")
    parsed: list[dict[str, object]] = json.loads(file.read_text())
    return parsed


def test_each_request_carries_the_whole_history_in_order(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, "--system", "You are terse.") as terminal:
        terminal.wait_for_prompt()
        terminal.type("My name is Alice.").key("enter")
        terminal.wait_for("Echo: My name is Alice.")
        terminal.type("What is my name?").key("enter")
        terminal.wait_for("Your name is Alice.")
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0

    first, second = chat_server.requests
    assert contents(first.messages) == [
        ("system", "You are terse."),
        ("user", "My name is Alice."),
    ]
    assert contents(second.messages) == [
        ("system", "You are terse."),
        ("user", "My name is Alice."),
        ("assistant", "Echo: My name is Alice."),
        ("user", "What is my name?"),
    ]


def test_continue_sends_the_earlier_turns_again(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server, "--system", "Be brief.") as terminal:
        terminal.wait_for_prompt()
        terminal.type("My name is Bob.").key("enter")
        terminal.wait_for("Echo: My name is Bob.")
        terminal.key("ctrl-d")
        terminal.wait_exit()
        assert "chatcli chat --session" in terminal.transcript()

    with chat(tmp_path, chat_server, "--continue") as terminal:
        terminal.wait_for("My name is Bob.")
        terminal.wait_for_prompt()
        terminal.type("What is my name?").key("enter")
        terminal.wait_for("Your name is Bob.")

    assert contents(chat_server.requests[-1].messages) == [
        ("system", "Be brief."),
        ("user", "My name is Bob."),
        ("assistant", "Echo: My name is Bob."),
        ("user", "What is my name?"),
    ]


def test_the_first_message_can_stand_on_the_command_line(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, "Hello from the shell") as terminal:
        terminal.wait_for("Echo: Hello from the shell")
        terminal.wait_for_prompt()


def test_a_reply_is_laid_out_as_markdown(tmp_path: Path, chat_server: ChatServer) -> None:
    chat_server.reply_with(MARKDOWN)
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("Ports?").key("enter")
        terminal.wait_for("Done.")
        terminal.wait_for_prompt()
        shown = terminal.transcript()
    assert "Tortuga" in shown
    assert "print('ahoy')" in shown
    assert "**" not in shown
    assert "```" not in shown
    assert shown.count("Done.") == 1


def test_ctrl_c_stops_a_reply_and_keeps_what_came(tmp_path: Path, chat_server: ChatServer) -> None:
    chat_server.delay = 0.05
    chat_server.reply_with("one two three four five six seven eight nine ten " * 20)
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("Count").key("enter")
        terminal.wait_for("one two three")
        terminal.key("ctrl-c")
        terminal.wait_for("stopped")
        terminal.wait_for_prompt()
        terminal.type("Still there?").key("enter")
        terminal.wait_for("Still there?")
    chat_server.wait_for_disconnect()
    kept = next(r for r in records(tmp_path) if r.get("finish") == "interrupted")
    assert str(kept["content"]).startswith("one two three")
    assert kept["role"] == "assistant"


def test_what_is_typed_during_a_reply_waits_for_its_turn(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.02
    chat_server.reply_with("slow " * 30, "quick")
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("first").key("enter")
        terminal.wait_for("slow")
        terminal.type("second").key("enter")
        terminal.wait_for("waiting")
        terminal.wait_for("quick")
    asked = [contents(request.messages)[-1] for request in chat_server.requests]
    assert asked == [("user", "first"), ("user", "second")]


def test_a_failed_request_keeps_the_question_and_retry_asks_it_again(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS["400-openai"])
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("Remember this").key("enter")
        terminal.wait_for("refused the request")
        terminal.wait_for_prompt()
        terminal.type("/retry").key("enter")
        terminal.wait_for("Echo: Remember this")
    assert [r["content"] for r in records(tmp_path) if r.get("role") == "user"] == ["Remember this"]


def test_a_message_of_several_lines_is_sent_whole(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.paste("line one\nline two\nline three")
        terminal.key("alt-enter").type("line four").key("enter")
        terminal.wait_for("Echo: line one")
    assert chat_server.requests[0].messages[-1]["content"] == (
        "line one\nline two\nline three\nline four"
    )


def test_commands_move_about_in_the_tree_and_lose_nothing(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, rows=60) as terminal:

        def do(line: str, seen: str) -> None:
            terminal.wait_for_prompt()
            terminal.type(line).key("enter")
            terminal.wait_for(seen)

        do("alpha", "Echo: alpha")
        do("/branch bold", "you are on `bold`")
        do("beta", "Echo: beta")
        do("/switch main", "you are on `main`")
        do("gamma", "Echo: gamma")
        do("/undo", "taken back")
        do("/clear", "a fresh start")
        do("delta", "Echo: delta")
        do("/branches", "undone-1")
        do("/save voyage", "saved as `voyage`")
        terminal.wait_for_prompt()
        terminal.key("ctrl-d")
        terminal.wait_exit()
        assert "chatcli chat --session 'voyage'" in terminal.transcript()
    said = {str(r["content"]) for r in records(tmp_path) if r.get("role") == "user"}
    assert said == {"alpha", "beta", "gamma", "delta"}
    assert contents(chat_server.requests[-1].messages) == [("user", "delta")]


@pytest.mark.parametrize("no_color", ["1", ""])
def test_colour_is_left_out_where_it_is_not_wanted(
    tmp_path: Path, chat_server: ChatServer, no_color: str
) -> None:
    chat_server.reply_with("some **bold** text")
    with chat(tmp_path, chat_server, NO_COLOR=no_color) as terminal:
        terminal.wait_for_prompt()
        terminal.type("go").key("enter")
        terminal.wait_for("bold text")
        coloured = b"\x1b[1;36m" in terminal.raw or b"\x1b[0;1;36m" in terminal.raw
    assert coloured == (not no_color)


def test_ctrl_c_twice_on_an_empty_line_leaves(tmp_path: Path, chat_server: ChatServer) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("half a thought").key("ctrl-c")
        terminal.wait_until(lambda: "half a thought" not in terminal.screen())
        terminal.key("ctrl-c")
        terminal.wait_for("Ctrl-C again leaves")
        terminal.key("ctrl-c")
        assert terminal.wait_exit() == 0


@pytest.mark.parametrize(("args", "term"), [(["--plain"], "xterm-256color"), ([], "dumb")])
def test_a_plain_chat_sends_no_escape_sequence(
    tmp_path: Path, chat_server: ChatServer, args: list[str], term: str
) -> None:
    chat_server.reply_with("**plain** text")
    with chat(tmp_path, chat_server, *args, TERM=term) as terminal:
        terminal.wait_for_prompt()
        terminal.type("go").key("enter")
        terminal.wait_for("**plain** text")
        terminal.wait_for_prompt()
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
        assert b"\x1b" not in terminal.raw
        assert "chatcli chat --session" in terminal.transcript()


def test_ctrl_c_in_a_plain_chat_stops_the_reply_and_not_the_chat(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.delay = 0.05
    chat_server.reply_with("one two three four " * 40, "quick")
    with chat(tmp_path, chat_server, "--plain") as terminal:
        terminal.wait_for_prompt()
        terminal.type("Count").key("enter")
        terminal.wait_for("one two three")
        terminal.key("ctrl-c")
        terminal.wait_for("stopped")
        terminal.wait_for_prompt()
        terminal.type("again").key("enter")
        terminal.wait_for("quick")

"""Files, the clipboard, the theme and reasoning, as somebody at a terminal meets them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.program import chatcli_argv, clean_env
from tests.support.protocol import Reply
from tests.support.server import ChatServer
from tests.support.terminal import Terminal

WHITE, BLACK = "rgb:ffff/ffff/ffff", "rgb:0000/0000/0000"


def chat(
    home: Path, server: ChatServer, *args: str, background: str | None = None, **env: str
) -> Terminal:
    surroundings = clean_env(
        home, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="gpt-4o", **env
    )
    argv = chatcli_argv("chat", "--system", "Be kind.", *args)
    return Terminal(argv, env=surroundings, cwd=home, background=background)


def last_sent(server: ChatServer) -> str:
    return server.requests[-1].messages[-1]["content"]


def test_a_file_that_a_message_names_goes_along(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("Sum up @notes.md").key("enter")
        terminal.wait_for("notes.md goes along")
        terminal.wait_for("Echo: Sum up")
    assert last_sent(chat_server) == "Sum up @notes.md\n\nnotes.md:\n```\n# Notes\n```"


def test_a_message_whose_file_is_not_there_stays_in_the_input_line(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type('Sum up @"no such.md"').key("enter")
        terminal.wait_for("there is no file no such.md")
        terminal.wait_until(lambda: terminal.cursor[1] == len('❯ Sum up @"no such.md"'))
        assert chat_server.requests == []
        terminal.key("ctrl-u").type("Hello").key("enter")
        terminal.wait_for("Echo: Hello")
    assert last_sent(chat_server) == "Hello"


@pytest.mark.parametrize(
    ("background", "theme", "quiet"),
    [(WHITE, "light", b"38;5;242m"), (BLACK, "dark", b"38;5;245m")],
)
def test_the_theme_goes_with_the_background_and_the_answer_is_no_key(
    tmp_path: Path, chat_server: ChatServer, background: str, theme: str, quiet: bytes
) -> None:
    with chat(tmp_path, chat_server, background=background) as terminal:
        terminal.wait_for_prompt()
        terminal.wait_until(lambda: quiet in terminal.raw)
        terminal.type("/theme").key("enter")
        terminal.wait_for(f"the theme is {theme}, as the terminal's background is")
        terminal.wait_for_prompt()
        terminal.type("Hello").key("enter")
        terminal.wait_for("Echo: Hello")
    assert last_sent(chat_server) == "Hello"


def test_a_theme_that_was_chosen_is_not_asked_for(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text('theme = "dark"\n')
    with chat(tmp_path, chat_server, background=WHITE) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/theme").key("enter")
        terminal.wait_for("the theme is dark;")
        assert b"\x1b]11" not in terminal.raw


@pytest.mark.parametrize(("args", "env"), [((), {"NO_COLOR": "1"}), (("--plain",), {})])
def test_no_color_and_plain_are_stronger_than_any_theme(
    tmp_path: Path, chat_server: ChatServer, args: tuple[str, ...], env: dict[str, str]
) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text('theme = "light"\n')
    with chat(tmp_path, chat_server, *args, background=WHITE, **env) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/theme dark").key("enter")
        terminal.wait_for("no colours here")
        colours = re.findall(rb"\x1b\[[0-9;]*(?:3[0-8]|9[0-7])[0-9;]*m", terminal.raw)
        assert colours == []
        assert b"\x1b]11" not in terminal.raw


def test_without_colours_by_theme_the_rest_of_the_chat_has_none(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/theme mono").key("enter")
        terminal.wait_for("the theme is mono")
        terminal.wait_for_prompt()
        seen = len(terminal.raw)
        terminal.type("Hello `code`").key("enter")
        terminal.wait_for("Echo: Hello")
        terminal.wait_for(" s")
        assert not re.findall(rb"\x1b\[[0-9;]*(?:3[0-8]|9[0-7])[0-9;]*m", terminal.raw[seen:])


def test_copying_asks_the_terminal_where_no_program_has_the_clipboard(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, SSH_TTY="/dev/pts/1") as terminal:
        terminal.wait_for_prompt()
        terminal.type("Ahoy").key("enter")
        terminal.wait_for("Echo: Ahoy")
        terminal.wait_for_prompt()
        terminal.type("/copy").key("enter")
        terminal.wait_for("clipboard (OSC 52)")
        assert b"\x1b]52;c;RWNobzogQWhveQ==\x07" in terminal.raw


def test_reasoning_is_shown_before_the_reply_and_never_sent_again(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/set reasoning full").key("enter")
        terminal.wait_for("reasoning is full")
        terminal.wait_for_prompt()
        chat_server.reply_with(Reply("It is four.", reasoning="Two and two,\nthat makes four."))
        terminal.type("Sum?").key("enter")
        terminal.wait_for("It is four.")
        terminal.wait_for_prompt()
        shown = terminal.transcript()
        assert shown.index("that makes four.") < shown.index("It is four.")
        assert shown.count("that makes four.") == 1
        terminal.type("Sure?").key("enter")
        terminal.wait_for("Echo: Sure?")
    assert "that makes" not in str(chat_server.requests[-1].messages)
    (file,) = (tmp_path / "chatcli" / "sessions").glob("*.json")
    assert "that makes" not in file.read_text()

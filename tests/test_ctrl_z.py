"""Ctrl-Z: the shell has the terminal, and what was going on goes on afterwards."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.test_chat_on_a_terminal import chat
from tests.test_queue_on_a_terminal import input_line
from tests.test_tree_on_a_terminal import said

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

BASH = shutil.which("bash")


@pytest.mark.skipif(BASH is None, reason="a shell with jobs")
def test_a_chat_that_is_suspended_goes_on_with_its_draft_and_its_reply(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    env = clean_env(
        tmp_path,
        OPENAI_BASE_URL=chat_server.url,
        OPENAI_API_KEY="sk-test",
        CHATCLI_MODEL="gpt-4o",
        PS1="shell: ",
    )
    chat_server.delay = 0.03
    chat_server.reply_with("one two three four " * 20)
    with Terminal([BASH or "", "--norc", "-i"], env=env, cwd=tmp_path) as terminal:
        terminal.wait_for("shell:")
        terminal.type(shlex.join(chatcli_argv("chat"))).key("enter")
        terminal.wait_for_prompt()
        said(terminal, "Count", "one two three")
        terminal.type("a draft")
        terminal.wait_until(lambda: input_line(terminal) == "a draft")
        terminal.key("ctrl-z")
        terminal.wait_for("Stopped")
        terminal.type("echo $((6 * 7)) is heard").key("enter")
        terminal.wait_for("42 is heard")
        terminal.type("fg").key("enter")
        terminal.wait_for("tokens/s", timeout=30)
        terminal.wait_until(lambda: input_line(terminal) == "a draft")
        terminal.type(" goes on").key("enter")
        terminal.wait_for("Echo: a draft goes on")


def test_where_there_is_no_shell_to_go_on_nothing_happens(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server) as terminal:
        terminal.wait_for_prompt()
        terminal.type("be").key("ctrl-z").type("fore")
        terminal.wait_until(lambda: input_line(terminal) == "before")

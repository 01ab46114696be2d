"""Whoever comes after us finds the terminal as it was: its modes, its keys, and its last lines."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer
from tests.support.terminal import Terminal

WAYS = ("ctrl-d", "/exit", "ctrl-c", "SIGTERM", "SIGHUP")


def last(pattern: bytes, raw: bytes) -> bytes:
    """Return the last match in what was written."""
    *_, found = re.finditer(pattern, raw)
    return found[0]


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_of_the_prompt_and_its_modes(
    tmp_path: Path, chat_server: ChatServer, way: str
) -> None:
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text('editing = "vi"\n')
    env = clean_env(
        tmp_path, OPENAI_BASE_URL=chat_server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="gpt-4o"
    )
    with Terminal(chatcli_argv("chat", "go"), env=env, cwd=tmp_path) as terminal:
        terminal.wait_for("tokens/s")
        terminal.wait_for_prompt()
        match way:
            case "SIGTERM" | "SIGHUP":
                terminal.type("half a thought")
                terminal.wait_until(lambda: "❯ half a thought" in terminal.screen())
                terminal.send_signal(getattr(signal, way))
            case "ctrl-c":
                terminal.key("ctrl-c")
                terminal.wait_for("Ctrl-C again leaves")
                terminal.key("ctrl-c")
            case "/exit":
                terminal.type("/exit").key("enter")
            case _:
                terminal.key(way)
        assert terminal.wait_exit() == 0
        raw, shown = terminal.raw, terminal.transcript()
    assert b"\x1b[6n" not in raw, "nobody needs to know where the cursor is"
    assert last(rb"\x1b\[\?2004[hl]", raw) == b"\x1b[?2004l", "pastes are marked"
    assert last(rb"\x1b\[\?25[hl]", raw) == b"\x1b[?25h", "there is no cursor"
    assert last(rb"\x1b\[\?7[hl]", raw) == b"\x1b[?7h", "lines are cut at the margin"
    assert last(rb"\x1b\[[0-9] q", raw) == b"\x1b[0 q", "the cursor has the shape of vi's"
    assert last(rb"\x1b\[[0-9;]*m", raw) in {b"\x1b[0m", b"\x1b[m"}, "a colour goes on"
    assert " · main · " not in shown
    assert "Ctrl-C again" not in shown
    assert shown.splitlines()[-1].startswith("To go on: chatcli chat --session")
    assert shown.count("❯") == 1 + (way == "/exit")


@pytest.mark.skipif(os.name == "nt", reason="the console has other modes")
def test_the_keys_are_the_shells_again(tmp_path: Path, chat_server: ChatServer) -> None:
    env = clean_env(
        tmp_path, OPENAI_BASE_URL=chat_server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="gpt-4o"
    )
    argv = ["sh", "-c", 'stty -g; "$@"; stty -g', "sh", *chatcli_argv("chat")]
    with Terminal(argv, env=env, cwd=tmp_path, cols=250) as terminal:
        terminal.wait_for_prompt()
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
        before, after = re.findall(
            r"^[0-9a-f]+(?::[0-9a-f]+){5,}$", terminal.transcript(), re.MULTILINE
        )
        assert before == after

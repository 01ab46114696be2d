"""Tests that let a key out, for `test_canary.py`, which sees to it that each of them fails."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from tests.support.canary import CANARY
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.terminal import Terminal


def test_a_key_is_left_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "chat.json").write_text(f'[{{"content": "{CANARY}"}}]')


def test_a_key_is_printed() -> None:
    print(CANARY)


def test_a_key_is_logged() -> None:
    logging.getLogger("chatcli").warning("the key is %s", CANARY)


def test_a_key_is_in_what_the_program_prints() -> None:
    run_chatcli("chat", "--persona", CANARY)


def test_a_key_is_on_a_terminal(tmp_path: Path) -> None:
    program = [sys.executable, "-c", f"print('{CANARY}')"]
    with Terminal(program, env=clean_env(tmp_path)) as terminal:
        terminal.wait_exit()


def test_no_key_gets_out(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={CANARY}\n")
    (tmp_path / "chat.json").write_text("[]")
    assert chatcli_argv()

"""A reply that comes faster than it can be laid out, while one types."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.benchmarks.test_typing import typing_into
from tests.support.program import chatcli_argv, clean_env
from tests.support.server import ChatServer

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a pty")

LINES = 6000
CODE = "".join(f"print({number})  # line {number}\n" for number in range(LINES))
NOT_IN_THE_REPLY = "ž"


@pytest.mark.parametrize("chunk", [400, 1_000_000])
def test_a_key_is_echoed_before_a_reply_that_came_at_once_is_laid_out(
    tmp_path: Path, chat_server: ChatServer, chunk: int
) -> None:
    chat_server.chunk = chunk
    chat_server.reply_with(f"```python\n{CODE}```\n")
    env = clean_env(
        tmp_path, OPENAI_BASE_URL=chat_server.url, OPENAI_API_KEY="sk-test", CHATCLI_MODEL="gpt-4o"
    )
    with typing_into(chatcli_argv("chat"), env, tmp_path) as typist:
        typist.send(b"go\r")
        typist.wait_for("# line 9")
        typist.send(NOT_IN_THE_REPLY.encode())
        typist.wait_for(NOT_IN_THE_REPLY)
        assert not typist.has_shown("tokens/s")

"""What is not imported before the first prompt, or before a short answer of the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.program import clean_env
from tests.support.terminal import Terminal

HEAVY = (
    *("openai", "httpx2", "tiktoken", "pydantic", "genai_prices", "keyring", "filelock"),
    *("rich", "markdown_it", "pygments", "xllamacpp", "decimal", "email", "http", "sqlite3"),
    *("platformdirs", "dotenv", "tomllib", "importlib.metadata"),
)
LATER = (
    *("chatcli.commands.session", "chatcli.conversation.forest", "chatcli.doctor"),
    *("chatcli.providers.client", "chatcli.providers.hub", "chatcli.keychain", "chatcli.inventory"),
    *("chatcli.storage.attachments", "chatcli.storage.formats", "chatcli.storage.search"),
    *("chatcli.terminal.markdown", "chatcli.terminal.md", "chatcli.api", "chatcli.cli.drafting"),
)
"""What a chat needs as soon as something is typed, and no sooner."""

UNTIL_IT_IS_DRAWN = """
import asyncio, sys
from pathlib import Path
from chatcli.cli import main

def note(_chat):
    Path("modules.txt").write_text("\\n".join(sys.modules))
    raise SystemExit

asyncio.run = note
main()
"""
TO_THE_END = """
import sys
from pathlib import Path
from chatcli.cli import main

try:
    main()
finally:
    Path("modules.txt").write_text("\\n".join(sys.modules))
"""


def imported(folder: Path, unwanted: Iterable[str]) -> list[str]:
    """Return which of the unwanted modules a program had imported when it took note of them."""
    there = set((folder / "modules.txt").read_text().split())
    assert "chatcli.settings" in there, "the program did not get far enough"
    return sorted(there.intersection(unwanted))


@pytest.mark.parametrize("flags", [[], ["--persona", "pirate"], ["--session", "trip", "--no-save"]])
def test_a_chat_has_its_prompt_before_anything_heavy(tmp_path: Path, flags: list[str]) -> None:
    argv = [sys.executable, "-c", UNTIL_IT_IS_DRAWN, "chat", *flags]
    with Terminal(argv, env=clean_env(tmp_path), cwd=tmp_path) as terminal:
        assert terminal.wait_exit() == 0
    assert imported(tmp_path, (*HEAVY, *LATER)) == []


@pytest.mark.parametrize("line", [["--help"], ["chat", "--help"], ["sessions", "list", "--all"]])
def test_what_is_answered_at_once_imports_nothing_heavy(tmp_path: Path, line: list[str]) -> None:
    subprocess.run(
        [sys.executable, "-c", TO_THE_END, *line],
        env=clean_env(tmp_path),
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    unwanted = (*HEAVY, "prompt_toolkit", "asyncio", "chatcli.app", "chatcli.conversation.session")
    assert imported(tmp_path, unwanted) == []


def test_the_library_is_there_before_anything_heavy(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from chatcli import Session
Path("modules.txt").write_text("\\n".join(sys.modules))
"""
    subprocess.run([sys.executable, "-c", code], env=clean_env(tmp_path), cwd=tmp_path, check=True)
    unwanted = (*HEAVY, "asyncio", "subprocess", "yaml", "typer", "prompt_toolkit")
    assert imported(tmp_path, unwanted) == []

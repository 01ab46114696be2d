"""`chatcli personas` run in the test's own process, with a home of its own and no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatcli.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of the user's own personas."""
    folder = tmp_path / "chatcli" / "personas"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def personas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command, and return how it ended."""
    monkeypatch.chdir(tmp_path)
    for name in ("CHATCLI_PERSONAS_DIR", "CHATCLI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path / "chatcli"))

    def run(*args: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["chatcli", "personas", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, printed.out, printed.err)

    return run

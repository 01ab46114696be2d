"""The command line without a process for each command, for tests that give it many."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from chatcli.cli import main
from tests.support import canary
from tests.support.program import clean_env


@dataclass(frozen=True)
class Done:
    """What a command printed, and the code that it left with."""

    code: int
    out: str
    err: str


def through_the_door(
    home: Path, *args: str, stdin: str = "", env: Mapping[str, str] | None = None
) -> Done:
    """Run chatcli in this process as `run_chatcli` would in one of its own, and no terminal."""
    out, err = _Stream(), _Stream()
    with _surroundings(home, env or {}), contextlib.ExitStack() as streams:
        streams.enter_context(contextlib.redirect_stdout(out))
        streams.enter_context(contextlib.redirect_stderr(err))
        before = sys.argv, sys.stdin
        sys.argv, sys.stdin = ["chatcli", *args], _Stream(stdin)
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code
        finally:
            sys.argv, sys.stdin = before
    canary.watch(out.getvalue() + err.getvalue(), " ".join(args))
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())


class _Stream(io.StringIO):
    """A stream that goes to no terminal, and holds UTF-8."""

    encoding = "utf-8"

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")


@contextlib.contextmanager
def _surroundings(home: Path, env: Mapping[str, str]) -> Iterator[None]:
    environ, folder = dict(os.environ), Path.cwd()
    os.environ.clear()
    os.environ.update(clean_env(home, **env))
    os.chdir(home)
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environ)

"""What it costs to list ten thousand sessions, against a bare look at their folder."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from chatcli.app import App, Options
from chatcli.settings import load
from chatcli.terminal.completion import CommandCompleter

SESSIONS = 10_000
MOST_ROUNDS = 15
MOST = 2.5
"""The first Tab after `/load ` lists, sorts, words and offers what a bare look only passes over."""


def filled(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number in range(SESSIONS):
        (folder / f"2026-11-{number % 30:02}-what is number {number}.json").write_text("[]\n")
    return folder


def look(folder: Path) -> None:
    """Ask of each file only when it was changed."""
    with os.scandir(folder) as entries:
        found = [(each.name, each.stat(follow_symlinks=False).st_mtime) for each in entries]
    assert len(found) == SESSIONS


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def test_the_first_tab_after_load_costs_little_more_than_a_look_at_the_folder(
    tmp_path: Path,
) -> None:
    folder = filled(tmp_path / "sessions")
    environ = {"CHATCLI_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-test"}
    running = App(load(environ=environ, cwd=tmp_path), Options(save=False))

    def first_tab() -> None:
        completer = CommandCompleter(running)
        offered = list(completer.get_completions(Document("/load "), CompleteEvent()))
        assert offered

    floor, ours = [], []
    for _ in range(MOST_ROUNDS):
        floor.append(seconds(lambda: look(folder)))
        ours.append(seconds(first_tab))
        # What else a machine does only adds to these: the least of each is the program's own.
        ratio = min(ours) / min(floor)
        if len(floor) > 3 and ratio <= MOST:
            break
    running.close()
    print(f"\n{SESSIONS:,} sessions: {1000 * min(ours):.0f} ms, {ratio:.2f} × a bare look")
    assert ratio <= MOST

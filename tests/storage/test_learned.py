"""What endpoints have taught, in a file that anybody may have spoiled."""

from __future__ import annotations

import stat
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from chatcli.conversation.calibration import Calibration
from chatcli.storage.learned import FILE, MAX_ENTRIES, Learned
from tests.support.piped import surroundings
from tests.support.program import run_chatcli
from tests.support.server import ChatServer


def taught() -> Calibration:
    calibration = Calibration()
    for predicted in (100, 250, 900):
        calibration = calibration.learn(predicted, predicted * 14 // 10)
    return calibration


def test_what_was_learned_is_known_to_the_next_process(tmp_path: Path) -> None:
    file = tmp_path / "data" / "learned.json"
    Learned(file).learn("a http://x", taught().as_dict())
    Learned(file).learn("a http://x", {"window": 4096})
    again = Learned(file)
    assert again.calibration("a http://x") == taught()
    assert again.window("a http://x") == 4096
    assert again.calibration("a http://y") == Calibration()
    assert again.window("b") is None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_without_a_file_it_lasts_as_long_as_the_process() -> None:
    learned = Learned(None)
    learned.learn("a", {"window": 4096})
    learned.learn("a", taught().as_dict())
    assert learned.window("a") == 4096
    assert learned.calibration("a") == taught()


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"a": 3, "b": {"window": "many", "reports": 7}}',
        b'{"b": {"window": true, "reports": [[1], ["x", 2], [1, 2, 3], null]}}',
        b'{"b": {"window": -4}}',
        b"[" * 100_000,
    ],
)
def test_a_spoiled_file_is_learned_anew(tmp_path: Path, spoiled: bytes) -> None:
    file = tmp_path / "learned.json"
    file.write_bytes(spoiled)
    assert Learned(file).window("b") is None
    assert Learned(file).calibration("b") == Calibration()
    Learned(file).learn("b", {"window": 8192})
    assert Learned(file).window("b") == 8192


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    learned = Learned(tmp_path / "learned.json")
    for number in range(MAX_ENTRIES + 5):
        learned.learn(str(number), {"window": 4096})
    assert learned.window("0") is None
    assert learned.window(str(MAX_ENTRIES + 4)) == 4096


def test_a_folder_that_can_not_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    learned = Learned(tmp_path / "file" / "learned.json")
    learned.learn("a", {"window": 4096})
    assert learned.window("a") == 4096


# What was learned, and what the user wants


def run(home: Path, server: ChatServer, lines: str, *args: str) -> CompletedProcess[str]:
    env = {**surroundings(server), "CHATCLI_MODEL": "llama-9"}
    return run_chatcli("chat", *args, input=lines, env=env, home=home)


def teach(home: Path, server: ChatServer, window: int) -> None:
    Learned(home / "chatcli" / FILE).learn(f"openai:llama-9 {server.url}", {"window": window})


@pytest.mark.parametrize("lines", ["/budget 5000\n", "/budget 5000\nHello\n/tokens\n"])
def test_a_budget_above_what_was_learned_holds(
    tmp_path: Path, chat_server: ChatServer, lines: str
) -> None:
    teach(tmp_path, chat_server, 400)
    assert "the budget is 300 tokens" in run(tmp_path, chat_server, "/budget\n").stdout
    done = run(tmp_path, chat_server, f"{lines}/budget\n/new\n/budget\n")
    assert done.stdout.count("the budget is 5,000 tokens") == 3, done.stdout


def test_a_budget_above_a_limit_that_the_server_has_just_stated_holds(tmp_path: Path) -> None:
    with ChatServer(context_window=300) as server:
        long = "and so on and on " * 20
        lines = f"{long}\n{long}\n{long}\n/budget\n/budget 5000\n/strategy full\n/budget\n"
        done = run(tmp_path, server, lines)
        assert "the model reads at most 300 tokens" in done.stderr
        assert "the budget is 225 tokens" in done.stdout
        assert done.stdout.count("the budget is 5,000 tokens") == 2, done.stdout
        assert server.violations == []

"""The forecast while one types, what a switch of models would leave out, and what is remembered."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.program import run_chatcli
from tests.support.server import ChatServer
from tests.test_chat_on_a_terminal import chat
from tests.test_tree_on_a_terminal import said

SMALL = """
[profiles.small]
base_url = "{url}"
context_window = 400
model = "tiny"
"""


def surroundings(server: ChatServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "sk-test", "CHATCLI_MODEL": "gpt-4o"}


def test_the_toolbar_tells_what_the_draft_adds_and_pushes_out(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with chat(tmp_path, chat_server, "--budget", "60", cols=100) as terminal:
        said(terminal, "one two three four five six seven eight", "Echo: one two three")
        terminal.wait_for("of 60 (")
        before = terminal.screen()
        terminal.type("a long draft " * 10)
        terminal.wait_for("leaves out 2")
        assert "leaves out" not in before
        terminal.key("ctrl-c")
        terminal.wait_until(lambda: "leaves out" not in terminal.screen())


def test_a_budget_that_was_set_stays_when_the_model_is_known_better(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    lines = "/budget 5000\nHello\n/model small\n/budget\n/model openai\n/budget\n"
    home = tmp_path / "chatcli"
    home.mkdir()
    (home / "config.toml").write_text(SMALL.format(url=chat_server.url))
    done = run_chatcli("chat", input=lines, env=surroundings(chat_server), home=tmp_path)
    budgets = [line for line in done.stdout.splitlines() if "the budget is" in line]
    assert len(budgets) == 3
    assert all("5,000" in line for line in budgets), done.stdout


def test_a_switch_says_before_it_happens_what_would_no_longer_fit(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    home = tmp_path / "chatcli"
    home.mkdir()
    (home / "config.toml").write_text(SMALL.format(url=chat_server.url))
    long = "and so on and on " * 20
    lines = f"{long}\n{long}\n{long}\n/model small\n/history\n"
    done = run_chatcli("chat", input=lines, env=surroundings(chat_server), home=tmp_path)
    assert "small:tiny reads 300 tokens" in done.stderr
    assert "would be left out" in done.stderr
    assert done.stdout.index("answers from here on") > 0
    assert done.stdout.count(long.strip()) >= 6, "the history still has everything"


def test_what_an_endpoint_teaches_is_remembered_in_a_private_file(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.tokenizer = lambda text: len(text) // 2 + 1
    lines = "".join(
        f"this is question number {n}, of some length and then some\n" for n in range(4)
    )
    env = {**surroundings(chat_server), "CHATCLI_MODEL": "llama-9"}
    run_chatcli("chat", input=lines, env=env, home=tmp_path)
    file = tmp_path / "chatcli" / "learned.json"
    (name, entry), *others = json.loads(file.read_text()).items()
    assert not others
    assert name == f"openai:llama-9 {chat_server.url}"
    assert len(entry["reports"]) == 4
    done = run_chatcli("chat", "-c", input="/tokens\n", env=env, home=tmp_path)
    assert "calibrated" in done.stdout


def test_no_save_leaves_no_trace(tmp_path: Path, chat_server: ChatServer) -> None:
    lines = "Hello\nHow are you?\n"
    run_chatcli("chat", "--no-save", input=lines, env=surroundings(chat_server), home=tmp_path)
    assert not (tmp_path / "chatcli").exists() or not list((tmp_path / "chatcli").iterdir())


def test_after_three_turns_the_estimate_is_within_three_percent(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    from chatcli import Session, vocabularies

    encoding = vocabularies.load("o200k_base")
    chat_server.tokenizer = lambda text: round(len(encoding.encode_ordinary(text)) * 1.4)
    talk = Session(model="llama-9", base_url=chat_server.url, api_key="sk-test")
    for number in range(3):
        talk.send(f"This is question number {number}, with words enough to be counted. " * 4)
    for number in range(3, 6):
        question = f"Another question, the {number}th, of quite another length. " * number
        planned = talk._engine.plan(question).tokens
        talk.send(question)
        counted = chat_server.tokens_of(chat_server.requests[-1].messages)
        assert abs(planned - counted) <= 0.03 * counted


def test_what_config_says_of_a_window_is_not_known_better_by_anybody(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    home = tmp_path / "chatcli"
    home.mkdir()
    (home / "config.toml").write_text(SMALL.format(url=chat_server.url))
    (home / "learned.json").write_text(
        json.dumps({f"small:tiny {chat_server.url}": {"window": 90}})
    )
    done = run_chatcli("chat", "-m", "small", input="/tokens\n/budget\n", home=tmp_path)
    assert "the budget is 300 tokens" in done.stdout

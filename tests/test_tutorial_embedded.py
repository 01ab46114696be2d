"""The tutorial and its exercises on the embedded model.

A model of 135M says what it likes. What it was sent is certain, by the tokens that its engine read.
Only where the persona is made for it, as the pirate is, what it answers is looked at.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli import Session
from chatcli.conversation.events import TurnFinished
from chatcli.conversation.messages import Usage
from tests.support.embedded import weights
from tests.support.program import run_chatcli
from tests.support.tutorial import HELPFUL, QUESTIONS

pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]
__all__ = ["weights"]

TERSE = f"---\nmax_reply: 24\n---\n{HELPFUL}\n"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test a home with the weights, and a persona that says little."""
    models = tmp_path / "chatcli" / "cache" / "models"
    models.mkdir(parents=True)
    for file in weights.parent.glob(f"{weights.name}*"):
        os.link(file, models / file.name)
    (tmp_path / "chatcli" / "personas").mkdir()
    (tmp_path / "chatcli" / "personas" / "terse.md").write_text(TERSE)
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path / "chatcli"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def talk() -> Iterator[Session]:
    with Session(model="local", persona="terse", max_tokens=200) as talk:
        yield talk


def said(talk: Session, text: str) -> Usage:
    """Say something, and return what the engine read and wrote for it."""
    (finished,) = (event for event in talk.stream(text) if isinstance(event, TurnFinished))
    assert finished.reply is not None
    assert finished.usage is not None
    return finished.usage


def test_the_pirate_knows_the_name_and_counts_the_turns() -> None:
    def knows_it() -> bool:
        with Session(model="local", persona="pirate") as talk:
            talk.send("My name is Alice.")
            reply = talk.send("What is my name?")
            assert talk.turn_count == 2
            return "Alice" in reply

    assert any(knows_it() for _ in range(3)), "it does, about nineteen times in twenty"


def test_five_turns_stay_under_200_tokens_and_clear_leaves_the_system_prompt(talk: Session) -> None:
    first = said(talk, QUESTIONS[0])
    for question in QUESTIONS[1:]:
        assert first.prompt_tokens < said(talk, question).prompt_tokens <= 200
    assert len(talk.history) == 11
    talk.clear()
    assert talk.history == [{"role": "system", "content": HELPFUL}]
    assert said(talk, QUESTIONS[0]).prompt_tokens == first.prompt_tokens


def test_the_window_branches_and_facts_are_what_it_reads(talk: Session) -> None:
    said(talk, "We are at sea.")
    talk.branch("north")
    north = said(talk, "Sail north, and tell me of it.")
    talk.switch("main")
    south = said(talk, "Sail south, and tell me of it.")
    assert north.prompt_tokens == south.prompt_tokens, "the same turn before either of them"
    before = talk.count_tokens()
    talk.remember("I prefer metric units")
    assert talk.count_tokens() > before
    expected = talk.count_tokens()
    assert said(talk, "How tall is a mast?").prompt_tokens > expected


def test_a_new_process_goes_on_with_what_was_saved_after_every_message(tmp_path: Path) -> None:
    flags = ("--model", "local", "--persona", "turnkeeper", "--session", "count")
    first = run_chatcli("chat", *flags, input="Ahoy!\n", home=tmp_path, timeout=120)
    assert first.returncode == 0, first.stderr
    done = run_chatcli("chat", "-c", input="Ahoy again!\n/context\n", home=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    records = json.loads((tmp_path / "chatcli" / "sessions" / "count.json").read_text())
    assert [r["role"] for r in records if "role" in r] == ["system", *["user", "assistant"] * 2]
    replies = [r for r in records if r.get("role") == "assistant"]
    read, written = replies[0]["usage"]["prompt_tokens"], replies[0]["usage"]["completion_tokens"]
    assert replies[1]["usage"]["prompt_tokens"] > read + written

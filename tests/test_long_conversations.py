"""Conversations that outgrow what a model can read: summed up, cut down, and nothing of it lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatcli import Session, vocabularies
from chatcli.conversation.events import Notice, TurnFinished
from chatcli.errors import BudgetError, ProviderError
from tests.support.faults import FAULTS
from tests.support.server import ChatServer

WORDS = "the quick brown fox jumps over the lazy dog and on it goes "


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def as_openai_counts(text: str) -> int:
    return len(vocabularies.load("o200k_base").encode_ordinary(text))


def session(server: ChatServer, **options: object) -> Session:
    own: dict[str, object] = {"model": "gpt-4o", "base_url": server.url, "api_key": "sk-test"}
    return Session(**(own | options))  # type: ignore[arg-type]  # the options of the constructor


def notices(talk: Session, text: str) -> list[str]:
    return [event.text for event in talk.stream(text) if isinstance(event, Notice)]


def sums_up(messages: list[dict[str, str]]) -> str:
    """Answer as a model does that can sum up, and say how many questions it was sent."""
    last = messages[-1]["content"]
    if "Sum up this part" in last:
        return f"They counted to {last.count('number ')}."
    return f"That was {sum(message['role'] == 'user' for message in messages)}."


def test_the_oldest_turns_are_summed_up_before_the_budget_is_full(chat_server: ChatServer) -> None:
    chat_server.tokenizer = as_openai_counts
    chat_server.reply_with(sums_up)
    talk = session(chat_server, system_prompt="Be brief.", max_tokens=400, strategy="summarize")
    told: list[str] = []
    for number in range(12):
        told += notices(talk, f"number {number}: {WORDS * 2}")
    assert any("summing up" in line for line in told)
    asked = [request.messages for request in chat_server.requests]
    summaries = [m for m in asked if "Sum up this part" in m[-1]["content"]]
    turns = [m for m in asked if "Sum up this part" not in m[-1]["content"]]
    assert len(turns) == 12
    assert 1 <= len(summaries) <= 6, "not for each turn"
    for request in turns:
        assert chat_server.tokens_of(request) <= 400
    last = turns[-1]
    assert last[0]["role"] == "system"
    assert last[0]["content"].startswith("Be brief.\n\nSummary of what was said earlier")
    assert [message["role"] for message in last].count("system") == 1
    assert len(talk.history) == 25, "the history still has everything"
    later = summaries[-1][-1]["content"]
    assert "summed up:\nThey counted to" in later, "a new summary includes the one before it"


def test_a_summary_that_fails_costs_a_line_and_the_oldest_turns(chat_server: ChatServer) -> None:
    chat_server.tokenizer = as_openai_counts
    talk = session(chat_server, max_tokens=300, strategy="summarize")
    for number in range(4):
        notices(talk, f"number {number}: {WORDS * 2}")
    chat_server.fail_next(FAULTS["400-openai"])
    told = notices(talk, f"number 4: {WORDS * 6}")
    assert any(line.startswith("there is no summary") for line in told)
    assert talk.turn_count == 5
    assert chat_server.tokens_of(chat_server.requests[-1].messages) <= 300


def test_a_conversation_too_long_to_be_summed_up_at_once_is_in_parts(
    chat_server: ChatServer,
) -> None:
    chat_server.tokenizer = as_openai_counts
    chat_server.reply_with(sums_up)
    talk = session(chat_server, max_tokens=20_000)
    for number in range(10):
        notices(talk, f"number {number}: {WORDS * 10}")
    talk.save("long.json")
    talk.close()
    before = len(chat_server.requests)
    with Session.open(
        "long.json",
        model="gpt-4o",
        base_url=chat_server.url,
        api_key="sk-test",
        max_tokens=800,
        strategy="summarize",
    ) as again:
        notices(again, "and now?")
    requests = [request.messages for request in chat_server.requests[before:]]
    assert len(requests) >= 3
    assert all("Sum up this part" in request[-1]["content"] for request in requests[:-1])
    assert all(chat_server.tokens_of(request) <= 800 for request in requests)


def test_the_limit_that_a_server_states_is_learned_and_the_request_sent_once_more() -> None:
    with ChatServer(context_window=600) as server:
        talk = session(server, model="somebody-elses-model")
        notices(talk, f"number 0: {WORDS * 8}")
        notices(talk, f"number 1: {WORDS * 8}")
        events = list(talk.stream(f"number 2: {WORDS * 8}"))
        told = [event.text for event in events if isinstance(event, Notice)]
        assert told[0] == "the model reads at most 600 tokens: the oldest turns are left out"
        assert isinstance(events[-1], TurnFinished)
        assert "number 0" not in str(server.requests[-1].messages)
        assert talk.history[0]["content"].startswith("number 0")
        requests = len(server.requests)
        notices(talk, f"number 3: {WORDS * 8}")
        assert len(server.requests) == requests + 1, "the limit is known from then on"
        assert server.violations == []


def test_a_message_that_no_window_has_room_for_is_an_error_that_keeps_it() -> None:
    with ChatServer(context_window=200) as server:
        talk = session(server, model="somebody-elses-model")
        with pytest.raises((ProviderError, BudgetError)):
            notices(talk, WORDS * 60)
        assert talk.history[-1]["content"] == WORDS * 60


def test_a_server_that_cuts_silently_is_noticed(chat_server: ChatServer) -> None:
    chat_server.tokenizer = as_openai_counts
    talk = session(chat_server)
    notices(talk, f"number 0: {WORDS}")
    real = chat_server.tokenizer
    chat_server.tokenizer = lambda text: real(text) // 8
    told = notices(talk, f"number 1: {WORDS * 40}")
    assert any("cuts long prompts silently" in line for line in told)


def test_a_budget_of_two_hundred_over_five_turns(chat_server: ChatServer) -> None:
    talk = session(chat_server, system_prompt="You are terse.", max_tokens=200)
    for number in range(5):
        talk.send(f"number {number}: {WORDS * 2}")
        assert talk.count_tokens() <= 200
    for request in chat_server.requests:
        assert request.messages[0] == {"role": "system", "content": "You are terse."}
    assert len(talk.history) == 11
    assert "number 0" not in str(chat_server.requests[-1].messages)

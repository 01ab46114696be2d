"""Remembering, live facts and /questions, as commands do it with a real app and a real server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli import Session
from chatcli.app import Options
from chatcli.conversation.events import Draft, Transcript
from chatcli.errors import ProviderError, StorageError, UsageError
from tests.support.desk import Desk, notices, table
from tests.support.faults import FAULTS
from tests.support.program import run_chatcli
from tests.support.protocol import Messages
from tests.support.server import ChatServer

MEMORY = "What the user asked you to remember:"
ASKED_BESIDE = "Write at most 3 lines"

PERSONAS = {
    "counter": "---\ninject: [turn, date, questions]\n---\nYou are {persona}, this is turn {turn}.",
    "keen": "---\nmemory: auto\n---\nYou listen to {user}.",
    "brief": "---\ninject: [summary]\n---\nBe brief.",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "personas").mkdir()
    for name, text in PERSONAS.items():
        (tmp_path / "personas" / f"{name}.md").write_text(text)
    return tmp_path


@pytest.fixture
def desk(home: Path, chat_server: ChatServer) -> Iterator[Desk]:
    desk = Desk(home, chat_server)
    yield desk
    desk.app.close()


def facts(desk: Desk) -> dict[str, tuple[str, str]]:
    """What /context says of each fact: its tokens, and what becomes of it."""
    rows = table(desk.type("/context")).rows
    return {row.cells[1]: (row.cells[2], row.cells[3]) for row in rows if not row.cells[0]}


# Remembering


def test_what_is_remembered_is_sent_from_then_on_and_survives(
    home: Path, chat_server: ChatServer, desk: Desk
) -> None:
    told = notices(desk.type("hello", "/remember I prefer tea"))
    assert "remembered, everywhere: I prefer tea; /forget 1 takes it back" in told
    desk.type("next")
    assert desk.system() == f"{MEMORY}\n- I prefer tea"
    tokens, fate = facts(desk)["memory"]
    assert fate == "sent"
    assert int(tokens.removeprefix("≈")) > 0
    other = Desk(home, chat_server)
    other.type("hello again")
    assert desk.system() == f"{MEMORY}\n- I prefer tea"
    other.app.close()


def test_the_memory_is_listed_with_where_it_holds_and_what_it_costs(desk: Desk) -> None:
    desk.type("hello", "/remember one", "/persona counter")
    desk.type("/remember --persona two", "/remember --session three")
    shown = table(desk.type("/memory"))
    assert [row.cells[1:3] for row in shown.rows] == [
        ("one", "everywhere"),
        ("two", "persona counter"),
        ("three", "this session"),
    ]
    assert shown.rows[0].cells[3].endswith(", turn 1")
    assert "of 500 tokens" in shown.caption
    assert all(row.mark is None for row in shown.rows)
    desk.type("/new", "/persona brief")
    assert [row.mark for row in table(desk.type("/memory")).rows] == [None, "dim", "dim"]
    desk.type("hello")
    assert desk.system() == f"Be brief.\n\n{MEMORY}\n- one"


def test_what_is_forgotten_can_be_taken_back(desk: Desk) -> None:
    desk.type("/remember one", "/remember --session two")
    assert "forgotten, everywhere: one" in notices(desk.type("/forget 1"))
    desk.type("hello")
    assert desk.system() == f"{MEMORY}\n- two"
    assert "remembered, everywhere: one; /forget 2" in notices(desk.type("/remember"))
    assert "forgotten, this session: two" in notices(desk.type("/forget 1"))


def test_a_number_means_what_was_shown_under_it_whatever_happened_since(
    home: Path, desk: Desk
) -> None:
    desk.type("/remember one", "/remember two", "/memory")
    path = home / "memory.md"
    path.write_text("- another\n" + path.read_text())
    assert "forgotten, everywhere: two" in notices(desk.type("/forget 2"))
    assert "- another\n" in path.read_text()


def test_mistakes_cost_one_line(desk: Desk) -> None:
    for line, told in (
        ("/remember", "what shall be remembered"),
        ("/remember --session", "what shall be remembered"),
        ("/remember --nowhere x", "no flag --nowhere"),
        ("/remember --persona x", "no persona answers"),
        (f"/remember {'x' * 400}", "at most 300 characters"),
        ("/forget", "wants a number"),
        ("/forget 1", "nothing is remembered"),
        ("/forget x", "must be a number"),
        ("/set memory on", "one of off, auto"),
    ):
        with pytest.raises(UsageError, match=told):
            desk.type(line)
    desk.type("/remember one")
    with pytest.raises(UsageError, match="there is no number 2; /memory has 1 to 1"):
        desk.type("/forget 2")
    assert "nothing is remembered yet" not in notices(desk.type("/memory"))


def test_what_has_no_room_is_said(home: Path, chat_server: ChatServer) -> None:
    (home / "config.toml").write_text("memory_budget = 30\n")
    desk = Desk(home, chat_server)
    desk.type("/remember the first thing of all that is remembered here")
    told = notices(desk.type("/remember the second thing of all that is remembered here, as well"))
    assert "the oldest thing has no room in the request" in told
    desk.type("hello")
    assert "second" in desk.system()
    assert "first" not in desk.system()
    assert [row.mark for row in table(desk.type("/memory")).rows] == ["dim", None]
    left_out = [row for row in table(desk.type("/context")).rows if row.mark == "dim"]
    assert ("memory", "left out: budget") in [(row.cells[1], row.cells[3]) for row in left_out]
    desk.app.close()


def test_nothing_is_written_with_no_save(home: Path, chat_server: ChatServer) -> None:
    (home / "memory.md").write_text("- I prefer tea\n")
    desk = Desk(home, chat_server, Options(save=False))
    told = notices(desk.type("/remember I have a dog"))
    assert "lasts until you leave" in told
    desk.type("hello")
    assert desk.system() == f"{MEMORY}\n- I prefer tea\n- I have a dog"
    assert (home / "memory.md").read_text() == "- I prefer tea\n"
    desk.app.close()


def test_lines_that_can_not_be_read_are_pointed_out(home: Path, desk: Desk) -> None:
    (home / "memory.md").write_text("- one\n- two <!-- somewhere -->\n")
    assert "a line of" in notices(desk.type("/memory"))
    desk.type("hello")
    assert desk.system() == f"{MEMORY}\n- one"


def test_what_can_be_forgotten_and_where_things_hold_are_offered(desk: Desk) -> None:
    desk.type("/remember one", "/remember two")
    offered = {
        name: [choice.name for choice in complete(desk.app)]
        for name in ("forget", "remember", "questions")
        if (complete := desk.app.commands[name].complete) is not None
    }
    assert offered["forget"] == ["1", "2"]
    assert offered["remember"] == ["--everywhere", "--persona", "--session"]
    assert offered["questions"] == []


# Live facts


def test_a_persona_is_told_the_turn_the_date_and_the_earlier_questions(desk: Desk) -> None:
    desk.type("/persona counter", "one", "two", "three")
    sent = desk.system()
    assert sent.startswith("You are counter, this is turn 3.\n\n")
    assert "1. one\n2. two\n\nToday is " in sent
    assert sent.endswith("[Turn 3] This is turn 3 of the conversation.")
    stored = desk.app.session.tree.path[0].content
    assert stored == "You are {persona}, this is turn {turn}."
    assert {"questions", "date", "turn"} <= facts(desk).keys()


def test_the_forecast_counts_what_is_told(desk: Desk) -> None:
    before = desk.app.toolbar().tokens
    desk.type("/remember I prefer tea")
    after = desk.app.toolbar().tokens
    assert before is not None
    assert after is not None
    assert after > before
    parts = {row.cells[0]: row.cells[1] for row in table(desk.type("/tokens")).rows}
    assert "memory" in parts


def test_asking_again_and_going_on_are_no_new_turns(desk: Desk) -> None:
    desk.type("/persona counter", "one", "two", "/retry")
    assert "[Turn 2]" in desk.system()
    desk.server.fail_next(FAULTS["cut-mid-stream"])
    desk.server.reply_with("a longer reply that is cut")
    with pytest.raises(ProviderError):
        desk.type("three")
    desk.type("/continue")
    assert "[Turn 3]" in desk.system()
    assert "3. three" not in desk.system()


def test_a_persona_that_wants_a_summary_told_has_one_kept_up(desk: Desk) -> None:
    desk.type("/persona brief")
    assert desk.app.session.planner.limits.strategy == "summarize"
    desk.type("/strategy window 3")
    assert desk.app.session.planner.limits.strategy == "window"


# Questions


def test_questions_are_listed_shown_and_quoted(desk: Desk) -> None:
    assert "nothing was asked yet" in notices(desk.type("/questions"))
    desk.type("What is a tree?", "And\na graph?")
    rows = table(desk.type("/questions")).rows
    assert [row.cells for row in rows] == [
        ("1", "What is a tree?", "Echo: What is a tree?"),
        ("2", "And a graph?", "Echo: And a graph?"),
    ]
    (shown,) = desk.type("/questions 2")
    assert isinstance(shown, Transcript)
    assert [entry.number for entry in shown.entries] == [3, 4]
    (draft,) = desk.type("/questions quote 2")
    assert draft == Draft("> And\n> a graph?\n\n")
    for line, told in (("/questions 3", "1 to 2"), ("/questions quote", "wants a number")):
        with pytest.raises(UsageError, match=told):
            desk.type(line)


# Noticing


def answers(*lines: str) -> object:
    def answer(messages: Messages) -> str:
        asked = messages[-1]["content"]
        return "\n".join(lines) if ASKED_BESIDE in asked else f"Echo: {asked}"

    return answer


def test_the_model_is_asked_after_a_turn_and_only_what_was_said_is_kept(
    home: Path, desk: Desk
) -> None:
    desk.server.reply_with(answers("- The user's name is Alice", "- Lives in Paris"))  # type: ignore[arg-type]
    desk.type("a secret that came before", "/set memory auto", "My name is Alice")
    told = desk.notice()
    assert told == (
        "noticed in turn 2, and remembered everywhere: The user's name is Alice; "
        "/forget 1 takes it back"
    )
    asked = desk.server.requests[-1].messages
    assert len(asked) == 1
    assert "secret" not in asked[0]["content"]
    assert desk.app.session.turn_count == 2
    assert "noticed -->" in (home / "memory.md").read_text()
    assert desk.notice() == "", "what was looked through is not looked through again"
    assert len(desk.server.requests) == 3
    replies = table(desk.type("/cost")).rows[0].cells[1]
    assert replies == "3", "it is paid for like any other"
    desk.app.close()
    again = Desk(home, desk.server, Options(resume=True))
    assert table(again.type("/cost")).rows[0].cells[1] == "3", "in a later run too"
    again.app.close()


def test_it_is_off_unless_somebody_wants_it(home: Path, chat_server: ChatServer) -> None:
    desk = Desk(home, chat_server)
    desk.type("My name is Alice")
    assert desk.notice() == ""
    desk.type("/persona keen", "I like tea")
    assert chat_server.requests[-1].messages[0]["content"] == "You listen to the user."
    assert desk.app.notice() is not None
    desk.app.session.stop()
    desk.type("/set memory off", "more")
    assert desk.app.notice() is None
    desk.app.close()
    (home / "config.toml").write_text('memory = "off"\nuser = "Alice"\n')
    firm = Desk(home, chat_server)
    firm.type("/persona keen", "I like tea")
    assert chat_server.requests[-1].messages[0]["content"] == "You listen to Alice."
    assert firm.app.notice() is None, "the settings come before a persona"
    firm.app.close()


def test_the_next_turn_ends_it_and_nothing_is_missed(desk: Desk) -> None:
    desk.server.reply_with(answers("- The user's name is Alice"))  # type: ignore[arg-type]
    desk.type("/set memory auto", "My name is Alice")
    coming = desk.app.notice()
    assert coming is not None
    assert desk.app.activity() == "remembering"
    desk.type("next")
    assert list(coming) == []
    assert desk.app.activity() == ""
    assert "name is Alice" in desk.notice()


def test_a_request_under_way_is_given_up_at_once(desk: Desk) -> None:
    desk.type("/set memory auto", "My name is Alice")
    desk.server.delay = 0.05
    desk.server.reply_with("- The user's name is Alice" * 100)
    coming = desk.app.notice()
    assert coming is not None
    thread = threading.Thread(target=lambda: list(coming))
    thread.start()
    desk.server.wait_for_request(2)
    desk.app.session.stop()
    thread.join(10)
    assert not thread.is_alive()
    desk.server.wait_for_disconnect()
    desk.server.delay = 0
    assert desk.app.recall.memories.all() == ()


@pytest.mark.parametrize("fault", ["401-openai", "500-html", "cut-mid-stream", "html"])
def test_a_fault_beside_the_conversation_is_no_trouble(desk: Desk, fault: str) -> None:
    desk.type("/set memory auto", "My name is Alice")
    desk.server.fail_next(FAULTS[fault])
    assert desk.notice() == ""
    assert desk.app.session.turn_count == 1
    desk.server.reply_with("- The user's name is Alice")
    assert "name is Alice" in desk.notice()


def test_a_muted_question_is_never_sent_for_that_either(desk: Desk) -> None:
    desk.type("/set memory auto", "my secret", "my name", "/mute 1")
    desk.notice()
    assert "secret" not in desk.server.requests[-1].messages[0]["content"]


def test_by_lines_the_model_is_asked_when_the_input_ends(
    home: Path, chat_server: ChatServer
) -> None:
    chat_server.reply_with(answers("- The user's name is Alice"))  # type: ignore[arg-type]
    env = {
        "OPENAI_BASE_URL": chat_server.url,
        "OPENAI_API_KEY": "sk-test",
        "CHATCLI_MODEL": "gpt-4o",
    }
    lines = "/set memory auto\nMy name is Alice\nHello\n"
    ran = run_chatcli("chat", input=lines, env=env, home=home)
    assert ran.returncode == 0
    assert "noticed in turn 1" in ran.stderr
    assert "noticed" not in ran.stdout
    assert len(chat_server.requests) == 3
    assert "Alice" in (home / "chatcli" / "memory.md").read_text()


# From Python


def test_a_script_has_live_facts_and_a_memory_without_a_file(
    home: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(home))
    monkeypatch.chdir(home)
    before = sorted(home.iterdir())
    options = {"model": "gpt-4o", "base_url": chat_server.url, "api_key": "sk-test"}
    talk = Session("Turn {turn}.", inject=["turn"], **options)  # type: ignore[arg-type]
    talk.remember("I prefer tea")
    talk.remember("I have a dog", "session")
    talk.send("one")
    assert talk.forget(1) == "I prefer tea"
    talk.send("two")
    sent = chat_server.requests[-1].messages[0]["content"]
    assert sent == (
        f"Turn 2.\n\n{MEMORY}\n- I have a dog\n\n[Turn 2] This is turn 2 of the conversation."
    )
    assert talk.memory == ["I have a dog"]
    assert talk.questions == ["one", "two"]
    assert talk.history[0]["content"] == "Turn {turn}."
    assert sorted(home.iterdir()) == before
    with pytest.raises(UsageError, match="no live fact `weather`"):
        Session(inject=["weather"], **options)  # type: ignore[arg-type]


def test_a_script_that_names_a_memory_shares_it(
    home: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(home))
    monkeypatch.chdir(home)
    options = {"model": "gpt-4o", "base_url": chat_server.url, "api_key": "sk-test"}
    one = Session(memory=True, persona="counter", **options)  # type: ignore[arg-type]
    one.remember("I prefer tea")
    one.remember("call me captain", "persona")
    assert "persona counter" in (home / "memory.md").read_text()
    other = Session(memory=home / "memory.md", **options)  # type: ignore[arg-type]
    assert other.memory == ["I prefer tea", "call me captain"]
    other.send("hello")
    assert chat_server.requests[-1].messages[0]["content"] == f"{MEMORY}\n- I prefer tea"
    (home / "memory.md").unlink()
    (home / "memory.md").mkdir()
    with pytest.raises(StorageError):
        other.remember("more")

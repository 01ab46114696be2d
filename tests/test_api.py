"""The library, as the tutorial that it grew from uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chatcli import Session
from chatcli.conversation.events import TextDelta, TurnFinished
from chatcli.errors import BudgetError, Refused, SessionInUse, StorageError, UsageError
from chatcli.storage.mending import read_session
from tests.support.faults import FAULTS
from tests.support.server import ChatServer


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def session(server: ChatServer, prompt: str | None = None, **options: object) -> Session:
    defaults = {"model": "gpt-4o", "base_url": server.url, "api_key": "sk-test"}
    return Session(prompt, **(defaults | options))  # type: ignore[arg-type]  # one dict for all


def test_the_model_knows_the_name_it_was_told(chat_server: ChatServer) -> None:
    talk = session(chat_server, "You are a helpful assistant.")
    talk.send("My name is Alice.")
    assert talk.send("What is my name?") == "Your name is Alice."
    assert talk.turn_count == 2


def test_clear_keeps_the_system_prompt_and_loses_nothing(chat_server: ChatServer) -> None:
    talk = session(chat_server, "Be kind.")
    talk.send("Hello")
    talk.clear()
    assert talk.history == [{"role": "system", "content": "Be kind."}]
    talk.clear()
    (kept,) = [name for name in talk.branches if name != "main"]
    talk.switch(kept)
    assert [m["content"] for m in talk.history] == ["Be kind.", "Hello", "Echo: Hello"]


def test_the_history_budget_is_kept_and_history_stays_whole(chat_server: ChatServer) -> None:
    talk = session(chat_server, "You are a helpful assistant.", max_tokens=200)
    for number in range(12):
        talk.send(f"Question number {number}: what do you think about the weather today?")
        assert talk.count_tokens() <= 200 + 60  # the newest reply is not planned for yet
    assert len(talk.history) == 25
    sent = chat_server.requests[-1].messages
    assert sent[0] == {"role": "system", "content": "You are a helpful assistant."}
    assert len(sent) < 25
    assert sent[1]["role"] == "user"


def test_the_window_keeps_the_last_pairs(chat_server: ChatServer) -> None:
    talk = session(chat_server, strategy="window", window=5)
    for number in range(9):
        talk.send(f"q{number}")
    asked = [m["content"] for m in chat_server.requests[-1].messages if m["role"] == "user"]
    assert asked == ["q3", "q4", "q5", "q6", "q7", "q8"]


def test_a_message_that_can_not_fit_is_refused_with_the_numbers(chat_server: ChatServer) -> None:
    talk = session(chat_server, max_tokens=20)
    with pytest.raises(BudgetError, match="more than the budget of 20"):
        talk.send("word " * 100)
    assert talk.history == []
    assert chat_server.requests == []


def test_a_saved_session_is_written_after_every_message_and_opens_again(
    chat_server: ChatServer, tmp_path: Path
) -> None:
    talk = session(chat_server, "Be kind.")
    talk.send("My name is Alice.")
    talk.save(tmp_path / "alice.json")
    talk.send("I like tea.")
    assert "I like tea." in (tmp_path / "alice.json").read_text()
    with pytest.raises(SessionInUse):
        Session.open(tmp_path / "alice.json")
    talk.close()

    options = {"base_url": chat_server.url, "api_key": "sk-test", "model": "gpt-4o"}
    with Session.open(tmp_path / "alice.json", **options) as again:  # type: ignore[arg-type]
        assert again.turn_count == 2
        assert again.send("What is my name?") == "Your name is Alice."
    assert "What is my name?" in (tmp_path / "alice.json").read_text()


def test_save_writes_over_nothing(chat_server: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "there.json").write_text("mine")
    with pytest.raises(StorageError, match="there is a file"):
        session(chat_server).save(tmp_path / "there.json")
    assert (tmp_path / "there.json").read_text() == "mine"


def test_branches_go_different_ways(chat_server: ChatServer) -> None:
    talk = session(chat_server)
    talk.send("root")
    talk.branch("bold")
    talk.send("bold step")
    talk.switch("main")
    talk.send("plain step")
    assert [m["content"] for m in talk.history if m["role"] == "user"] == ["root", "plain step"]
    with pytest.raises(UsageError):
        talk.branch("bold")


def test_stream_yields_the_events_of_the_command_line(chat_server: ChatServer) -> None:
    events = list(session(chat_server).stream("Hello"))
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "Echo: Hello"
    assert isinstance(events[-1], TurnFinished)


def test_a_stream_that_is_given_up_keeps_what_came(chat_server: ChatServer) -> None:
    chat_server.delay = 0.02
    chat_server.reply_with("a long reply " * 50)
    talk = session(chat_server)
    stream = talk.stream("Hello")
    for event in stream:
        if isinstance(event, TextDelta):
            break
    stream.close()
    assert talk.history[-1]["content"].startswith("a lo")


def test_a_failure_is_raised_and_keeps_the_question(chat_server: ChatServer) -> None:
    chat_server.fail_next(FAULTS["400-openai"])
    talk = session(chat_server)
    with pytest.raises(Refused):
        talk.send("Hello")
    assert talk.history == [{"role": "user", "content": "Hello"}]


def test_a_persona_speaks(chat_server: ChatServer) -> None:
    talk = session(chat_server, persona="pirate")
    talk.send("Hello")
    assert "pirate" in chat_server.requests[0].messages[0]["content"]


def test_a_persona_shows_by_examples_what_is_no_part_of_the_history(
    chat_server: ChatServer, tmp_path: Path
) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "terse.md").write_text(
        "---\nexamples:\n  - {user: One?, assistant: Two.}\n---\nBe terse.\n"
    )
    talk = session(chat_server, persona="terse")
    talk.send("Hello")
    assert [m["content"] for m in chat_server.requests[0].messages] == [
        "Be terse.",
        "One?",
        "Two.",
        "Hello",
    ]
    assert [m["content"] for m in talk.history] == ["Be terse.", "Hello", "Echo: Hello"]
    assert talk.count_tokens() > 20


def test_importing_chatcli_imports_next_to_nothing() -> None:
    code = "import sys, chatcli; print(len([m for m in sys.modules if 'openai' in m or 'rich' in m \
or 'prompt_toolkit' in m or 'pydantic' in m or 'tiktoken' in m]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_the_library_needs_no_terminal(chat_server: ChatServer) -> None:
    code = f"""
import sys
from concurrent.futures import ThreadPoolExecutor
from chatcli import Session
s = Session(model="m", base_url={chat_server.url!r}, api_key="sk-test")
print(s.send("Hello"))
print([m for m in sys.modules if m.split(".")[0] in ("rich", "prompt_toolkit", "typer")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Echo: Hello", "[]"]


def test_what_could_not_be_saved_is_an_error_after_each_reply_and_saved_once_it_can_be(
    chat_server: ChatServer, tmp_path: Path
) -> None:
    path, away = tmp_path / "alice.json", tmp_path / "away.json"
    with session(chat_server) as talk:
        talk.save(path)
        path.rename(away)
        for text in ("My name is Alice.", "I like tea."):
            with pytest.raises(StorageError, match="not saved"):
                talk.send(text)
            assert [m["content"] for m in talk.history[-2:]] == [text, f"Echo: {text}"]
        with pytest.raises(StorageError, match="not saved"):
            talk.branch("bold")
        away.rename(path)
        assert talk.send("What is my name?") == "Your name is Alice."
        wanted = talk.history
    assert [node.message.as_dict() for node in read_session(path).conversation.tree.path] == wanted
    assert len(wanted) == 6


def test_a_stream_has_its_whole_reply_before_the_error_that_it_is_not_saved(
    chat_server: ChatServer, tmp_path: Path
) -> None:
    talk = session(chat_server)
    talk.save(tmp_path / "alice.json")
    (tmp_path / "alice.json").unlink()
    events = []
    with pytest.raises(StorageError, match="not saved"):  # noqa: PT012 - what came before counts
        for event in talk.stream("Hello"):
            events.append(event)  # noqa: PERF402 - a list would be lost with the error
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == "Echo: Hello"
    assert any(isinstance(event, TurnFinished) for event in events)
    talk.close()


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_list_of_messages_is_opened_as_the_beginning_of_a_session_beside_it(
    chat_server: ChatServer, tmp_path: Path, wrapped: bool
) -> None:
    said = [{"role": "user", "content": "My name is Alice."}, {"role": "assistant", "content": "!"}]
    theirs = tmp_path / "theirs.json"
    theirs.write_text(json.dumps({"messages": said} if wrapped else said))
    before = theirs.read_bytes()
    options = {"base_url": chat_server.url, "api_key": "sk-test", "model": "gpt-4o"}
    with Session.open(theirs, **options) as talk:  # type: ignore[arg-type]  # one dict for all
        assert talk.history == said
        assert talk.send("What is my name?") == "Your name is Alice."
        wanted = talk.history
    assert theirs.read_bytes() == before
    (copy,) = (path for path in tmp_path.glob("*.json") if path != theirs)
    assert [node.message.as_dict() for node in read_session(copy).conversation.tree.path] == wanted
    with Session.open(copy, **options) as again:  # type: ignore[arg-type]  # one dict for all
        assert again.history == wanted


@pytest.mark.parametrize("data", [b"Dear reader", b"[" * 1_000, b"{}", b"\xff\xfe"])
def test_a_file_that_holds_no_conversation_is_not_opened(
    chat_server: ChatServer, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "theirs.json").write_bytes(data)
    with pytest.raises(StorageError):
        Session.open(tmp_path / "theirs.json", base_url=chat_server.url, api_key="sk-test")
    assert (tmp_path / "theirs.json").read_bytes() == data


def test_a_notebook_shows_the_messages_as_text(chat_server: ChatServer) -> None:
    chat_server.reply_with("<script>alert(1)</script> & \x1b[31mred\u202e")
    talk = session(chat_server, "Be kind.")
    talk.send("<b>Hello</b>")
    shown = talk._repr_html_()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \N{REPLACEMENT CHARACTER}[31mred" in shown
    assert "&lt;b&gt;Hello&lt;/b&gt;" in shown
    assert "\u202e" not in shown
    assert "openai:gpt-4o, turn 1" in shown


def test_a_notebook_shows_the_newest_of_many_messages(chat_server: ChatServer) -> None:
    talk = session(chat_server)
    for number in range(30):
        talk.send(f"question {number}.")
    shown = talk._repr_html_()
    assert "10 earlier messages" in shown
    assert "question 4." not in shown
    assert "question 5." in shown


def test_sessions_of_several_threads_do_not_meet(chat_server: ChatServer) -> None:
    names = ["Alice", "Bob", "Carol", "Dave", "Eve", "Frank", "Grace", "Heidi"]

    def chat(name: str) -> str:
        with session(chat_server, f"You talk to somebody called {name[::-1]}.") as talk:
            talk.send(f"My name is {name}.")
            talk.count_tokens()
            return talk.send("What is my name?")

    with ThreadPoolExecutor(len(names)) as threads:
        answers = list(threads.map(chat, names))
    assert answers == [f"Your name is {name}." for name in names]
    assert chat_server.violations == []

"""Who answers in a chat, and what goes along as whom, with a real app and a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli.app import Options
from chatcli.conversation.events import Notice
from tests.support.desk import Desk, notices, table
from tests.support.server import ChatServer

SHOWN = ("One?", "Two.")
PERSONAS = {
    "terse": f"---\nexamples: [{{user: {SHOWN[0]}, assistant: {SHOWN[1]}}}]\n---\nBe terse.\n",
    "dated": "---\ninject: [turn]\n---\nYou are {persona} on turn {turn}, and {x} stays.\n",
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


def examples_sent(server: ChatServer) -> bool:
    texts = [message["content"] for message in server.requests[-1].messages]
    return all(text in texts for text in SHOWN)


def test_examples_go_along_with_the_prompt_that_they_were_written_for_and_no_other(
    desk: Desk, chat_server: ChatServer
) -> None:
    desk.type("/persona terse", "Hello")
    assert examples_sent(chat_server)
    desk.type("/system Be kind.", "Hello")
    assert not examples_sent(chat_server)
    desk.type("/new", "Hello")
    assert not examples_sent(chat_server)
    desk.type("/persona terse", "Hello")
    assert examples_sent(chat_server)
    desk.type("/undo 2", "Hello")
    assert not examples_sent(chat_server)


def test_a_session_with_a_prompt_of_its_own_is_resumed_without_the_personas_examples(
    home: Path, chat_server: ChatServer
) -> None:
    for options in (Options("terse", session="own", system="Be kind."), Options(session="own")):
        desk = Desk(home, chat_server, options)
        desk.type("Hello")
        desk.app.close()
        assert desk.system() == "Be kind."
        assert not examples_sent(chat_server)
        assert desk.app.persona == "terse"


def test_the_context_shows_a_system_prompt_as_it_is_sent(desk: Desk) -> None:
    desk.type("/persona dated", "Hello")
    rows = {row.cells[1]: row.cells[4] for row in table(desk.type("/context")).rows}
    assert rows["system"] == "You are dated on turn 2, and {x} stays."
    desk.type("Hello again")
    assert desk.system().startswith(rows["system"])


def test_a_memory_that_can_not_be_read_is_told_before_the_first_question_and_in_memory(
    home: Path, chat_server: ChatServer
) -> None:
    (home / "memory.md").mkdir()
    desk = Desk(home, chat_server)
    told = f"what is remembered is not told: {home / 'memory.md'} is not a regular file"
    opening = [event for event in desk.app.opening() if isinstance(event, Notice)]
    assert [event.text for event in opening if event.level == "warning"] == [told]
    shown = notices(desk.type("/memory"))
    assert told in shown
    assert "nothing is remembered" not in shown
    assert "edit it as you like" not in shown
    desk.app.close()

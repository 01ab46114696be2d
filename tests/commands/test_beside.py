"""A question by the way leaves the conversation as it was, and is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatcli.app import Options
from chatcli.errors import AttachmentError, BudgetError, Refused, UsageError
from tests.support.desk import Desk, notices
from tests.support.faults import FAULTS
from tests.support.server import ChatServer


def said(desk: Desk) -> list[str]:
    return [node.content for node in desk.app.session.history]


def asked(server: ChatServer) -> list[str]:
    return [m["content"] for m in server.requests[-1].messages if m["role"] == "user"]


def test_it_sees_what_was_said_and_is_seen_by_nothing(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    desk = Desk(tmp_path, chat_server)
    desk.type("My name is Alice.")
    told = notices(desk.type("/btw What is my name?"))
    assert asked(chat_server) == ["My name is Alice.", "What is my name?"]
    assert "you are back on `main`; that is kept on `btw-1`" in told
    desk.type("And now?")
    assert asked(chat_server) == ["My name is Alice.", "And now?"]
    desk.type("/switch btw-1")
    assert said(desk)[-1] == "Your name is Alice."
    desk.app.close()
    again = Desk(tmp_path, chat_server, Options(resume=True))
    assert set(again.app.session.tree.heads) == {"main", "btw-1"}
    again.app.close()


def test_one_that_fails_leaves_you_where_you_were(tmp_path: Path, chat_server: ChatServer) -> None:
    desk = Desk(tmp_path, chat_server)
    desk.type("Hello")
    chat_server.fail_next(FAULTS["400-openai"])
    with pytest.raises(Refused):
        desk.type("/btw Are you there?")
    assert desk.app.session.tree.branch == "main"
    assert said(desk) == ["Hello", "Echo: Hello"]
    desk.app.close()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("/btw", UsageError),
        ("/btw " + "word " * 200, BudgetError),
        ("/btw read @./nowhere.md", AttachmentError),
    ],
)
def test_one_that_can_not_be_asked_costs_a_line_and_no_branch(
    line: str, error: type[Exception], tmp_path: Path, chat_server: ChatServer
) -> None:
    desk = Desk(tmp_path, chat_server)
    desk.type("Hello", "/budget 100")
    with pytest.raises(error):
        desk.type(line)
    assert list(desk.app.session.tree.heads) == ["main"]
    assert len(chat_server.requests) == 1
    desk.app.close()

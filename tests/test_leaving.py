"""Leaving a conversation for another, for another name or for good: nothing of it stays behind."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatcli.app import App, Options
from chatcli.commands.registry import Run, Say
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.errors import StorageError
from chatcli.settings import load
from chatcli.storage.journal import FileJournal
from chatcli.storage.mending import read_session, torn_beside
from chatcli.storage.partial import PartialFile, partial_beside
from tests.support.foreign_files import as_json
from tests.support.server import ChatServer

PLAIN = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."}]


@contextmanager
def running(home: Path, server: ChatServer, options: Options | None = None) -> Iterator[App]:
    """A chat on the server, from its opening until the user leaves it."""
    settings = load(
        {"base_url": server.url, "model": "gpt-4o"},
        environ={"CHATCLI_HOME": str(home), "OPENAI_API_KEY": "sk-test"},
        cwd=home,
    )
    app = App(settings, options or Options())
    try:
        app.wait_for_counting()
        yield app
    finally:
        app.close()


def typed(app: App, *lines: str) -> str:
    """Do what each line says, and return what the last one told."""
    seen: list[Event] = []
    for line in lines:
        app.session.ready()
        match app.commands.interpret(line):
            case Say(text):
                seen = list(app.session.ask(text))
            case Run(command, arguments):
                seen = list(command.run(app, arguments))
    return "\n".join(event.text for event in seen if isinstance(event, Notice))


def contents(path: Path) -> list[str]:
    return [node.content for node in read_session(path).conversation.tree.path]


def path_of(app: App) -> Path:
    assert app.path is not None
    return app.path


@pytest.fixture
def rescued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which rescued conversations land."""
    folder = tmp_path / "rescued"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


# For another conversation


@pytest.mark.parametrize("line", ["/new", "/load other"])
def test_what_is_unsaved_is_brought_to_safety_before_another_conversation(
    tmp_path: Path, rescued: Path, chat_server: ChatServer, line: str
) -> None:
    with running(tmp_path, chat_server, Options(session="other")) as app:
        typed(app, "elsewhere")
    with running(tmp_path, chat_server, Options(session="mine")) as app:
        typed(app, "before")
        with path_of(app).open("ab") as file:
            file.write(b"\n")
        typed(app, "not in the file")
        assert app.session.trouble
        told = typed(app, line)
        (safe,) = rescued.rglob("*.json")
        assert f"all of it is in {safe}" in told
        assert app.session.trouble == ""
    assert contents(safe) == ["before", "Echo: before", "not in the file", "Echo: not in the file"]


def test_a_session_whose_file_is_gone_can_be_left_for_another(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with running(tmp_path, chat_server, Options(session="other")) as app:
        typed(app, "elsewhere")
    with running(tmp_path, chat_server, Options(session="mine")) as app:
        typed(app, "before")
        path_of(app).unlink()
        typed(app, "/load other")
        assert [node.content for node in app.session.history] == ["elsewhere", "Echo: elsewhere"]


def test_a_persona_that_was_asked_for_stays_out_of_the_sessions_that_are_loaded(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with running(tmp_path, chat_server, Options(session="coder", persona="coder")) as app:
        typed(app, "Hello")
        coder = path_of(app)
    before = coder.read_bytes()
    with running(tmp_path, chat_server, Options(persona="pirate")) as app:
        typed(app, "Ahoy", "/load coder")
        assert app.persona == "coder"
    assert coder.read_bytes() == before


# Copies


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (("/edit 2 MY WORDS",), ["Hello", "MY WORDS"]),
        (("/pin 1",), ["Hello", "Hi."]),
        (("/mute 1",), ["Hello", "Hi."]),
        (("/branch other",), ["Hello", "Hi."]),
    ],
)
def test_what_is_changed_in_a_copy_of_a_plain_list_is_on_the_disk(
    tmp_path: Path, chat_server: ChatServer, lines: tuple[str, ...], wanted: list[str]
) -> None:
    theirs = as_json(tmp_path / "theirs.json", PLAIN)
    before = theirs.read_bytes()
    with running(tmp_path, chat_server, Options(session=str(theirs))) as app:
        typed(app, *lines)
        copy, talk = path_of(app), app.session.conversation
    assert contents(copy) == wanted
    stored = read_session(copy).conversation
    assert {name: each.mark for name, each in stored.marks.items()} == {
        name: each.mark for name, each in talk.marks.items()
    }
    assert stored.tree.branch == talk.tree.branch
    assert theirs.read_bytes() == before


@pytest.mark.parametrize("line", ["/edit 2 MY WORDS", "/pin 1"])
def test_what_is_changed_in_a_copy_of_a_session_in_use_is_on_the_disk(
    tmp_path: Path, chat_server: ChatServer, line: str
) -> None:
    with running(tmp_path, chat_server, Options(session="theirs")) as writer:
        typed(writer, "Hello")
        theirs = path_of(writer)
        before = theirs.read_bytes()
        with running(tmp_path, chat_server, Options(session="theirs")) as app:
            typed(app, line)
            copy = path_of(app)
        assert theirs.read_bytes() == before
    stored = read_session(copy).conversation
    assert copy != theirs
    assert stored.tree.path[0].content == "Hello"
    assert "MY WORDS" in contents(copy) or stored.marks


# For another name


@pytest.mark.parametrize("said_since", [False, True])
def test_a_session_whose_file_is_gone_is_saved_whole_under_another_name(
    tmp_path: Path, chat_server: ChatServer, said_since: bool
) -> None:
    with running(tmp_path, chat_server, Options(session="mine")) as app:
        typed(app, "before")
        path_of(app).unlink()
        if said_since:
            typed(app, "since")
        typed(app, "/save trip", "after")
        assert app.session.trouble == ""
        assert path_of(app).name == "trip.json"
        wanted = [node.content for node in app.session.tree.path]
    assert contents(tmp_path / "sessions" / "trip.json") == wanted
    assert wanted[-1] == "Echo: after"


def test_a_session_is_saved_under_a_name_on_another_disk(
    tmp_path: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def within_a_folder(name: str) -> None:
        real = getattr(os, name)

        def call(source: Path, target: Path, **options: object) -> object:
            if Path(source).parent != Path(target).parent:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            return real(source, target, **options)

        monkeypatch.setattr(os, name, call)

    for name in ("link", "rename", "replace"):
        within_a_folder(name)
    with running(tmp_path, chat_server, Options(session=str(elsewhere / "mine.json"))) as app:
        typed(app, "before", "/save trip", "after")
        assert path_of(app) == tmp_path / "sessions" / "trip.json"
    assert contents(tmp_path / "sessions" / "trip.json") == [
        *("before", "Echo: before", "after", "Echo: after"),
    ]


@pytest.mark.parametrize("said", [("before",), ()], ids=["begun", "nothing said"])
def test_a_name_that_is_taken_changes_nothing(
    tmp_path: Path, chat_server: ChatServer, said: tuple[str, ...]
) -> None:
    with running(tmp_path, chat_server, Options(session="taken")) as app:
        typed(app, "elsewhere")
        taken = path_of(app)
    before = taken.read_bytes()
    with running(tmp_path, chat_server, Options(session="mine")) as app:
        typed(app, *said)
        with pytest.raises(StorageError):
            typed(app, "/save taken")
        assert app.session.conversation.title is None
        assert app.session.trouble == ""
        typed(app, "and on")
        assert app.session.trouble == ""
        assert path_of(app).name == "mine.json"
        assert contents(path_of(app))[-1] == "Echo: and on"
    assert taken.read_bytes() == before


def test_a_name_that_is_taken_helps_nobody_whose_file_was_changed(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    with running(tmp_path, chat_server, Options(session="taken")) as app:
        typed(app, "elsewhere")
    with running(tmp_path, chat_server, Options(session="mine")) as app:
        typed(app, "before")
        path_of(app).unlink()
        typed(app, "since")
        trouble = app.session.trouble
        with pytest.raises(StorageError):
            typed(app, "/save taken")
        assert app.session.conversation.title is None
        assert app.session.trouble == trouble != ""
        typed(app, "/save trip")
        assert contents(path_of(app))[-1] == "Echo: since"


# What a crash has left


@pytest.mark.parametrize("name", [[], {}, 7, None, ""], ids=repr)
def test_a_partial_reply_of_no_name_is_put_aside(
    tmp_path: Path, chat_server: ChatServer, name: object
) -> None:
    with running(tmp_path, chat_server, Options(session="mine")) as app:
        typed(app, "Hello")
        path, question = path_of(app), app.session.tree.path[0]
    about = {"id": name, "parent": question.id, "time": now(), "model": "m"}
    partial_beside(path).write_text(f"{json.dumps(about)}\n{json.dumps('half a thought')}\n")
    journal, talk, told = FileJournal.open(path)
    journal.close()
    assert [node.content for node in talk.tree.path] == ["Hello", "Echo: Hello"]
    assert told == ["what was left of a reply, and answers nothing here, is in mine.json.torn"]
    assert "half a thought" in torn_beside(path).read_text()


def test_a_full_disk_leaves_no_empty_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    question = Node(new_id(), None, Message("user", "Hello"), now())
    partial = PartialFile(lambda: tmp_path / "s.json")
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite" if hasattr(os, "pwrite") else "write", full)
        partial.add(Node("p1", question, Message("assistant", ""), now()), "half a thought")
        partial.close()
    assert list(tmp_path.iterdir()) == []

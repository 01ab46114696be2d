"""/file /copy /theme /set and the first run, with a real app and a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli import commands
from chatcli.app import App, Options
from chatcli.commands.attach import say
from chatcli.commands.registry import Run, Say
from chatcli.conversation.events import (
    Document,
    Event,
    Notice,
    Preference,
    ReasoningDelta,
    Table,
    TextDelta,
    ToClipboard,
    TurnStarted,
)
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.errors import AttachmentError, UsageError
from chatcli.settings import load
from chatcli.terminal.clipboard import osc52
from chatcli.terminal.render import Look, Renderer
from chatcli.terminal.theme import UNICODE
from tests.support.server import ChatServer

SHIPPED = commands.shipped()
CODE = "Do this:\n\n1. So:\n\n   ```sh\n   ls\n     -l\n   ```\n\nDone."


class Desk:
    """An app on a server, in a folder with a file, and what its user types."""

    def __init__(self, home: Path, server: ChatServer) -> None:
        self.server = server
        self.settings = load(
            {"base_url": server.url, "model": "gpt-4o"},
            environ={"CHATCLI_HOME": str(home), "OPENAI_API_KEY": "sk-test"},
            cwd=home,
        )
        self.app = App(self.settings, Options())
        self.app.wait_for_counting()

    def type(self, *lines: str) -> list[Event]:
        """Do what each line says, and return what the last one showed."""
        seen: list[Event] = []
        for line in lines:
            self.app.session.ready()
            match self.app.commands.interpret(line):
                case Say(text):
                    seen = list(say(self.app, text))
                case Run(command, arguments):
                    seen = list(command.run(self.app, arguments))
        return seen

    def sent(self) -> str:
        return self.server.requests[-1].messages[-1]["content"]


@pytest.fixture
def desk(
    tmp_path: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "no-programs"))
    (tmp_path / "notes.md").write_text("# Notes\n")
    (tmp_path / "a b.txt").write_text("spaced\n")
    desk = Desk(tmp_path, chat_server)
    yield desk
    desk.app.close()


def notices(events: list[Event]) -> str:
    return "\n".join(f"{e.text}; {e.hint}" for e in events if isinstance(e, Notice))


def renderer(*, color: bool = True, markdown: bool = True, width: int = 80) -> Renderer:
    look = Look(
        lambda: width,
        color=color,
        markdown=markdown,
        glyphs=UNICODE,
        clipboard=lambda text: osc52(text, tmux=False),
    )
    return Renderer(look)


# Files


def test_a_file_that_is_attached_goes_along_with_the_next_message_alone(desk: Desk) -> None:
    assert "notes.md goes along with your next message: 9 tokens" in notices(
        desk.type("/file notes.md")
    )
    desk.type("Sum this up")
    assert desk.sent() == "Sum this up\n\nnotes.md:\n```\n# Notes\n```"
    desk.type("Thank you")
    assert desk.sent() == "Thank you"


def test_a_file_that_a_message_names_is_told_before_the_request_leaves(desk: Desk) -> None:
    events = desk.type("Sum up @notes.md")
    kinds = [type(event) for event in events]
    assert kinds.index(Notice) < kinds.index(TurnStarted)
    assert "notes.md goes along: 9 tokens" in notices(events)
    assert desk.sent() == "Sum up @notes.md\n\nnotes.md:\n```\n# Notes\n```"


def test_what_is_attached_is_listed_and_taken_back(desk: Desk) -> None:
    (table,) = desk.type("/file notes.md", '/file "a b.txt"', "/file")
    assert isinstance(table, Table)
    assert [row.cells[:2] for row in table.rows] == [("1", "notes.md"), ("2", "a b.txt")]
    assert "2 files attached" in desk.app.toolbar().warnings
    desk.type("/file drop 1", "Look")
    assert desk.sent() == "Look\n\na b.txt:\n```\nspaced\n```"
    assert "nothing is attached" in notices(desk.type("/file"))


def test_there_is_no_dropping_what_is_not_attached(desk: Desk) -> None:
    with pytest.raises(UsageError, match="nothing is attached"):
        desk.type("/file drop")
    with pytest.raises(UsageError, match="there is no file 3"):
        desk.type("/file notes.md", "/file drop 3")


def test_a_file_that_can_not_go_along_keeps_the_message_from_being_sent(desk: Desk) -> None:
    with pytest.raises(AttachmentError, match="there is no file"):
        desk.type('Sum up @"no such.md"')
    assert desk.server.requests == []
    assert desk.app.session.history == ()


def test_what_is_attached_stays_when_the_message_can_not_be_sent(
    desk: Desk, tmp_path: Path
) -> None:
    (tmp_path / "long.txt").write_text("word " * 259_990)
    desk.type("/file long.txt", "/file notes.md")
    with pytest.raises(AttachmentError, match="too much to attach"):
        desk.type("Look: " + "a" * 100)
    assert len(desk.app.going_along) == 2
    desk.type("/file drop 1", "Look")
    assert desk.sent() == "Look\n\nnotes.md:\n```\n# Notes\n```"


# The clipboard


def said(desk: Desk, *texts: str) -> None:
    desk.server.reply_with(*texts)
    desk.type(*(f"question {number}" for number in range(len(texts))))


def copied(events: list[Event]) -> str:
    (event,) = events
    assert isinstance(event, ToClipboard)
    return event.text


def test_the_last_reply_a_message_and_the_last_code_are_copied(desk: Desk) -> None:
    said(desk, CODE, "Anything **else**?")
    assert copied(desk.type("/copy")) == "Anything **else**?"
    assert copied(desk.type("/copy 1")) == "question 0"
    assert copied(desk.type("/copy code")) == "ls\n  -l"


def test_there_is_no_copying_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no reply to copy"):
        desk.type("/copy")
    with pytest.raises(UsageError, match="no message 7"):
        desk.type("/copy 7")
    said(desk, "no code here")
    with pytest.raises(UsageError, match="no reply has a block of code"):
        desk.type("/copy code")


def test_a_terminal_is_given_the_text_and_a_pipe_is_not() -> None:
    event = ToClipboard("Ahoy", "the last reply")
    shown = renderer().show(event)
    assert shown.startswith("\x1b]52;c;QWhveQ==\x07")
    assert "OSC 52" in shown
    piped = Renderer(Look(lambda: 80, color=False, markdown=False, glyphs=UNICODE))
    assert "\x1b" not in piped.show(event)


# How things look


@pytest.mark.parametrize(("theme", "code"), [("light", "\x1b[38;5;130m"), ("dark", "\x1b[93m")])
def test_a_theme_colours_what_comes_after_it(theme: str, code: str) -> None:
    shows = renderer()
    assert f"the theme is {theme}" in shows.show(Preference("theme", theme))
    assert code in shows.show(Notice("mind the gap", level="warning"))


def test_without_colours_nothing_is_coloured_and_back_again() -> None:
    shows = renderer()
    shows.show(Preference("theme", "mono"))
    table = Table("T", ("a", "b"), ())
    assert "\x1b" not in shows.show(Notice("mind", level="warning")) + shows.show(table)
    assert "\x1b" not in shows.show(Document("# A\n\n`b`"))
    shows.show(Preference("theme", "light"))
    assert "\x1b" in shows.show(Notice("mind", level="warning"))


def test_no_theme_brings_colours_where_there_are_none() -> None:
    shows = renderer(color=False)
    assert "no colours here" in shows.show(Preference("theme", "light"))
    assert "\x1b" not in shows.show(Notice("mind", level="warning"))


def test_a_theme_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no theme `blue`"):
        desk.type("/theme blue")


# Settings of the chat


def test_settings_are_shown_and_those_that_are_none_are_refused(desk: Desk) -> None:
    assert Preference("reasoning") in desk.type("/set")
    assert desk.type("/set reasoning full") == [Preference("reasoning", "full")]
    with pytest.raises(UsageError, match="no setting `colour`"):
        desk.type("/set colour red")
    with pytest.raises(UsageError, match="can't be `loud`"):
        desk.type("/set reasoning loud")


QUESTION = Node(new_id(), None, Message("user", "Why?"), now())
THINKS: tuple[Event, ...] = (
    TurnStarted(QUESTION),
    ReasoningDelta("Let me\nsee, "),
    ReasoningDelta("well"),
)


def test_reasoning_is_shown_in_full_in_brief_or_not_at_all() -> None:
    shown, passing = {}, {}
    for how in ("off", "brief", "full"):
        shows = renderer(color=False)
        shows.show(Preference("reasoning", how))
        text = "".join(map(shows.show, THINKS))
        passing[how] = (shows.thoughts.passing, shows.live(5))
        shown[how] = text + shows.show(TextDelta("So.\n\nYes.")) + shows.end_reply()
    assert passing == {"off": ("", ""), "brief": ("see, well", ""), "full": ("", "see, well\n")}
    assert shown["off"] == shown["brief"] == "So.\n\nYes.\n"
    assert shown["full"] == "Let me\nsee, well\n\nSo.\n\nYes.\n"


def test_reasoning_that_drives_a_terminal_is_cut_out_wherever_it_is_split() -> None:
    hostile = "a\x1b]0;title\x07b\x1b[2Jc\nd"
    for cut in range(len(hostile)):
        shows = renderer(color=False)
        shows.show(Preference("reasoning", "full"))
        pieces = (ReasoningDelta(hostile[:cut]), ReasoningDelta(hostile[cut:]))
        events: tuple[Event, ...] = (TurnStarted(QUESTION), *pieces)
        text = "".join(map(shows.show, events)) + shows.end_reply()
        assert text == "abc\nd\n\n"


def test_the_first_run_says_three_lines_that_fit(desk: Desk) -> None:
    opening = "".join(map(renderer(color=False).show, desk.app.opening()))
    assert re.findall(r"^· .*(answers|kept|/help)", opening, re.MULTILINE) == [
        "answers",
        "kept",
        "/help",
    ]

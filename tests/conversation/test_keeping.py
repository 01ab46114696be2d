"""What comes is kept, whoever reads it, however it ends, and however many threads take part."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from chatcli.conversation import arriving as arrivals
from chatcli.conversation import text as long_texts
from chatcli.conversation import tree as trees
from chatcli.conversation.arriving import Arriving, Asked, Patience
from chatcli.conversation.events import Event, Notice, TextDelta, TurnFinished
from chatcli.conversation.exchange import Exchange
from chatcli.conversation.keeping import Keeper
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.conversation.ports import Delta, Forgetful
from chatcli.conversation.records import Conversation, Header, Record, whole
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree, TreeError
from chatcli.errors import StorageError, UsageError
from chatcli.providers.base import Endpoint
from chatcli.providers.openai import OpenAIProvider
from chatcli.storage import wire
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.mending import read_session
from chatcli.storage.partial import partial_beside, read_partial
from tests.support.edits import first
from tests.support.mischief import Fault, answer_whole, stream
from tests.support.protocol import Reply
from tests.support.server import ChatServer
from tests.support.wire import Wire

if TYPE_CHECKING:
    from _typeshed import TraceFunction

TALE = "Once upon a time there was a ship "


def talk_with(server: ChatServer, *said: Message) -> Session:
    """A conversation with the server in which this was said; the last of it was cut off."""
    tree = Tree()
    for message in said:
        finish = "length" if message.role == "assistant" else None
        tree = trees.add(tree, Node(new_id(), tree.head, message, now(), finish=finish))
    provider = OpenAIProvider("openai:gpt-4o", lambda: Endpoint(server.url, "sk-test", "gpt-4o"))
    return Session(
        Conversation(Header("01K", now()), tree),
        provider,
        Forgetful(),
        TokenCounter("openai:gpt-4o"),
        patience=Patience(attempts=2, first_delay=0.0),
    )


def tale(server: ChatServer) -> Session:
    return talk_with(server, Message("user", "A tale"), Message("assistant", TALE))


def texts(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def last(talk: Session) -> str:
    assert talk.tree.head is not None
    return talk.tree.head.content


# Going on with a reply


def test_what_was_held_back_when_a_request_broke_off_is_not_in_the_next(
    chat_server: ChatServer,
) -> None:
    begun = Fault(
        "begun",
        "a repetition, then FIN",
        stream(first(2), Wire.cut),
        reply=Reply(("there was", " a ship", " that sailed")),
    )
    chat_server.fail_next(begun)
    chat_server.reply_with("there was a ship that sailed.")
    talk = tale(chat_server)
    events = list(talk.go_on())
    assert len(chat_server.requests) == 2
    assert last(talk) == "Once upon a time there was a ship that sailed."
    assert texts(events).count("ship") <= 1


@pytest.mark.parametrize("kind", [TextDelta, Notice])
def test_a_reader_who_stops_at_what_was_held_back_has_the_joined_reply_in_the_tree(
    chat_server: ChatServer, kind: type[Event]
) -> None:
    before = "Once upon a time there was a "
    talk = talk_with(chat_server, Message("user", "A tale"), Message("assistant", before))
    question, old = talk.tree.path
    chat_server.reply_with("upon")
    for event in talk.go_on():
        if isinstance(event, kind):
            break
    head = talk.tree.head
    assert head is not None
    assert head.parent is question
    assert head is not old
    assert head.content == f"{before}upon"
    assert trees.holds(talk.tree, old)


# How much is kept


def test_a_message_that_is_too_long_is_refused_before_anything_is_kept(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_texts, "LONGEST_TEXT", 100)
    talk = tale(chat_server)
    before = talk.conversation
    for node in (None, talk.tree.path[0]):
        with pytest.raises(UsageError, match="at most 100 characters"):
            list(talk.ask("x" * 101, instead_of=node))
        assert talk.conversation is before
    assert chat_server.requests == []
    list(talk.ask("x" * 100))
    assert len(talk.history) == 4


def test_a_reply_in_the_user_s_words_is_no_longer_than_a_message_can_be(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_texts, "LONGEST_TEXT", 100)
    talk = tale(chat_server)
    before = talk.conversation
    with pytest.raises(UsageError, match="at most 100 characters"):
        list(talk.ask("x" * 101, instead_of=talk.tree.head))
    assert talk.conversation is before


def test_a_reply_that_never_ends_stops_where_a_message_ends(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "LONGEST_TEXT", 200)
    chat_server.delay = 0.001
    chat_server.reply_with("on and on " * 2_000)
    talk = talk_with(chat_server)
    *_, end = talk.ask("Hello")
    assert isinstance(end, TurnFinished)
    assert end.finish == "length"
    assert 200 <= len(last(talk)) <= 200 + 2 * chat_server.chunk
    chat_server.wait_for_disconnect()


def test_a_reply_that_is_gone_on_with_for_ever_stops_where_a_message_ends(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "LONGEST_TEXT", 200)
    chat_server.delay = 0.001
    talk = talk_with(chat_server)
    chat_server.reply_with("on and on " * 2_000)
    list(talk.ask("Hello"))
    for _ in range(2):
        chat_server.reply_with("and further on " * 2_000)
        list(talk.go_on())
    assert len(last(talk)) <= 200 + 2 * chat_server.chunk


def test_a_reply_that_comes_at_once_is_no_longer_than_a_message_can_be(
    chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "LONGEST_TEXT", 200)
    chat_server.fail_next(Fault("whole", "one object", answer_whole))
    chat_server.reply_with("on and on " * 2_000)
    talk = talk_with(chat_server)
    *_, end = talk.ask("Hello")
    assert isinstance(end, TurnFinished)
    assert end.finish == "length"
    assert len(last(talk)) <= 200


@pytest.mark.parametrize("character", ["x", '"', "\u65e5", "\U0001f3f4", "\x01"], ids=ascii)
def test_a_message_as_long_as_one_can_be_has_room_in_the_file(character: str) -> None:
    node = Node(new_id(), None, Message("user", character * long_texts.LONGEST_TEXT), now())
    assert len(wire.encode(node)) <= wire.MAX_LINE


# Whose message it is


def test_a_message_of_another_conversation_takes_no_place_here(chat_server: ChatServer) -> None:
    talk = tale(chat_server)
    before = talk.conversation
    for node in tale(chat_server).tree.path:
        with pytest.raises(TreeError, match="not in this conversation"):
            list(talk.ask("In other words", instead_of=node))
        assert talk.conversation is before
    assert chat_server.requests == []


# Threads


class Flaky(FileJournal):
    """The journal of a disk that is full every other time."""

    def __init__(self, path: Path) -> None:
        super().__init__(at(path))
        self._turns = 0

    def append(self, *records: Record) -> tuple[str, ...]:
        self._turns += 1
        if self._turns % 2:
            raise StorageError("No space left on device")
        return super().append(*records)


@contextmanager
def hurried() -> Iterator[None]:
    """Have threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def meanwhile(act: Callable[[], object]) -> Iterator[list[BaseException]]:
    """Do something over and over in a thread of its own; yields what went wrong there."""
    ended, wrong = threading.Event(), list[BaseException]()

    def repeat() -> None:
        try:
            while not ended.is_set():
                act()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            wrong.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield wrong
    finally:
        ended.set()
        thread.join()


def test_a_save_in_the_background_never_comes_in_the_way_of_a_reply(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    question = Node("q", None, Message("user", "Hello"), now())
    tree = trees.add(Tree(), question)
    talk = Conversation(Header("01K", now()), tree)
    keeper = Keeper(Flaky(path), whole(talk), began=True)
    replies: list[Node] = []
    with hurried(), meanwhile(keeper.keep) as wrong:
        for number in range(60):
            beginning = Node(f"r{number}", question, Message("assistant", ""), now(), "m")
            pieces = [f"{number}.{piece} " for piece in range(10)]
            for piece in pieces:
                keeper.partial(beginning, piece)
            message = Message("assistant", "".join(pieces))
            replies.append(Node(beginning.id, question, message, now(), "m", None, "stop"))
            keeper.keep(replies[-1])
            keeper.settle()
        coming = Node("last", question, Message("assistant", ""), now(), "m")
        pieces = [f"last.{piece} " for piece in range(200)]
        for piece in pieces:
            keeper.partial(coming, piece)
    assert wrong == []
    if keeper.keep() and keeper.trouble:
        keeper.keep()
    assert keeper.trouble == ""
    keeper.journal.close()
    kept = {node.id: node.content for node in read_session(path).conversation.tree.nodes()}
    assert kept == {"q": "Hello", **{node.id: node.content for node in replies}}
    left = {about["id"]: about["content"] for about in read_partial(partial_beside(path)).replies}
    assert left["last"] == "".join(pieces)


class Short:
    """A provider whose replies are a word, and its reply. No real one ends at the line we want."""

    model = "openai:gpt-4o"

    def stream(self, messages: Sequence[Message]) -> Short:
        return self

    def __iter__(self) -> Iterator[Delta]:
        yield TextDelta("Yes.")

    def close(self) -> None:
        pass


@contextmanager
def before_line(
    number: int, of: Callable[..., object], act: Callable[[], object]
) -> Iterator[None]:
    """Do something right before a function runs a line of its own, counted from one."""
    before, lines = sys.gettrace(), [0]

    def trace(frame: FrameType, event: str, _argument: object) -> TraceFunction | None:
        if frame.f_code is not getattr(of, "__code__", None):
            return None
        lines[0] += event == "line"
        if event == "line" and lines[0] == number:
            act()
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("line", [1, 2, 3, 4])
def test_a_stop_that_comes_as_a_reply_ends_is_no_mistake(line: int) -> None:
    asking = Exchange(Patience())
    question = Node("q", None, Message("user", "Hello"), now())
    arriving = Arriving(Asked(question, [question.message]), "openai:gpt-4o")
    coming = asking.stream(Short(), arriving)
    assert next(coming) == TextDelta("Yes.")
    with before_line(line, Exchange.stop, lambda: list(coming)):
        asking.stop()
    assert list(coming) == []
    assert arriving.node("stop").content == "Yes."

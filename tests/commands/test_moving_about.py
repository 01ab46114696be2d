"""Slash-commands in any order, on a real file: nothing that was said is ever out of reach."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from chatcli import commands
from chatcli.commands.registry import Chat, Registry, Run, Say
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Draft, Event, TextDelta
from chatcli.conversation.messages import CUT, Message, Node, now, path_to
from chatcli.conversation.ports import Delta, Finish
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import ChatcliError, ProviderError
from chatcli.storage.attachments import Attachment
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.mending import read_session

Path_: TypeAlias = tuple[str, ...]

START: Path_ = ("Be kind.",)


class Scripted:
    """A provider that says what it is told to, and ends as it is told to."""

    model = "test:scripted"

    def __init__(self) -> None:
        self.script: list[tuple[list[str], str]] = []
        self.asked: list[list[Message]] = []

    def stream(self, messages: Sequence[Message]) -> ScriptedReply:
        self.asked.append(list(messages))
        return ScriptedReply(*self.script.pop(0))


class ScriptedReply:
    def __init__(self, pieces: list[str], ending: str) -> None:
        self._pieces = pieces
        self._ending = ending

    def __iter__(self) -> Iterator[Delta]:
        yield from map(TextDelta, self._pieces)
        if self._ending == "error":
            raise ProviderError("the line broke")
        if self._ending != "silence":
            yield Finish(self._ending)

    def close(self) -> None:
        pass


class Bench:
    """A chat of which the commands that move about need no more than this."""

    def __init__(self, folder: Path) -> None:
        self.commands: Registry = commands.shipped()
        self.going_along: list[Attachment] = []
        self.provider = Scripted()
        self.file = folder / "talk.json"
        tree = trees.add(Tree(), trees.say(Tree(), Message("system", "Be kind.")))
        journal = FileJournal(at(self.file))
        self.session = self._session(Conversation(Header("01K", now()), tree), journal)
        list(self.session.save())

    def _session(
        self, talk: Conversation, journal: FileJournal, *, stored: bool = False
    ) -> Session:
        counter = TokenCounter(self.provider.model)
        return Session(talk, self.provider, journal, counter, stored=stored)

    def type(self, line: str, *replies: tuple[list[str], str]) -> list[Event]:
        """Do what somebody does who types `line`; `replies` are what the model has to say."""
        self.provider.script = list(replies)
        self.session.ready()
        match self.commands.interpret(line):
            case Say(text):
                events = self.session.ask(text)
            case Run(command, arguments):
                events = command.run(cast("Chat", self), arguments)
        seen: list[Event] = []
        with suppress(ProviderError):
            seen += events
        assert not self.session.trouble
        return seen

    def reopen(self) -> None:
        self.session.journal.close()
        journal, talk, told = FileJournal.open(self.file)
        assert told == []
        self.session = self._session(talk, journal, stored=True)

    @property
    def path(self) -> Path_:
        return texts(self.session.tree.head)


def texts(head: Node | None) -> Path_:
    return tuple(node.content for node in path_to(head))


def reachable(tree: Tree) -> set[Path_]:
    whole = {texts(head) for head in tree.heads.values()}
    return {path[:length] for path in whole for length in range(1, len(path) + 1)}


REPLIES = st.tuples(st.integers(1, 3), st.sampled_from(["stop", "stop", "length", "error"]))


class Talk(RuleBasedStateMachine):
    """Knows of the conversation no more than which paths were ever taken, and where it is."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.bench = Bench(self.folder)
        self.numbers = itertools.count(1)
        self.here: Path_ = START
        self.ever: set[Path_] = {self.here}
        self.branches = {"main": self.here}
        self.undone: list[Path_] = []

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.session.journal.close()
            shutil.rmtree(self.folder)

    # What is said, and what the model says to it

    def _new(self, what: str) -> str:
        return f"{what} number {next(self.numbers)}."

    def _reply(self, shape: tuple[int, str]) -> tuple[tuple[list[str], str], str]:
        text = self._new("reply")
        cut = max(len(text) // shape[0], 1)
        pieces = [text[start : start + cut] for start in range(0, len(text), cut)]
        return (pieces, shape[1]), text

    def _went(self, path: Path_, *, keeps_undone: bool = False) -> None:
        """Note that the conversation is at the end of `path` now, and see that it is."""
        left, self.here = self.here, path
        self.ever |= {path[:length] for length in range(1, len(path) + 1)}
        if not keeps_undone:
            self.undone = []
        tree = self.bench.session.tree
        self.branches[tree.branch] = path
        for name in tree.heads.keys() - self.branches.keys():
            assert texts(tree.heads[name]) == left, f"`{name}` keeps what was left"
            self.branches[name] = left
        self._look()

    def _look(self) -> None:
        tree = self.bench.session.tree
        assert self.bench.path == self.here
        assert {name: texts(head) for name, head in tree.heads.items()} == self.branches
        assert self.ever <= reachable(tree), "all that was ever said can be reached"
        for node in tree.nodes():
            if node.role == "assistant":
                assert node.parent is not None
                assert node.parent.role == "user", "a reply follows a question"
        there = read_session(self.bench.file).conversation.tree
        assert there.branch == tree.branch
        assert {n: texts(h) for n, h in there.heads.items()} == self.branches
        assert [texts(node) for node in there.undone] == [texts(node) for node in tree.undone]

    @rule(shape=REPLIES)
    def say(self, shape: tuple[int, str]) -> None:
        question = self._new("question")
        reply, text = self._reply(shape)
        self.bench.type(question, reply)
        self._went((*self.here, question, text))

    @rule()
    def say_in_vain(self) -> None:
        question = self._new("question")
        self.bench.type(question, ([], "error"))
        self._went((*self.here, question))

    def _last_question(self) -> int | None:
        tree = self.bench.session.tree
        node = trees.last_question(tree)
        return node.depth if node else None

    @precondition(lambda self: self._last_question() is not None)
    @rule(shape=REPLIES)
    def retry(self, shape: tuple[int, str]) -> None:
        question = self._last_question()
        assert question is not None
        reply, text = self._reply(shape)
        self.bench.type("/retry", reply)
        self._went((*self.here[: question + 1], text))

    @precondition(lambda self: self._last_question() is not None)
    @rule()
    def retry_in_vain(self) -> None:
        self.bench.type("/retry", ([], "error"))
        self._look()

    @precondition(lambda self: self.bench.session.tree.head.role == "assistant")
    @rule(shape=REPLIES)
    def go_on(self, shape: tuple[int, str]) -> None:
        head = self.bench.session.tree.head
        assert head is not None
        if head.finish not in CUT:
            with pytest.raises(ChatcliError):
                self.bench.type("/continue")
            return
        reply, text = self._reply(shape)
        self.bench.type("/continue", reply)
        joined = self.bench.path[-1]
        assert joined.startswith(head.content)
        assert joined.endswith(text)
        assert self.bench.path[:-1] == self.here[:-1]
        self._went((*self.here[:-1], joined))

    @precondition(lambda self: self.bench.session.history)
    @rule(data=st.data(), shape=REPLIES, at_once=st.booleans())
    def edit(self, data: st.DataObject, shape: tuple[int, str], at_once: bool) -> None:
        history = self.bench.session.history
        number = data.draw(st.integers(1, len(history)))
        node = history[number - 1]
        wording = self._new("wording")
        reply, text = self._reply(shape)
        if at_once:
            self.bench.type(f"/edit {number} {wording}", reply)
        else:
            (draft,) = self.bench.type(f"/edit {number}")
            assert draft == Draft(node.content, edits=node)
            self.bench.provider.script = [reply]
            with suppress(ProviderError):
                list(self.bench.session.ask(wording, instead_of=node))
        before = self.here[: node.depth]
        own = (wording,) if node.role == "assistant" else (wording, text)
        self._went((*before, *own))

    # Moving about

    @rule(turns=st.integers(1, 3))
    def undo(self, turns: int) -> None:
        questions = [n.depth for n in self.bench.session.history if n.role == "user"]
        if turns > len(questions):
            with pytest.raises(ChatcliError):
                self.bench.type(f"/undo {turns}")
            return
        left = self.here
        self.bench.type(f"/undo {turns}")
        self.undone.append(left)
        self._went(self.here[: questions[-turns]], keeps_undone=True)

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        self.bench.type("/redo")
        self._went(self.undone.pop(), keeps_undone=True)

    @precondition(lambda self: self.bench.session.history)
    @rule()
    def clear(self) -> None:
        self.bench.type("/clear")
        self._went(START)

    @rule()
    def branch(self) -> None:
        self.bench.type(f"/branch side {next(self.numbers)}")
        self._went(self.here)

    @rule(data=st.data())
    def switch(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.branches)))
        self.bench.type(f"/switch {name}")
        self._went(self.branches[name])

    @precondition(lambda self: self.bench.session.history)
    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        history = self.bench.session.history
        number = data.draw(st.integers(1, len(history)))
        before = self.here
        self.bench.type(f"/switch {number}")
        self.branches[self.bench.session.tree.branch] = before
        self._went(self.here[: history[number - 1].depth + 1])

    @precondition(lambda self: len(self.branches) > 1)
    @rule(data=st.data(), shape=REPLIES)
    def merge(self, data: st.DataObject, shape: tuple[int, str]) -> None:
        others = sorted(self.branches.keys() - {self.bench.session.tree.branch})
        other = data.draw(st.sampled_from(others))
        theirs = self.branches[other]
        self.bench.type(f"/diff {other}")
        if theirs == self.here[: len(theirs)]:
            with pytest.raises(ChatcliError):
                self.bench.type(f"/merge {other}")
            return
        reply, text = self._reply(shape)
        self.bench.type(f"/merge {other}", reply)
        asked = self.bench.provider.asked[-1]
        assert tuple(message.content for message in asked[:-1]) == theirs
        self._went((*self.here, asked[-1].content, text))

    @rule()
    def look_around(self) -> None:
        for line in ("/tree", "/branches", "/history", "/help edit"):
            assert self.bench.type(line) or line == "/history"
        self._look()

    @rule()
    def come_back_another_day(self) -> None:
        self.bench.reopen()
        self._look()


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)

"""What a `Session` of the library does once it is there: talk, remember, and move about."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from chatcli.api.building import Works
from chatcli.api.wording import for_scripts
from chatcli.conversation import tree as trees
from chatcli.conversation.events import Event, TextDelta
from chatcli.conversation.remembering import Reach
from chatcli.conversation.tree import Tree
from chatcli.errors import StorageError, UsageError


class Talking:
    """A conversation to be had with the works of one; `chatcli.api.Session` adds its file."""

    def __init__(self, works: Works) -> None:
        self._works = works
        self._engine = works.engine

    # Talking

    def send(self, text: str, files: str | Path | Iterable[str | Path] = ()) -> str:
        """Say `text`, with `files` that go along, and return the reply.

        Raises ProviderError, BudgetError if it can't fit, AttachmentError for a file, UsageError
        where there is nothing to say, or StorageError, after the reply, when it could not be saved.
        """
        return _text(self.stream(text, files))

    def stream(
        self, text: str, files: str | Path | Iterable[str | Path] = ()
    ) -> Generator[Event, None, None]:
        """Say `text` and yield the events of the reply, `TextDelta`s for the most part.

        `files` go along with it: texts and PDFs as text below it, images to models that take them.
        What has come when the iteration is given up is kept, marked as interrupted. Nothing is
        asked before it begins. Raises as `send` does.
        """
        from chatcli.storage.attachments import attach, question_with

        with for_scripts():
            paths = (files,) if isinstance(files, str | Path) else files
            question = question_with(text, [attach(path) for path in paths])
            if not question.text.strip():
                raise UsageError("there is nothing to say in that", "give a text, or files")
            self._get_ready()
            yield from self._works.told()
            yield from self._engine.ask(question.text, images=question.images)
            self._raise_if_unsaved()

    def retry(self) -> str:
        """Ask the newest question again, and return the reply. Raises as `send` does.

        That is for a question that had no reply, as after a ProviderError, or not a good one: the
        earlier reply stays on a branch of its own.
        """
        with for_scripts():
            self._get_ready()
            reply = _text(self._engine.answer())
            self._raise_if_unsaved()
        return reply

    # What was said

    @property
    def history(self) -> list[dict[str, Any]]:
        """The messages of this branch, the system prompt first, as role/content dicts.

        A content is a text, or where there are images a list of parts, as the API takes them.
        """
        return [node.message.as_dict() for node in self._engine.tree.path]

    @property
    def turn_count(self) -> int:
        """How many questions were asked on this branch."""
        return self._engine.turn_count

    @property
    def questions(self) -> list[str]:
        """What was asked on this branch, the oldest first: question N was asked in turn N."""
        return [node.content for node in self._engine.history if node.role == "user"]

    def count_tokens(self) -> int:
        """Return the prompt tokens of the next request, before its question.

        Raises BudgetError where what always goes along is more than the budget.
        """
        with for_scripts():
            self._works.count_exactly()
            return self._engine.plan().tokens

    # What is remembered

    @property
    def memory(self) -> list[str]:
        """What is remembered, the oldest first; `forget` counts in it, from 1."""
        return [each.text for each in self._works.recall.shown()]

    def remember(self, text: str, scope: Reach = "everywhere") -> None:
        """Have the model told this with every request from here on.

        `scope` is everywhere, persona or session. Raises UsageError, or StorageError where the
        memory is a file.
        """
        recall = self._works.recall
        with for_scripts():
            reach = recall.scope(scope, self._engine, self._works.persona)
            recall.remember(text, reach, self._engine)

    def forget(self, number: int) -> str:
        """Forget what had that number when `memory` was read last, and return it.

        Raises as `remember` does.
        """
        with for_scripts():
            return self._works.recall.forget(number).text

    # Moving about

    @property
    def branches(self) -> list[str]:
        """The names of all branches; `switch` goes to one."""
        return list(self._engine.tree.heads)

    def clear(self) -> None:
        """Start again from the system prompt; what was said stays on a branch."""
        if self._engine.history:
            tree, _ = trees.clear(self._engine.tree)
            self._become(tree)

    def branch(self, name: str) -> None:
        """Fork a branch here and go on, on it. Raises UsageError if there is one of that name."""
        with for_scripts():
            self._become(trees.branch(self._engine.tree, name))

    def switch(self, name: str) -> None:
        """Go to another branch. Raises UsageError if there is none of that name."""
        with for_scripts():
            self._become(trees.switch(self._engine.tree, name))

    def _get_ready(self) -> None:
        self._works.check_open()
        self._engine.ready()
        self._works.count_exactly()

    def _become(self, tree: Tree) -> None:
        self._works.check_open()
        for _ in self._engine.become(tree):
            pass
        self._raise_if_unsaved()

    def _raise_if_unsaved(self) -> None:
        if trouble := self._engine.trouble:
            raise StorageError(f"not saved: {trouble}", "it is tried again with the next message")


def _text(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))

"""A conversation that is kept as it goes: what was said, and moving about in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chatcli.conversation import tree as trees
from chatcli.conversation.events import Event, Notice
from chatcli.conversation.keeping import Keeper
from chatcli.conversation.messages import EDITED, Message, Node, new_id, now
from chatcli.conversation.ports import Journal
from chatcli.conversation.records import (
    Conversation,
    Mark,
    Marked,
    Moved,
    Noted,
    Record,
    Spent,
    Summary,
    Tuned,
    moves,
    whole,
)
from chatcli.conversation.tree import Tree


class Talk:
    """One conversation and its journal. Each change is kept before the next can follow it."""

    def __init__(self, conversation: Conversation, journal: Journal, *, stored: bool) -> None:
        """`stored` says that the journal already holds the conversation."""
        # Requests beside the conversation end in threads of their own, so what they take is apart.
        self.spent = list(conversation.spent)
        self.conversation = replace(conversation, spent=())
        began = stored or any(node.role != "system" for node in conversation.tree.nodes())
        self._keeper = Keeper(journal, () if stored else whole(conversation), began=began)

    @property
    def tree(self) -> Tree:
        return self.conversation.tree

    @property
    def journal(self) -> Journal:
        return self._keeper.journal

    @property
    def trouble(self) -> str:
        """Why something that was said is not saved yet; empty when all is."""
        return self._keeper.trouble

    @property
    def history(self) -> tuple[Node, ...]:
        """What was said on this branch, system prompts apart."""
        return tuple(node for node in self.tree.path if node.role != "system")

    @property
    def turn_count(self) -> int:
        """How many questions were asked on this branch."""
        return sum(node.role == "user" for node in self.tree.path)

    # Moving about, and keeping it

    def become(self, tree: Tree) -> Iterator[Event]:
        """Take on `tree`, which the functions of `tree.py` made of the present one."""
        before = self.tree
        known = {id(node) for node in before.nodes()}
        fresh = [node for node in tree.nodes() if id(node) not in known]
        self.conversation = replace(self.conversation, tree=tree)
        yield from self._keeper.keep(*fresh, *moves(before, tree))

    def mark(self, node: Node, mark: Mark | None) -> Iterator[Event]:
        """Pin a message, mute it, or neither any more."""
        marked = Marked(node, mark)
        self.conversation = self.conversation.marked(marked)
        yield from self._keeper.keep(marked)

    def sum_up(self, summary: Summary) -> Iterator[Event]:
        """Send a summary from here on in the place of what it stands for."""
        self.conversation = self.conversation.summarized(summary)
        yield from self._keeper.keep(summary)

    def note(self, note: Noted | Tuned) -> Iterator[Event]:
        """Give the conversation a title, or note that something else is another from here on."""
        self.conversation = self.conversation.noted(note)
        yield from self._keeper.keep(note)

    def save(self) -> Iterator[Event]:
        """Keep what is not kept yet."""
        self._keeper.begin()
        yield from self._keeper.keep()

    def save_elsewhere(self, journal: Journal) -> Iterator[Event]:
        """Keep all of the conversation in another journal, now and from now on."""
        yield from self._keeper.move(journal, [*whole(self.conversation), *self.spent])

    def spend(self, spent: Spent) -> None:
        """Note what a request beside the conversation took; may be called from any thread."""
        self.spent.append(spent)
        self._keeper.keep(spent)

    def _reword(self, reply: Node, text: str) -> Iterator[Event]:
        """Put `text` in the place of a reply, which stays on a branch."""
        tree, branch = trees.revise(self.tree, reply, keep="edited")
        message = Message("assistant", text)
        own = Node(new_id(), reply.parent, message, now(), reply.model, finish=EDITED)
        if branch is not None:
            yield from self._go_back(tree, branch)
        yield from self._add(own, Moved(self.tree.branch, own))
        yield Notice("the model will see the reply as you have written it")

    def _go_back(self, tree: Tree, branch: str) -> Iterator[Event]:
        yield from self.become(tree)
        yield Notice(f"what was here is kept on `{branch}`", f"/switch {branch}")

    def _add(self, node: Node, *more: Record) -> Iterator[Event]:
        self.conversation = replace(self.conversation, tree=trees.add(self.tree, node))
        yield from self._keeper.keep(node, *more)

"""The tree's law: whatever one does, every message stays on the path of some branch."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.conversation.records import Conversation, Header, Record, moves
from chatcli.conversation.tree import Tree, TreeError
from chatcli.storage import wire


class Talk(RuleBasedStateMachine):
    """Does what a user can do, in any order, and keeps what a file would keep."""

    @initialize()
    def begin(self) -> None:
        self.tree = Tree()
        self.said: set[str] = set()
        self.header = Header("01K", now())
        self.file: list[Record] = [self.header]
        self._say("system", "Be kind.")

    def _say(self, role: str, text: str) -> None:
        node = trees.say(self.tree, Message(role, text))  # type: ignore[arg-type]  # one of ROLES
        self.said.add(node.id)
        self.file.append(node)
        self.tree = trees.add(self.tree, node)

    def _become(self, tree: Tree) -> None:
        known = {id(node) for node in self.tree.nodes()}
        fresh = [node for node in tree.nodes() if id(node) not in known]
        self.said |= {node.id for node in fresh}
        self.file += [*fresh, *moves(self.tree, tree)]
        self.tree = tree

    @rule(text=st.text(max_size=12))
    def ask_and_answer(self, text: str) -> None:
        self._say("user", text)
        self._say("assistant", f"on {text}")

    @rule(text=st.text(max_size=5))
    def ask_in_vain(self, text: str) -> None:
        self._say("user", text)

    @rule()
    def another_persona(self) -> None:
        self._say("system", "Be brief.")

    @rule(turns=st.integers(1, 3))
    def undo(self, turns: int) -> None:
        asked = sum(node.role == "user" for node in self.tree.path)
        if turns > asked:
            with pytest.raises(TreeError):
                trees.undo(self.tree, turns)
            return
        before = self.tree.head
        undone = trees.undo(self.tree, turns)
        assert trees.redo(undone).head is before, "an undo can be undone"
        self._become(undone)

    @precondition(lambda self: self.tree.undone)
    @rule()
    def redo(self) -> None:
        self._become(trees.redo(self.tree))

    @precondition(lambda self: any(node.role != "system" for node in self.tree.path))
    @rule()
    def clear(self) -> None:
        tree, kept = trees.clear(self.tree)
        assert kept in tree.heads
        assert [node.role for node in tree.path] == ["system"]
        self._become(tree)

    @rule()
    def branch(self) -> None:
        self._become(trees.branch(self.tree, trees.free_name(self.tree, "side")))

    @rule(data=st.data())
    def switch(self, data: st.DataObject) -> None:
        self._become(trees.switch(self.tree, data.draw(st.sampled_from(sorted(self.tree.heads)))))

    @invariant()
    def nothing_is_ever_lost(self) -> None:
        assert {node.id for node in self.tree.nodes()} == self.said

    @invariant()
    def every_reply_follows_a_question(self) -> None:
        for node in self.tree.nodes():
            if node.role == "assistant":
                assert node.parent is not None
                assert node.parent.role == "user"

    @invariant()
    def the_file_tells_the_same(self) -> None:
        data = wire.document([wire.encode(record) for record in self.file])
        read = wire.read(data).conversation.tree
        assert read.branch == self.tree.branch
        assert heads(read) == heads(self.tree)
        assert [n.id for n in read.undone] == [n.id for n in self.tree.undone]


def heads(tree: Tree) -> dict[str, list[str]]:
    return {
        name: [node.id for node in head.lineage()] if head else []
        for name, head in tree.heads.items()
    }


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_message_is_only_added_after_the_head() -> None:
    tree = trees.add(Tree(), trees.say(Tree(), Message("user", "a")))
    stray = Node(new_id(), None, Message("user", "b"), now())
    with pytest.raises(ValueError, match="after the head"):
        trees.add(tree, stray)


def test_a_retry_keeps_the_earlier_reply_on_a_branch() -> None:
    tree = Tree()
    for role, text in (("user", "q"), ("assistant", "first")):
        tree = trees.add(tree, trees.say(tree, Message(role, text)))  # type: ignore[arg-type]
    question = trees.last_question(tree)
    assert question is not None
    back, kept = trees.rewind(tree, question, keep="retried")
    assert back.head is question
    assert kept is not None
    reached = trees.switch(back, kept).head
    assert reached is not None
    assert reached.content == "first"


@pytest.mark.parametrize("name", ["", " x", "x ", "7", "a/b", "../x", "a\nb", "x" * 65, "-x"])
def test_odd_branch_names_are_refused(name: str) -> None:
    with pytest.raises(TreeError):
        trees.branch(Tree(), name)


def test_a_path_of_thousands_of_messages_is_no_trouble() -> None:
    tree = Tree()
    for number in range(5000):
        tree = trees.add(tree, trees.say(tree, Message("user", str(number))))
    assert len(tree.path) == 5000
    assert len(list(tree.nodes())) == 5000
    assert repr(tree.head)
    assert Conversation(Header("x", now()), tree).tree is tree

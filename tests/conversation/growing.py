"""Conversations to draw: grown by what users do, or of a given shape."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import INTERRUPTED, Message, Node, Role, new_id, now
from chatcli.conversation.tree import Tree, TreeError


def say(tree: Tree, role: Role, text: str, finish: str | None = None) -> Tree:
    return trees.add(tree, Node(new_id(), tree.head, Message(role, text), now(), finish=finish))


def turn(tree: Tree, question: str, reply: str = "Yes.", finish: str = "stop") -> Tree:
    return say(say(tree, "user", question), "assistant", reply, finish)


def turns(tree: Tree, count: int, question: str = "And then?") -> Tree:
    for _ in range(count):
        tree = turn(tree, question)
    return tree


def retried(tree: Tree, reply: str, finish: str = "stop") -> Tree:
    """Ask the last question again, and get this reply."""
    question = trees.last_question(tree)
    if question is None:
        return tree
    return say(trees.rewind(tree, question, keep="retried")[0], "assistant", reply, finish)


def holiday() -> Tree:
    """A small conversation with one of everything."""
    tree = turn(say(Tree(), "system", "You like trains."), "Where shall we go?")
    tree = turn(trees.branch(tree, "warm"), "Somewhere warm, then.")
    tree = turns(trees.branch(tree, "dog"), 3, "And with a dog?")
    tree = turn(trees.branch(tree, "train", tree.path[4]), "By train?")
    tree = turn(trees.switch(tree, "main"), "And in winter?", "North, for", INTERRUPTED)
    tree = turns(retried(tree, "Stay at home."), 2, "Is it far?")
    return trees.undo(turn(tree, "What does it cost?"))


def ladder(forks: int, between: int = 1) -> Tree:
    """One long path, and a branch that leaves it after each `between` turns."""
    tree = say(Tree(), "system", "Be kind.")
    for number in range(forks):
        tree = turns(tree, between)
        aside = turn(trees.branch(tree, f"idea-{number}"), "What if?")
        tree = turn(trees.switch(aside, "main"), "Go on.")
    return tree


def star(branches: int) -> Tree:
    """All branches begin after the first turn."""
    tree = turn(Tree(), "Where to?")
    for number in range(branches):
        aside = turn(trees.branch(tree, f"idea-{number}"), "There?")
        tree = trees.switch(aside, "main")
    return tree


def nest(depth: int) -> Tree:
    """Each reply is followed by two questions, `depth` times over."""
    tips = [turn(Tree(), "Where to?").head]
    for _ in range(depth):
        tips = [turn(Tree({"main": tip}), way).head for tip in tips for way in ("Left?", "Right?")]
    return Tree({"main": tips[0], **{f"idea-{n}": tip for n, tip in enumerate(tips[1:])}})


def _cleared(tree: Tree) -> Tree:
    return trees.clear(tree)[0]


def _forked(tree: Tree, at: int) -> Tree:
    node = tree.path[at % len(tree.path)] if tree.path else None
    return trees.branch(tree, trees.free_name(tree, "idea"), node)


def _switched(tree: Tree, to: int) -> Tree:
    return trees.switch(tree, list(tree.heads)[to % len(tree.heads)])


WORDS = st.text("xyz 漢\n", max_size=12)
_DOINGS: st.SearchStrategy[Callable[[Tree], Tree]] = st.one_of(
    WORDS.map(lambda words: lambda tree: turn(tree, words)),
    WORDS.map(lambda words: lambda tree: say(tree, "user", words)),
    WORDS.map(lambda words: lambda tree: retried(tree, words)),
    st.integers(0, 50).map(lambda at: lambda tree: _forked(tree, at)),
    st.integers(0, 50).map(lambda to: lambda tree: _switched(tree, to)),
    st.sampled_from([_cleared, trees.undo, trees.redo, lambda tree: say(tree, "system", "Be x.")]),
)


@st.composite
def grown(draw: st.DrawFn) -> Tree:
    """A tree as a user may have made it, in up to 40 steps."""
    tree = Tree()
    for do in draw(st.lists(_DOINGS, max_size=40)):
        try:
            tree = do(tree)
        except TreeError:
            continue
    return tree

"""What can be asked of a model beside a new question: again, go on, and sum another branch up.

Each is a pure function of the tree that says up to which message the request is planned and which
question the reply will answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import CUT, Message, Node, new_id, now
from chatcli.conversation.seam import GO_ON, whole_words
from chatcli.conversation.text import first_words
from chatcli.conversation.tree import Tree, TreeError


@dataclass(frozen=True, slots=True)
class Wish:
    """A reply to `question`, asked for with what was said up to `last`; `pinned` always go along.

    `before` is the part of the reply that is there already. An earlier reply to the question stays
    on a branch that is called after `keep`.
    """

    question: Node
    last: Node
    pinned: frozenset[str] = frozenset()
    before: str = ""
    keep: str = "retried"


def again(tree: Tree, merges: Mapping[str, Node]) -> Wish:
    """Ask the newest question once more. `merges` are those about another branch: its end by id."""
    question = trees.last_question(tree)
    if question is None:
        raise TreeError("there is no question to ask again", "say something first")
    source = merges.get(question.id)
    return Wish(question, question if source is None else _said_after(source, question))


def go_on(tree: Tree, merges: Mapping[str, Node]) -> Wish:
    """Have the model go on with a reply that was cut off; where there is none yet, ask for it."""
    reply, question = tree.head, trees.last_question(tree)
    if reply is None or question is None:
        raise TreeError("there is nothing to go on with", "say something first")
    if reply.role == "assistant" and reply.finish == "content_filter":
        told = "the provider's content filter has ended the reply, and would again"
        raise TreeError(told, "/edit asks in other words, /retry once more")
    if reply.role == "assistant" and reply.finish not in CUT:
        raise TreeError("the last reply is whole", "/retry asks again, or ask for more")
    before = whole_words(reply.content) if reply.parent is question else ""
    if not before.strip():
        return again(tree, merges)
    asked = again(tree, merges).last
    shown = Node(new_id(), asked, Message("assistant", before), reply.time)
    order = Node(new_id(), shown, Message("user", GO_ON), now())
    return Wish(question, order, frozenset({shown.id}), before, "continued")


def summary(tree: Tree, name: str) -> tuple[Wish, Node]:
    """Ask what was said on the branch called `name` and not here; returns the branch's end too."""
    source = trees.head_of(tree, name)
    news = trees.after(source, trees.parting(source, tree.head))
    said = [node for node in news if node.role != "system"]
    if source is None or not said:
        raise TreeError(f"all that is on `{name}` is here already", "/branches lists others")
    text = (
        f"Sum up what we said on the branch `{name}` from “{first_words(said[0].content)}” on: "
        "what was found, what was decided, and what is still open. Be brief."
    )
    question = trees.say(tree, Message("user", text))
    return Wish(question, _said_after(source, question)), source


def _said_after(source: Node, question: Node) -> Node:
    """Return `question` as if it had been said on the other branch: so it is sent."""
    return replace(question, parent=source)

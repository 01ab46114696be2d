"""The context plan's laws, for any conversation, any budget and each strategy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation import tree as trees
from chatcli.conversation.context import STRATEGIES, Plan, plan
from chatcli.conversation.messages import Message, Node
from chatcli.conversation.tree import Tree
from chatcli.errors import BudgetError

roles = st.lists(st.sampled_from(["user", "turn", "system"]), max_size=14)
sizes = st.integers(1, 30)


@st.composite
def paths(draw: st.DrawFn) -> tuple[Node, ...]:
    """A path that ends with a question, with a reply to most of those before it."""
    tree = Tree()
    for kind in [*draw(roles), "user"]:
        for role in ("user", "assistant") if kind == "turn" else (kind,):
            message = Message(role, "x" * draw(sizes))
            tree = trees.add(tree, trees.say(tree, message))
    return tree.path


def price(message: Message) -> int:
    return len(message.content) + 3


def planned(path: tuple[Node, ...], budget: int | None, strategy: str, pairs: int) -> Plan | None:
    try:
        return plan(path, price, budget=budget, strategy=strategy, pairs=pairs, overhead=3)
    except BudgetError:
        return None


@settings(max_examples=300, deadline=None)
@given(paths(), st.integers(1, 300), st.sampled_from(sorted(STRATEGIES)), st.integers(0, 6))
def test_a_plan_keeps_its_laws(
    path: tuple[Node, ...], budget: int, strategy: str, pairs: int
) -> None:
    made = planned(path, budget, strategy, pairs)
    newest, system = path[-1], [node for node in path if node.role == "system"][-1:]
    if made is None:
        must = price(newest.message) + sum(price(node.message) for node in system) + 3
        total = must + sum(price(n.message) for n in path[:-1] if n.role != "system")
        assert must > budget or (strategy == "full" and total > budget)
        return
    sent = [entry.node for entry in made.sent()]
    assert made.tokens <= budget
    assert made.tokens == 3 + sum(price(message) for message in made.messages)
    assert newest in sent
    assert [node for node in sent if node.role == "system"] == system
    assert sent == [node for node in path if node in sent], "the order is kept"
    for node in sent:
        if node.role == "assistant" and node.parent is not None and node.parent.role == "user":
            assert node.parent in sent, "no reply goes without its question"
    left_out = [entry.node.depth for entry in made.left_out()]
    kept = [node.depth for node in sent if node.role != "system"]
    assert not left_out or max(left_out) < min(kept), "the oldest leave first"
    assert made == planned(path, budget, strategy, pairs), "the same input, the same plan"
    assert len(made.entries) == len(path), "nothing is hidden"


@given(paths(), st.integers(0, 6))
def test_the_window_sends_the_newest_pairs(path: tuple[Node, ...], pairs: int) -> None:
    made = planned(path, None, "window", pairs)
    assert made is not None
    asked = [entry.node for entry in made.sent() if entry.node.role == "user"]
    everything = [node for node in path if node.role == "user"]
    assert asked == everything[-(pairs + 1) :]


@given(paths())
def test_pinned_turns_go_and_muted_ones_never(path: tuple[Node, ...]) -> None:
    first = next(node for node in path if node.role == "user")
    pinned = plan(path, price, strategy="window", pairs=0, pinned={first.id})
    assert first in [entry.node for entry in pinned.sent()]
    muted = plan(path, price, muted={first.id})
    sent = [entry.node for entry in muted.sent()]
    assert first not in sent
    assert not any(node.parent is first and node.role == "assistant" for node in sent)


def test_a_message_that_can_not_fit_says_by_how_much() -> None:
    tree = trees.add(Tree(), trees.say(Tree(), Message("user", "x" * 97)))
    with pytest.raises(BudgetError, match=r"100 tokens .* 40 more than the budget of 60"):
        plan(tree.path, price, budget=60)


def test_the_system_prompt_is_sent_first_wherever_it_was_set() -> None:
    tree = Tree()
    for role, text in (("user", "q"), ("assistant", "a"), ("system", "new"), ("user", "r")):
        tree = trees.add(tree, trees.say(tree, Message(role, text)))  # type: ignore[arg-type]
    assert [m.role for m in plan(tree.path, price).messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]

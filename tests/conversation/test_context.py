"""The context plan's laws, for any conversation, any budget and each strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation import tree as trees
from chatcli.conversation.context import Limits, Plan, Terms
from chatcli.conversation.context import plan as planned_for
from chatcli.conversation.messages import Message, Node, now
from chatcli.conversation.records import Summary
from chatcli.conversation.strategies import STRATEGIES
from chatcli.conversation.tree import Tree
from chatcli.conversation.turns import Course, Ledger, Marks, Standing, extended
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


def plan(
    path: Sequence[Node],
    price: Callable[[Message], int],
    *,
    budget: int | None = None,
    strategy: str = "truncate",
    pairs: int = 5,
    overhead: int = 0,
    marks: Marks | None = None,
) -> Plan:
    course = extended(Course(), path, price, marks or Marks())
    return planned_for(course, Terms(price, Limits(budget, strategy, pairs), lambda _: overhead))


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
    pinned = plan(path, price, strategy="window", pairs=0, marks=Marks(pinned={first.id}))
    assert first in [entry.node for entry in pinned.sent()]
    muted = plan(path, price, marks=Marks(muted={first.id}))
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


@st.composite
def marked(draw: st.DrawFn) -> tuple[tuple[Node, ...], Marks]:
    """A path with pinned and muted messages and, mostly, a summary of its beginning."""
    path = draw(paths())
    ids = [node.id for node in path[:-1]]
    some = st.sets(st.sampled_from(ids)) if ids else st.just(set())
    ends = [n for n, after in pairwise(path) if after.role == "user"]
    chosen = draw(st.sampled_from(ends)) if ends else None
    text = draw(st.sampled_from(["", "they met"]))
    covered = draw(st.sets(st.sampled_from(ids))) if ids else set()
    summary = Summary("s", chosen, text, now()) if chosen else None
    summaries = {chosen.id: Standing(summary, frozenset(covered))} if chosen and summary else {}
    return path, Marks(draw(some), draw(some), summaries)


@settings(max_examples=300, deadline=None)
@given(marked(), st.integers(1, 400), st.sampled_from(sorted(STRATEGIES)), st.integers(0, 6))
def test_a_plan_with_marks_keeps_its_laws(
    given_: tuple[tuple[Node, ...], Marks], budget: int, strategy: str, pairs: int
) -> None:
    path, marks = given_
    try:
        made = plan(path, price, budget=budget, strategy=strategy, pairs=pairs, marks=marks)
    except BudgetError:
        return
    assert made.tokens == sum(map(price, made.messages)) <= budget
    fates = {entry.node.id: entry.fate for entry in made.entries}
    assert list(fates) == [node.id for node in path], "each message once, in order"
    for node in path:
        if node.id in marks.muted and node.role != "system" and node is not path[-1]:
            assert fates[node.id] == "muted"
        if node.id in marks.pinned and fates[node.id] != "muted" and node.role != "system":
            assert fates[node.id] in {"pinned", "newest"}
    folded = [node for node in path if fates[node.id] == "folded"]
    assert bool(made.summary) >= bool(folded)
    if made.summary is not None:
        assert made.messages[0].content.endswith("they met")
        assert all(node.depth <= made.summary.until.depth for node in folded)
        assert strategy != "full"


@given(marked(), st.integers(0, 20))
def test_a_course_that_grew_is_the_same_as_one_made_at_once(
    given_: tuple[tuple[Node, ...], Marks], start: int
) -> None:
    path, marks = given_
    at_once = extended(Course(), path, price, marks)
    assert extended(extended(Course(), path[:start], price, marks), path[start:], price, marks) == (
        at_once
    )
    ledger = Ledger(price, marks)
    for node in path:
        ledger.at(node)
    assert ledger.at(path[-1]) == at_once


def test_a_message_is_priced_once_however_often_a_plan_is_made() -> None:
    tree, asked = Tree(), []

    def counting(message: Message) -> int:
        asked.append(message)
        return price(message)

    ledger = Ledger(counting, Marks())
    for number in range(50):
        tree = trees.add(tree, trees.say(tree, Message("user", str(number))))
        ledger.at(tree.head)
        ledger.at(tree.head)
    assert len(asked) == 50

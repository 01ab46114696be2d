"""What planning a turn costs: little once a conversation is counted, however long it is.

The floor is the way that most programs take: count everything again for each message dropped.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from chatcli import vocabularies
from chatcli.conversation import tree as trees
from chatcli.conversation.context import Limits, Plan
from chatcli.conversation.messages import Message, Node, new_id, now
from chatcli.conversation.planning import Planner
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.tokens import TokenCounter, VocabularyEncoder
from chatcli.conversation.tree import Tree

TEXT = "The quick brown fox jumps over the lazy dog, and then it does it once more. " * 4


def long(messages: int) -> Conversation:
    tree = trees.add(Tree(), trees.say(Tree(), Message("system", "Be brief.")))
    for number in range(messages // 2):
        tree = trees.add(tree, trees.say(tree, Message("user", f"{number} {TEXT}")))
        reply = Node(new_id(), tree.head, Message("assistant", f"{TEXT} {number}"), now())
        tree = trees.add(tree, reply)
    return Conversation(Header("x", now()), tree)


def planner(budget: int | None) -> Planner:
    counter = TokenCounter("gpt-4o")
    counter.use(VocabularyEncoder(vocabularies.load("o200k_base")))
    return Planner(counter, Limits(budget))


def next_turn(planner: Planner, talk: Conversation) -> Plan:
    question = trees.say(talk.tree, Message("user", "And now?"))
    plan = planner.plan(talk, question)
    assert plan.messages[-1].content == "And now?"
    return plan


def median(work: Callable[[], object], times: int = 15) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def naive(talk: Conversation, budget: int) -> int:
    encode = vocabularies.load("o200k_base").encode_ordinary
    kept = list(talk.tree.path)
    while sum(len(encode(node.content)) + 4 for node in kept) > budget:
        kept.pop(0)
    return len(kept)


def test_planning_a_turn_after_two_thousand_messages_takes_under_five_milliseconds() -> None:
    talk = long(2000)
    counted = planner(None)
    whole = next_turn(counted, talk).tokens
    assert median(lambda: next_turn(counted, talk)) < 0.005
    cut = planner(whole // 2)
    next_turn(cut, talk)
    assert median(lambda: next_turn(cut, talk)) < 0.005


def test_the_cost_grows_with_what_is_left_out_and_not_with_what_is_kept() -> None:
    small, large = long(400), long(4000)
    of_small, of_large = planner(None), planner(None)
    tokens = next_turn(of_small, small).tokens, next_turn(of_large, large).tokens
    of_small, of_large = planner(tokens[0] - 500), planner(tokens[1] - 500)

    def planned(which: Planner, talk: Conversation) -> Callable[[], object]:
        question = trees.say(talk.tree, Message("user", "And now?"))
        which.plan(talk, question)
        return lambda: which.plan(talk, question)

    ten_times_as_long = median(planned(of_large, large), 200)
    assert ten_times_as_long < 3 * median(planned(of_small, small), 200)


def test_it_is_far_from_counting_everything_again_for_each_message_dropped() -> None:
    talk = long(200)
    total = next_turn(planner(None), talk).tokens
    ours = planner(total // 2)
    next_turn(ours, talk)
    assert median(lambda: next_turn(ours, talk)) * 50 < median(lambda: naive(talk, total // 2), 3)

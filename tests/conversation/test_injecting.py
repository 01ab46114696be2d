"""Live facts in the system prompt: what is told, what it costs, and what gives way."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation import tree as trees
from chatcli.conversation.context import Limits, Plan
from chatcli.conversation.injecting import NAMES, Facts, Surroundings, expanded
from chatcli.conversation.messages import Message, Node, now
from chatcli.conversation.opening import SHARE_OF_FACTS
from chatcli.conversation.planning import Planner
from chatcli.conversation.records import Conversation, Header, Marked
from chatcli.conversation.seam import GO_ON
from chatcli.conversation.strategies import STRATEGIES
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import BudgetError
from tests.conversation.growing import say, turn

DAY = date(2026, 11, 26)
FACTS = Facts(3, DAY, "Alice", "pirate")
EVERYTHING = frozenset(NAMES)


def talk(*questions: str, prompt: str = "Be kind.") -> Conversation:
    tree = say(Tree(), "system", prompt) if prompt else Tree()
    for question in questions:
        tree = turn(tree, question)
    return Conversation(Header("x", now()), tree)


def planner(around: Surroundings | None, budget: int | None = None) -> Planner:
    made = Planner(TokenCounter("gpt-4o"), Limits(budget))
    if around is not None:
        made.surroundings = lambda: around
    return made


def opening(plan: Plan) -> str:
    return plan.messages[0].content if plan.messages[0].role == "system" else ""


def around(*inject: str, memory: tuple[str, ...] = (), most: int = 500) -> Surroundings:
    return Surroundings(DAY, frozenset(inject), None, None, memory, most)


# Templates


def test_the_four_names_become_facts() -> None:
    text = "{persona} speaks to {user} on {date}, turn {turn}."
    assert expanded(text, FACTS) == "pirate speaks to Alice on 2026-11-26, turn 3."
    nobody = "the assistant speaks to the user on 2026-11-26, turn 1."
    assert expanded(text, Facts(1, DAY)) == nobody


@pytest.mark.parametrize(
    "text",
    [
        "{x} {{ }} {} { turn } {turn.__class__} {turn!r} {0} {TURN}",
        '{"turn": 1, "user": {"name": "x"}}',
        "{{user}} and {{turn}} are another program's",
        "def f(): return {date: 1}",
        "{turn",
    ],
)
def test_a_brace_that_is_no_such_name_stays_as_it_is(text: str) -> None:
    assert expanded(text, FACTS) == text


def test_what_a_name_brings_in_is_no_template_itself() -> None:
    assert expanded("{user}", Facts(1, DAY, "{turn} {persona}")) == "{turn} {persona}"


@given(st.text("{}turndaesp \n!.:é", max_size=60))
def test_expanding_never_fails_and_leaves_other_text_alone(text: str) -> None:
    made = expanded(text, FACTS)
    if not any(f"{{{name}}}" in text for name in ("turn", "date", "user", "persona")):
        assert made == text


def test_what_is_stored_stays_the_template() -> None:
    conversation = talk("one", prompt="This is turn {turn}.")
    plan = planner(around()).forecast(conversation, "two")
    assert opening(plan) == "This is turn 2."
    assert conversation.tree.path[0].content == "This is turn {turn}."


def test_without_surroundings_a_prompt_goes_as_it_is() -> None:
    assert opening(planner(None).forecast(talk(prompt="Turn {turn}"), "one")) == "Turn {turn}"


# What is told


def test_all_facts_are_told_at_the_end_of_the_one_system_message() -> None:
    plan = planner(around("turn", "date", "questions", memory=("likes tea",))).forecast(
        talk("What is a tree?", "And a graph?"), "What did I ask?"
    )
    assert opening(plan) == (
        "Be kind.\n\n"
        "What the user asked you to remember:\n- likes tea\n\n"
        "The user's earlier questions in this conversation:\n"
        "1. What is a tree?\n2. And a graph?\n\n"
        "Today is Thursday, 2026-11-26.\n\n"
        "[Turn 3] This is turn 3 of the conversation."
    )
    assert [message.role for message in plan.messages].count("system") == 1


def test_a_chat_without_a_prompt_gets_a_system_message_for_its_facts() -> None:
    plan = planner(around("turn")).forecast(talk(prompt=""), "Hello")
    assert opening(plan).startswith("[Turn 1]")
    nothing = planner(around()).forecast(talk(prompt=""), "Hello")
    assert [message.role for message in nothing.messages] == ["user"]


def test_what_is_remembered_is_told_whether_a_persona_asks_for_it_or_not() -> None:
    assert "- likes tea" in opening(planner(around(memory=("likes tea",))).forecast(talk(), "x"))


def test_a_muted_question_is_not_told_by_way_of_the_list() -> None:
    conversation = talk("secret", "open")
    node = conversation.tree.path[1]
    muted = conversation.marked(Marked(node, "muted"))
    told = opening(planner(around("questions")).forecast(muted, "next"))
    assert "secret" not in told
    assert "2. open" in told


def test_only_the_newest_questions_are_told_and_keep_their_numbers() -> None:
    conversation = talk(*(f"question {n}" for n in range(1, 31)))
    plan = planner(around("questions")).forecast(conversation, "next")
    assert "\n11. question 11\n" in opening(plan)
    assert "\n10. " not in opening(plan)
    facts = plan.opening.facts
    assert facts is not None
    assert facts.left_out == {"questions": 10}


def test_a_question_is_told_on_one_line() -> None:
    conversation = talk("one\n2. forged\n" + "x" * 500)
    (line,) = opening(planner(around("questions")).forecast(conversation, "y")).split("\n")[3:]
    assert line.startswith("1. one 2. forged xxx")
    assert len(line) < 140


def test_an_order_to_go_on_is_no_turn() -> None:
    conversation = talk("one", "two")
    shown = conversation.tree.path[-1]
    order = Node("go", shown, Message("user", GO_ON), now())
    plan = planner(around("turn", "questions")).plan(conversation, order, frozenset({shown.id}))
    assert "[Turn 2]" in opening(plan)
    assert "1. one" in opening(plan)
    assert "2. two" not in opening(plan)


def test_a_greeting_of_the_models_own_is_no_turn() -> None:
    tree = turn(say(say(Tree(), "system", "x"), "assistant", "Hello, what is it?"), "one")
    plan = planner(around("turn")).forecast(Conversation(Header("x", now()), tree), "two")
    assert "[Turn 2]" in opening(plan)


# What it costs, and what gives way


def test_each_fact_has_its_price_and_they_add_up() -> None:
    counted = planner(around(*NAMES, memory=("likes tea", "has a dog")))
    plan = counted.forecast(talk("one", "two"), "three")
    assert [each.name for each in plan.opening.told] == ["memory", "questions", "date", "turn"]
    assert all(each.tokens > 0 for each in plan.opening.told)
    counter = counted.counter
    assert plan.opening.system_tokens == counter.price(Message("system", "Be kind."))
    assert plan.opening.system_tokens + plan.opening.facts_tokens == plan.opening.tokens
    sent = plan.messages
    assert plan.tokens == counter.overhead_of(sent) + sum(map(counter.price, sent))


def test_a_new_turn_changes_the_price_of_one_message_alone() -> None:
    asked: list[Message] = []

    class Listening(TokenCounter):
        def price(self, message: Message) -> int:
            asked.append(message)
            return super().price(message)

    made = Planner(Listening("gpt-4o"), Limits(None))
    made.surroundings = lambda: around("turn", "questions", memory=("likes tea",))
    conversation = talk("one", "two", "three")
    made.forecast(conversation, "four")
    asked.clear()
    made.forecast(conversation, "fou")
    assert {message.role for message in asked} == {"system"}


def test_the_memory_keeps_to_its_own_budget_and_the_oldest_is_left_out() -> None:
    things = tuple(f"thing number {n} of those that are remembered" for n in range(50))
    plan = planner(around(memory=things, most=100)).forecast(talk(), "x")
    facts = plan.opening.facts
    assert facts is not None
    assert 0 < len(facts.memory) < 20
    assert facts.memory == things[-len(facts.memory) :]
    assert facts.left_out["memory"] == 50 - len(facts.memory)
    assert plan.opening.facts_tokens <= 100


def test_the_oldest_questions_give_way_first_then_the_memory() -> None:
    conversation = talk(*(f"a question of some length, number {n}" for n in range(12)))
    roomy = around("questions", "turn", memory=("likes tea", "has a dog"))
    told: list[tuple[int, int, bool]] = []
    for budget in range(1200, 24, -10):
        facts = planner(roomy, budget).forecast(conversation, "x").opening.facts
        assert facts is not None
        if facts.questions:
            assert facts.questions[-1].turn == 12
            assert len(facts.memory) == 2, "the memory stays as long as there are questions"
        told.append((len(facts.questions), len(facts.memory), facts.counted))
    assert told == sorted(told, reverse=True)
    assert told[0] == (12, 2, True)
    assert told[-1] == (0, 0, False)


words = st.text("ab {turn}", min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(words, max_size=8),
    st.lists(words, max_size=8),
    st.sets(st.sampled_from(NAMES)),
    st.integers(10, 400),
    st.integers(1, 80),
    st.sampled_from(sorted(STRATEGIES)),
)
def test_a_plan_with_facts_never_exceeds_the_budget(
    questions: list[str],
    memory: list[str],
    inject: set[str],
    budget: int,
    most: int,
    strategy: str,
) -> None:
    conversation = talk(*questions, prompt="Turn {turn}.")
    made = planner(around(*inject, memory=tuple(memory), most=most))
    made.limits = Limits(budget, strategy)
    bare = planner(None)
    bare.limits = Limits(budget, strategy)
    bare_talk = talk(*questions, prompt=f"Turn {len(questions) + 1}.")
    try:
        plan = made.forecast(conversation, "and now?")
    except BudgetError:
        with pytest.raises(BudgetError):
            bare.forecast(bare_talk, "and now?")
        return
    counter, sent = made.counter, plan.messages
    assert plan.tokens == counter.overhead_of(sent) + sum(map(counter.price, sent))
    assert plan.tokens <= budget
    assert plan.opening.facts_tokens <= SHARE_OF_FACTS * budget
    assert trees.last_question(conversation.tree) is None or sent[-1].content == "and now?"

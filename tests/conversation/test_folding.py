"""What a summary stands for: the messages that it was made of, and no others, ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation import folding
from chatcli.conversation import tree as trees
from chatcli.conversation.context import Limits, Plan
from chatcli.conversation.events import TurnFinished
from chatcli.conversation.messages import Message, Usage, new_id, now
from chatcli.conversation.planning import Planner
from chatcli.conversation.records import Conversation, Header, Marked, Summary
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import ProviderError
from tests.commands.test_context_commands import Desk, fates
from tests.support.faults import FAULTS
from tests.support.server import ChatServer

COUNTER = TokenCounter("openai:gpt-4o")


@pytest.fixture
def desk(tmp_path: Path, chat_server: ChatServer) -> Iterator[Desk]:
    desk = Desk(tmp_path, chat_server)
    yield desk
    desk.app.close()


def check_the_sum(plan: Plan, counter: TokenCounter) -> None:
    """The tokens of a plan are those of the messages it sends, and of the request itself."""
    # Not in the assertion, which would print all of the plan.
    tokens, overhead = plan.tokens, plan.overhead
    assert tokens - overhead == sum(map(counter.price, plan.messages))


def planned(talk: Conversation, limits: Limits | None = None) -> Plan:
    return Planner(COUNTER, limits or Limits()).plan(talk, talk.tree.head)


# Marks that come and go


def test_what_was_pinned_when_it_was_summed_up_is_sent_again_when_unpinned(desk: Desk) -> None:
    desk.type("one", "two", "three", "/pin 1")
    desk.server.reply_with("They counted.")
    desk.type("/summarize", "/unpin 1")
    assert fates(desk)["1"] == fates(desk)["2"] == "sent"
    desk.type("next")
    assert desk.sent()[1:] == ["one", "Echo: one", "next"]


@pytest.mark.parametrize("number", [1, 3, 5])
def test_what_was_muted_when_it_was_summed_up_is_sent_when_unmuted(desk: Desk, number: int) -> None:
    desk.type("one", "two", "three", f"/mute {number}")
    desk.server.reply_with("They counted.")
    desk.type("/summarize", f"/unmute {number}")
    asked = desk.server.requests[-1].messages[-1]["content"]
    muted = ("one", "two", "three")[number // 2]
    assert f"User: {muted}" not in asked
    desk.type("next")
    assert desk.sent()[1:] == [muted, f"Echo: {muted}", "next"]


def test_a_reply_that_was_muted_alone_is_sent_when_unmuted(desk: Desk) -> None:
    desk.type("one", "two", "/mute 2")
    desk.server.reply_with("They counted.")
    desk.type("/summarize", "/unmute 2", "next")
    assert "Echo: one" in desk.sent()


def test_what_is_muted_after_it_was_summed_up_stays_in_the_summary(desk: Desk) -> None:
    desk.type("one", "two")
    desk.server.reply_with("They counted.")
    desk.type("/summarize", "/mute 1", "/unmute 1", "next")
    assert desk.sent()[1:] == ["next"]


def test_where_all_is_muted_there_is_nothing_to_sum_up(desk: Desk) -> None:
    desk.type("one", "/mute 1")
    before = len(desk.server.requests)
    with pytest.raises(trees.TreeError, match="nothing to sum up"):
        desk.type("/summarize")
    assert len(desk.server.requests) == before


# Other words


def test_a_reworded_summary_covers_what_the_old_one_did(desk: Desk) -> None:
    desk.type("one", "two", "three", "/pin 3")
    desk.server.reply_with("They counted.")
    desk.type("/summarize", "/summarize In my words.", "/unpin 3", "next")
    assert "In my words." in desk.sent()[0]
    assert desk.sent()[1:] == ["two", "Echo: two", "next"]
    desk.type("/summarize In yet other words.", "again")
    assert "In yet other words." in desk.sent()[0]
    assert desk.sent()[1:3] == ["two", "Echo: two"]


def test_a_summary_that_was_reworded_grows_with_the_next(desk: Desk) -> None:
    desk.type("one", "two")
    desk.server.reply_with("They counted.")
    desk.type("/summarize", "/summarize In my words.", "three")
    desk.server.reply_with("They counted on.")
    desk.type("/summarize", "next")
    asked = desk.server.requests[-2].messages[-1]["content"]
    assert "In my words." in asked
    assert "User: one" not in asked
    assert "They counted on." in desk.sent()[0]
    assert desk.sent()[1:] == ["next"]


# A question without its reply


def test_a_question_that_failed_and_is_asked_again_after_a_summary_is_sent_with_its_reply(
    desk: Desk,
) -> None:
    desk.type("one")
    desk.server.fail_next(FAULTS["401-openai"])
    with pytest.raises(ProviderError):
        desk.type("two")
    desk.server.reply_with("They counted.")
    desk.type("/summarize")
    assert isinstance(desk.type("/retry")[-1], TurnFinished)
    assert desk.sent()[1:] == ["two"]
    session = desk.app.session
    counter = session.planner.counter
    assert isinstance(counter, TokenCounter)
    check_the_sum(session.plan(), counter)
    check_the_sum(session.plan("three"), counter)
    desk.type("three")
    assert desk.sent()[1:] == ["two", "Echo: two", "three"]


def test_a_question_that_was_summed_up_unanswered_and_is_asked_again_is_sent_with_its_reply(
    desk: Desk,
) -> None:
    desk.server.fail_next(FAULTS["401-openai"])
    with pytest.raises(ProviderError):
        desk.type("one")
    desk.type("two", "/pin 2")
    desk.server.reply_with("They counted.")
    desk.type("/summarize", "/undo")
    assert isinstance(desk.type("/retry")[-1], TurnFinished)
    desk.type("three")
    assert desk.sent()[-3:] == ["one", "Echo: one", "three"]


# The law


ACTS = ("say", "say", "say", "say", "undo", "pin", "mute", "none", "fold", "due")


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Conversations with questions that nobody answered, marks, and summaries old and new."""
    talk = Conversation(Header("01K", now()), Tree())
    for act in draw(st.lists(st.sampled_from(ACTS), max_size=25)):
        tree = talk.tree
        match act:
            case "say":
                asked = tree.head is not None and tree.head.role == "user" and draw(st.booleans())
                message = Message("assistant" if asked else "user", "w " * draw(st.integers(0, 30)))
                talk = replace(talk, tree=trees.add(tree, trees.say(tree, message)))
            case "undo":
                talk = replace(talk, tree=trees.undo(tree)) if tree.path else talk
            case "fold" | "due":
                talk = summed_up(talk, all_of_it=act == "fold")
            case _ if tree.path:
                node = draw(st.sampled_from(tree.path))
                mark = {"pin": "pinned", "mute": "muted", "none": None}[act]
                marked = Marked(node, mark)  # type: ignore[arg-type]  # it is one of the three
                talk = talk.marked(marked) if mark or node.id in talk.marks else talk
    return talk


def summed_up(talk: Conversation, *, all_of_it: bool) -> Conversation:
    plan = planned(talk, Limits(None if all_of_it else 100_000))
    fold = folding.everything(plan) if all_of_it else folding.due(plan, full_at=0, down_to=0.0003)
    if fold is None:
        return talk
    return talk.summarized(fold.summary("What was said.", "openai:gpt-4o", Usage(9, 3)))


@settings(deadline=None, max_examples=200)
@given(conversations())
def test_the_tokens_of_a_plan_are_those_of_what_is_sent(talk: Conversation) -> None:
    check_the_sum(planned(talk), COUNTER)


@settings(deadline=None, max_examples=200)
@given(conversations())
def test_the_tokens_of_a_forecast_are_those_of_what_is_sent(talk: Conversation) -> None:
    check_the_sum(Planner(COUNTER, Limits()).forecast(talk, "And now?"), COUNTER)


@settings(deadline=None, max_examples=200)
@given(conversations())
def test_a_summary_stands_for_no_message_that_no_summary_is_about(talk: Conversation) -> None:
    plan = planned(talk)
    about = {name for summary in talk.summaries.values() for name in summary.covers}
    folded = [entry.node for entry in plan.entries if entry.fate == "folded"]
    if plan.summary is not None and plan.course.turns:
        assert all(node.id in about for node in folded)


@settings(deadline=None, max_examples=200)
@given(conversations(), st.sampled_from(["", "In my words."]))
def test_other_words_change_nothing_of_what_is_covered(talk: Conversation, text: str) -> None:
    before = planned(talk)
    if before.summary is None:
        return
    own = Summary(new_id(), before.summary.until, text, now(), replaces=before.summary.id)
    after = planned(talk.summarized(own))
    if text:
        assert after.course.folded == before.course.folded
    else:
        assert after.course.folded == frozenset()

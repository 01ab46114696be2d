"""What the model will see, as commands show and change it, with a real app and a real server."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli.app import App, Options
from chatcli.commands.registry import Run, Say
from chatcli.conversation import tree as trees
from chatcli.conversation.events import (
    Document,
    Draft,
    Event,
    Gauge,
    Json,
    Notice,
    Row,
    Table,
    Transcript,
)
from chatcli.conversation.messages import Message, Node, Usage, new_id, now
from chatcli.errors import BudgetError, UsageError
from chatcli.settings import load
from chatcli.storage.mending import read_session
from chatcli.terminal.render import Look, Renderer
from chatcli.terminal.theme import UNICODE
from tests.support.faults import FAULTS
from tests.support.piped import PipedChat
from tests.support.protocol import Reply
from tests.support.server import ChatServer

CONFIG = """
[profiles.mine]
base_url = "http://127.0.0.1:1/v1"
input_price = 10
output_price = 20
cached_price = 1

[profiles.narrow]
base_url = "http://127.0.0.1:1/v1"
model = "tiny"
context_window = 200
"""


class Desk:
    """An app on a server, and what its user types."""

    def __init__(self, home: Path, server: ChatServer) -> None:
        self.server = server
        settings = load(
            {"base_url": server.url, "model": "gpt-4o"},
            environ={"CHATCLI_HOME": str(home), "OPENAI_API_KEY": "sk-test"},
            cwd=home,
        )
        self.app = App(settings, Options(system="Be kind."))
        self.app.wait_for_counting()

    def type(self, *lines: str) -> list[Event]:
        """Do what each line says, and return what the last one showed."""
        seen: list[Event] = []
        for line in lines:
            self.app.session.ready()
            match self.app.commands.interpret(line):
                case Say(text):
                    seen = list(self.app.session.ask(text))
                case Run(command, arguments):
                    seen = list(command.run(self.app, arguments))
        return seen

    def offered(self, name: str) -> list[str]:
        complete = self.app.commands[name].complete
        assert complete is not None
        return [choice.name for choice in complete(self.app)]

    def sent(self) -> list[str]:
        return [message["content"] for message in self.server.requests[-1].messages]


@pytest.fixture
def desk(tmp_path: Path, chat_server: ChatServer) -> Iterator[Desk]:
    (tmp_path / "config.toml").write_text(CONFIG)
    desk = Desk(tmp_path, chat_server)
    yield desk
    desk.app.close()


def table(events: list[Event]) -> Table:
    return next(event for event in events if isinstance(event, Table))


def notices(events: list[Event]) -> str:
    return "\n".join(f"{e.text}; {e.hint}" for e in events if isinstance(e, Notice))


def fates(desk: Desk) -> dict[str, str]:
    """What /context says becomes of each message, by the number of the message."""
    rows = table(desk.type("/context")).rows
    return {row.cells[0]: row.cells[3] for row in rows if row.cells[0]}


def marks(desk: Desk) -> list[str]:
    (shown,) = desk.type("/history")
    assert isinstance(shown, Transcript)
    return [entry.mark for entry in shown.entries]


# Pins and mutes


def test_a_pinned_turn_stays_when_the_budget_is_full_and_leaves_when_unpinned(desk: Desk) -> None:
    desk.type("keep this", *(f"question {n} with some words to it" for n in range(6)))
    desk.type("/pin 1", "/budget 100", "next")
    assert desk.sent()[:3] == ["Be kind.", "keep this", "Echo: keep this"]
    assert fates(desk)["1"] == fates(desk)["2"] == "sent, pinned"
    assert fates(desk)["3"] == "left out: budget"
    desk.type("/unpin 2", "and again")
    assert "keep this" not in desk.sent()


def test_pin_alone_pins_the_last_question_and_history_shows_it(desk: Desk) -> None:
    desk.type("one", "two", "/pin")
    assert marks(desk) == ["", "", "pinned", "pinned"]
    assert desk.offered("unpin") == ["4", "3"]
    assert desk.offered("pin") == ["2", "1"]


def test_what_is_muted_is_never_sent_and_stays_in_history(desk: Desk) -> None:
    desk.type("one", "two", "/mute 1", "three")
    assert desk.sent() == ["Be kind.", "two", "Echo: two", "three"]
    assert marks(desk)[:3] == ["muted", "muted", ""]
    desk.type("/unmute 2", "four")
    assert "one" in desk.sent()


def test_a_reply_can_be_muted_alone(desk: Desk) -> None:
    desk.type("one", "/mute 2", "two")
    assert desk.sent() == ["Be kind.", "one", "two"]


def test_the_reply_to_a_muted_question_can_not_be_pinned(desk: Desk) -> None:
    desk.type("one", "/mute 1")
    with pytest.raises(UsageError, match="its question is muted, message 1"):
        desk.type("/pin 2")


def test_marks_are_in_the_session_file(desk: Desk) -> None:
    desk.type("one", "two", "/pin 1", "/mute 3", "/pin 2", "/unpin 2", "/pin 2")
    assert desk.app.path is not None
    stored = read_session(desk.app.path).conversation
    assert sorted(marked.mark or "" for marked in stored.marks.values()) == ["muted", "pinned"]


def test_pinning_more_than_the_budget_holds_is_told_at_once(desk: Desk) -> None:
    desk.type("word " * 100)
    assert "more than the budget" not in notices(desk.type("/pin 1"))
    assert "more than the budget of 60" in notices(desk.type("/budget 60", "/pin 1"))


@pytest.mark.parametrize("line", ["/unpin", "/mute", "/unmute", "/unpin 1", "/unmute 1", "/pin 9"])
def test_marks_that_can_not_be_are_refused_in_a_line(desk: Desk, line: str) -> None:
    desk.type("one")
    with pytest.raises(UsageError):
        desk.type(line)


def test_there_is_nothing_to_pin_before_anything_is_said(desk: Desk) -> None:
    with pytest.raises(UsageError, match="nothing to pin"):
        desk.type("/pin")


# Summaries


def test_a_summary_is_shown_sent_reworded_and_taken_back(desk: Desk) -> None:
    desk.type("My name is Alice.", "I sail.")
    desk.server.reply_with("Alice sails.")
    shown = desk.type("/summarize")
    assert Document("Alice sails.") in shown
    assert "messages 1 to 4, by openai:gpt-4o" in notices(shown)
    assert set(marks(desk)) == {"in the summary"}

    desk.type("next")
    assert len(desk.sent()) == 2
    assert "Alice sails." in desk.sent()[0]

    assert desk.type("/summarize edit") == [Draft("/summarize Alice sails.")]
    desk.type("/summarize Alice\nis at sea.", "again")
    assert "Alice\nis at sea." in desk.sent()[0]
    assert "Alice sails." not in desk.sent()[0]
    assert "in your words" in notices(desk.type("/summarize show"))

    desk.type("/summarize off", "in full")
    assert desk.sent()[:2] == ["Be kind.", "My name is Alice."]


def test_pinned_messages_are_not_folded(desk: Desk) -> None:
    desk.type("one", "two", "/pin 1")
    desk.server.reply_with("They counted.")
    assert "the pinned ones apart" in notices(desk.type("/summarize"))
    assert marks(desk) == ["pinned", "pinned", "in the summary", "in the summary"]


def test_a_second_summary_right_away_asks_nothing(desk: Desk) -> None:
    desk.type("one")
    desk.server.reply_with("A count.")
    desk.type("/summarize")
    before = len(desk.server.requests)
    assert "in the summary already" in notices(desk.type("/summarize"))
    assert len(desk.server.requests) == before


def test_a_summary_that_fails_leaves_the_conversation_as_it_was(desk: Desk) -> None:
    desk.type("one")
    desk.server.fail_next(FAULTS["401-openai"])
    assert "there is no summary" in notices(desk.type("/summarize"))
    assert marks(desk) == ["", ""]


@pytest.mark.parametrize("line", ["show", "edit", "off", "my own words"])
def test_without_a_summary_there_is_none_to_change(desk: Desk, line: str) -> None:
    desk.type("one")
    with pytest.raises(UsageError, match="no summary"):
        desk.type(f"/summarize {line}")


def test_a_summary_that_is_cut_off_is_no_summary(desk: Desk) -> None:
    desk.type("one")
    desk.server.reply_with(Reply("It began with", finish="length"))
    assert "there is no summary: it came out too long" in notices(desk.type("/summarize"))
    assert marks(desk) == ["", ""]
    desk.type("two")
    assert desk.sent()[1:] == ["one", "Echo: one", "two"]


def test_a_stop_ends_the_summary_and_not_the_chat(desk: Desk) -> None:
    desk.type("one")
    desk.server.delay = 0.05
    desk.server.reply_with("It goes on and on " * 100)
    stopping = threading.Thread(target=lambda: _stop_when_asked(desk, 2))
    stopping.start()
    told = notices(desk.type("/summarize"))
    stopping.join()
    assert "the conversation is as it was" in told
    assert marks(desk) == ["", ""]
    desk.server.delay = 0
    desk.type("two")
    assert desk.sent()[1:] == ["one", "Echo: one", "two"]


def _stop_when_asked(desk: Desk, number: int) -> None:
    desk.server.wait_for_request(number)
    assert desk.app.session.answering
    desk.app.session.stop()


@pytest.mark.skipif(os.name == "nt", reason="SIGINT")
def test_ctrl_c_by_lines_ends_the_summary_and_not_the_chat(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat = PipedChat(tmp_path, chat_server, "chat")
    chat.say("one")
    chat.wait_for("Echo: one")
    chat_server.delay = 0.05
    chat_server.reply_with("It goes on and on " * 100)
    chat.say("/summarize")
    chat_server.wait_for_request(2)
    chat.process.send_signal(signal.SIGINT)
    chat_server.wait_for_disconnect()
    chat_server.delay = 0
    chat.say("two")
    chat.wait_for("Echo: two")
    assert chat.leave() == 0
    assert "the conversation is as it was" in chat.text()
    sent = [message["content"] for message in chat_server.requests[-1].messages]
    assert sent[-3:] == ["one", "Echo: one", "two"]


# What is sent, message by message


def test_context_tells_what_becomes_of_each_message_and_its_tokens_add_up(desk: Desk) -> None:
    desk.type("a", "b", "c", "d", "e", "/pin 1", "/mute 3", "/strategy window 1")
    shown = table(desk.type("/context"))
    told = {row.cells[0]: row.cells[3] for row in shown.rows if row.cells[0]}
    assert told == {
        **dict.fromkeys(("1", "2"), "sent, pinned"),
        **dict.fromkeys(("3", "4"), "muted"),
        **dict.fromkeys(("5", "6", "7", "8"), "left out: window"),
        **dict.fromkeys(("9", "10"), "sent"),
    }
    assert [row.cells[1] for row in shown.rows][:2] == ["system", "user"]
    for row in shown.rows:
        assert (row.mark == "dim") == (not row.cells[3].startswith("sent"))
    plan = desk.app.session.plan("")
    assert _sum_of_sent(shown.rows) + plan.overhead == plan.tokens
    assert f"4 of 10 messages go; ≈{plan.tokens}" in shown.caption


def _sum_of_sent(rows: tuple[Row, ...]) -> int:
    sent = [row.cells[2] for row in rows if row.cells[3].startswith("sent")]
    return sum(int(text.lstrip("≈").replace(",", "")) for text in sent)


def test_summaries_and_replaced_prompts_have_rows_of_their_own(desk: Desk) -> None:
    desk.type("one", "/system Be brief.")
    desk.server.reply_with("A count.")
    desk.type("/summarize", "two")
    rows = {row.cells[1] + row.cells[4]: row.cells[3] for row in table(desk.type("/context")).rows}
    assert rows["systemBe kind."] == "replaced"
    assert rows["systemBe brief."] == "sent"
    assert rows["summaryA count."] == "sent"
    assert rows["userone"] == "in the summary"


@pytest.mark.parametrize("persona", [None, "pirate"])
def test_raw_is_the_request_to_the_letter_and_has_no_key(desk: Desk, persona: str | None) -> None:
    if persona:
        desk.type(f"/persona {persona}")
    desk.type("My name is Alice.", "/pin", "Hello")
    (raw,) = desk.type("/context raw")
    assert isinstance(raw, Json)
    assert isinstance(raw.value, dict)
    assert raw.value["messages"][-1] == {"role": "user", "content": ""}
    assert "sk-test" not in str(raw.value)
    raw.value["messages"][-1]["content"] = "What is my name?"
    desk.type("What is my name?")
    assert desk.server.requests[-1].body == raw.value


def test_context_of_the_last_messages_still_counts_all(desk: Desk) -> None:
    desk.type("one", "two", "three")
    shown = table(desk.type("/context 2"))
    assert [row.cells[0] for row in shown.rows] == ["", "5", "6", ""]
    assert shown.caption.startswith("6 of 6 messages go")


def test_context_has_no_other_views(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no view `cooked`"):
        desk.type("/context cooked")
    assert desk.offered("context") == ["raw"]


def drawn(events: list[Event]) -> str:
    look = Look(width=lambda: 80, color=False, markdown=True, glyphs=UNICODE)
    renderer = Renderer(look)
    return "".join(map(renderer.show, events))


def test_what_others_wrote_is_cleaned_wherever_it_is_shown(desk: Desk) -> None:
    desk.server.reply_with("\x1b[2Jgone\u202e", "\x1b]0;owned\x07a \u202esummary")
    desk.type("one \x1b[31mred")
    shown = desk.type("/summarize", "/summarize show")
    for events in (shown, desk.type("/context"), desk.type("/context raw"), desk.type("/history")):
        text = drawn(events)
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_marks_stand_before_the_messages_that_bear_them(desk: Desk) -> None:
    desk.type("one", "two", "/pin 1", "/mute 4")
    text = drawn(desk.type("/history"))
    assert "1 (pinned) ❯ one" in text
    assert "4 (muted) openai:gpt-4o" in text
    assert "3 ❯ two" in text


# How full it is


def test_the_gauge_adds_up_to_the_budget(desk: Desk) -> None:
    desk.type("one", "two", "/pin 1", "/budget 500")
    shown = desk.type("/tokens")
    (gauge,) = (event for event in shown if isinstance(event, Gauge))
    parts = {part.letter: part.size for part in gauge.parts}
    assert sum(parts.values()) == 500
    assert parts["P"] > 0 < parts["H"]
    assert parts["R"] == 0
    cells = {row.cells[0]: row.cells[1] for row in table(shown).rows}
    assert cells["budget (truncate)"] == "500"


def test_a_budget_that_is_the_window_s_own_shows_what_is_kept_for_the_reply(desk: Desk) -> None:
    list(desk.app.warm_up())
    shown = desk.type("one", "/tokens")
    (gauge,) = (event for event in shown if isinstance(event, Gauge))
    assert sum(part.size for part in gauge.parts) == desk.app.window == 128_000
    assert ("left to the reply", "1,024") in [row.cells for row in table(shown).rows]


def test_what_the_endpoint_reported_and_the_session_s_totals_are_told(desk: Desk) -> None:
    told = notices(desk.type("one", "/retry", "/tokens"))
    usages = [node.usage for node in desk.app.session.tree.nodes() if node.usage]
    assert len(usages) == 2
    assert f"the endpoint reported {usages[-1].prompt_tokens} tokens sent" in told
    assert f"on all branches: {sum(usage.prompt_tokens for usage in usages)} sent" in told
    assert "cost: ≈$0.00" in told


@pytest.mark.parametrize("limits", ["/budget 5", "/strategy full"])
def test_what_can_not_be_sent_is_shown_all_the_same(desk: Desk, limits: str) -> None:
    desk.type("some words to begin with, and some more of them", "/budget 20", limits)
    for command in ("/tokens", "/context", "/history"):
        assert any(isinstance(event, Table | Transcript) for event in desk.type(command))
    told = desk.type("/tokens")
    assert "over the budget" in notices(told) or "more than the budget" in notices(told)
    assert "too many" in [row.cells[0] for row in table(told).rows]
    with pytest.raises(BudgetError):
        desk.type("/context raw")


def test_a_budget_that_was_set_holds_in_a_new_conversation(desk: Desk) -> None:
    desk.type("one", "/budget 500", "/strategy window 2", "/new")
    assert "the budget is 500 tokens" in notices(desk.type("/budget"))
    assert "window, of 2 pairs" in notices(desk.type("/strategy"))
    desk.type("two")
    assert desk.sent() == ["Be kind.", "two"]


def test_another_model_is_measured_by_the_budget_that_was_set(desk: Desk) -> None:
    desk.type(*(f"question {n} with some words to it" for n in range(6)))
    assert "would be left out" in notices(desk.type("/model narrow"))
    desk.type("/model openai", "/budget 5000")
    assert "would be left out" not in notices(desk.type("/model narrow"))
    assert "the budget is 5,000 tokens" in notices(desk.type("/budget"))
    assert "left out: budget" not in fates(desk).values()


# Branches


def test_a_branch_whose_name_is_as_long_as_can_be_is_forked(desk: Desk) -> None:
    desk.type("one", f"/branch {'b' * 63}", "two")
    told = notices(desk.type("/switch 1"))
    assert "forked after message 1" in told
    assert len(desk.app.session.history) == 1
    assert len(desk.app.session.tree.branch) <= 64


# What it costs


def paid(desk: Desk, model: str, usage: Usage | None, finish: str = "stop") -> None:
    """Add a reply as if that model had given it."""
    tree = desk.app.session.tree
    message = Message("assistant", "Yes.")
    node = Node(new_id(), tree.head, message, now(), model, usage, finish)
    list(desk.app.session.become(trees.add(tree, node)))


def test_costs_are_by_model_with_cached_tokens_apart(desk: Desk) -> None:
    paid(desk, "mine:large", Usage(1_000_000, 100_000, 400_000))
    paid(desk, "local:smollm2", Usage(50, 5))
    rows = {row.cells[0]: row.cells[1:] for row in table(desk.type("/cost")).rows}
    assert rows["mine:large"] == ("1", "600,000", "400,000", "100,000", "≈$8.40")
    assert rows["local:smollm2"] == ("1", "50", "0", "5", "$0")
    assert rows["in all"][-1] == "≈$8.40"


def test_replies_on_every_branch_were_paid_for(desk: Desk) -> None:
    desk.type("one", "/retry", "/retry", "/clear", "two", "/undo")
    (row,) = table(desk.type("/cost")).rows
    assert row.cells[:2] == ("openai:gpt-4o", "4")


@pytest.mark.parametrize("line", ["/summarize In my words.", "/summarize off"])
def test_a_summary_that_was_changed_or_taken_back_was_paid_for(desk: Desk, line: str) -> None:
    desk.type("one")
    desk.server.reply_with("A count.")
    desk.type("/summarize")
    before = table(desk.type("/cost")).rows
    assert before[0].cells[:2] == ("openai:gpt-4o", "2")
    desk.type(line)
    assert table(desk.type("/cost")).rows == before


def test_an_unknown_price_is_said_to_be_unknown(desk: Desk) -> None:
    paid(desk, "mine:large", Usage(1_000_000, 0))
    paid(desk, "somebody-s-own", Usage(10, 10))
    paid(desk, "mine:large", None, "interrupted")
    paid(desk, "mine:large", None, "edited")
    shown = desk.type("/cost")
    rows = {row.cells[0]: row.cells for row in table(shown).rows}
    assert rows["somebody-s-own"][-1] == "unknown"
    assert rows["mine:large"][1] == "2"
    assert rows["in all"][-1] == "≈$10.00 and unknown"
    assert "the price of 1 reply is unknown" in notices(shown)
    assert "1 reply came without figures" in notices(shown)


def test_nothing_was_paid_for_before_the_first_reply(desk: Desk) -> None:
    assert "nothing to pay" in notices(desk.type("/cost"))

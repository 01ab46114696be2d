"""Another model answers where the first one can't, and says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatcli import Session
from chatcli.commands.attach import say
from chatcli.conversation.events import Notice, TextDelta, TurnFinished
from chatcli.conversation.messages import INTERRUPTED
from chatcli.errors import AttachmentError, ProviderError, UsageError
from tests.support.faults import FAULTS
from tests.support.loopback import closed_port
from tests.support.meeting import Meeting
from tests.support.pictures import png
from tests.support.program import run_chatcli
from tests.support.protocol import Reply
from tests.support.quick import quick_folder
from tests.support.server import ChatServer

__all__ = ["quick_folder"]

REPLY = "This is what the other model says."


@dataclass(frozen=True)
class Two:
    """The server of the first model, that of the spare one, and a home whose config knows it."""

    first: ChatServer
    spare: ChatServer
    home: Path

    def chat(self, **flags: object) -> Meeting:
        return Meeting(self.home, self.first.url, flags={"fallback": "spare:small", **flags})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program, with the first server as its own."""
        env = {
            "CHATCLI_HOME": str(self.home),
            "OPENAI_BASE_URL": self.first.url,
            "OPENAI_API_KEY": "sk-test",
            "CHATCLI_MODEL": "gpt-4o",
        }
        return run_chatcli(*arguments, home=self.home, env=env)

    def configure(self, *lines: str, before: str = "") -> None:
        table = ["[profiles.spare]", f'base_url = "{self.spare.url}"', *lines]
        (self.home / "config.toml").write_text("\n".join([before, *table]), encoding="utf-8")


@pytest.fixture
def two(chat_server: ChatServer, quick_folder: Path) -> Iterator[Two]:
    with ChatServer() as spare:
        spare.reply_with(lambda _messages: REPLY)
        made = Two(chat_server, spare, quick_folder)
        made.configure()
        yield made
        assert spare.violations == []


@pytest.mark.parametrize(
    ("fault", "asked", "reason"),
    [
        ("503-openai", 2, "the server failed (503)"),
        ("reset-before-headers", 2, "broke"),
        ("error-at-once", 2, "the server failed (500)"),
        ("401-openai", 1, "does not accept the key"),
        ("404-html", 1, "does not know this"),
        ("429-quota", 1, "out of credit"),
        ("429-hour", 1, "too many requests"),
        ("html", 1, "web page"),
    ],
)
def test_a_model_that_fails_before_its_first_word_is_stood_in_for(
    fault: str, asked: int, reason: str, two: Two
) -> None:
    two.first.fail_next(FAULTS[fault], times=asked)
    with two.chat() as chat:
        met = chat.meet("Hello")
        reply = chat.reply()
        assert (met.code, met.kept, met.mark) == (0, REPLY, "stop")
        assert reply is not None
        assert reply.model == "spare:small"
        assert met.line.startswith("openai:gpt-4o can't answer: ")
        assert reason in met.line
        assert met.line.endswith("; spare:small answers instead")
        assert len(two.first.requests) == asked

        assert chat.meet("And now?").kept == "Echo: And now?", "the first is asked first again"
        assert len(two.spare.requests) == 1


def test_a_server_that_is_not_there_is_stood_in_for(two: Two) -> None:
    with closed_port() as url, Meeting(two.home, url, flags={"fallback": "spare:small"}) as chat:
        met = chat.meet("Hello")
    assert met.kept == REPLY
    assert "nothing answers at" in met.line


def test_an_engine_that_is_not_installed_is_stood_in_for(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with two.chat(model="local") as chat:
        met = chat.meet("Hello")
    assert met.kept == REPLY
    assert "needs the extra `local`" in met.line


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("xai:grok", "the profile `xai` needs a key in XAI_API_KEY"),
        ("azure:mine", "the profile `azure` needs the address of your endpoint"),
    ],
)
def test_a_model_that_can_t_even_be_asked_is_stood_in_for(model: str, why: str, two: Two) -> None:
    with two.chat(model=model) as chat:
        told = [event for event in chat.app.warnings() if isinstance(event, Notice)]
        assert chat.meet("Hello").kept == REPLY
        assert chat.meet("/retry").kept == REPLY
    assert [(each.text, each.hint) for each in told] == [(why, "spare:small answers instead")]
    assert two.first.requests == []


def test_a_stored_model_that_is_gone_is_stood_in_for(two: Two) -> None:
    with two.chat(model="spare:other") as chat:
        chat.meet("Hello")
        path = chat.app.path
    assert path is not None
    path.write_text(path.read_text(encoding="utf-8").replace("spare:other", "xai:grok"))
    done = two.run("ask", "--session", str(path), "--fallback", "spare:small", "And now?")
    assert (done.stdout, done.returncode) == (f"{REPLY}\n", 0)
    assert "xai:grok can't be asked now: " in done.stderr
    assert "; spare:small answers" in done.stderr


def test_where_neither_can_be_asked_the_first_one_s_fault_is_told(two: Two) -> None:
    with pytest.raises(UsageError, match="XAI_API_KEY"):
        two.chat(model="xai:grok", fallback="azure:mine")


def test_nobody_else_goes_on_with_a_reply_that_has_begun(two: Two) -> None:
    two.first.fail_next(FAULTS["reset-mid-stream"])
    with two.chat() as chat:
        met = chat.meet("Tell me more")
    assert (met.code, met.mark, met.kept) == (1, "error", "Echo: Tell m")
    assert two.spare.requests == []


def test_when_both_fail_one_line_tells_of_both(two: Two) -> None:
    two.first.fail_next(FAULTS["503-openai"], times=2)
    two.spare.fail_next(FAULTS["401-openai"])
    with two.chat() as chat:
        met = chat.meet("Hello")
        *_, line = met.lines
        assert met.code == 1
        assert "openai:gpt-4o: the server failed (503)" in line
        assert "and spare:small: " in line
        assert "does not accept the key" in line or "wants a key" in line
        assert line.endswith("; /retry asks both again")
        assert len(line) <= 300
        assert chat.meet("/retry").code == 0


def test_what_the_spare_model_breaks_off_is_kept_as_its_own(two: Two) -> None:
    two.first.fail_next(FAULTS["401-text"])
    two.spare.fail_next(FAULTS["cut-mid-stream"])
    with two.chat() as chat:
        met = chat.meet("Hello")
        reply = chat.reply()
    assert reply is not None
    assert (reply.content, reply.finish, reply.model) == (REPLY[:12], "error", "spare:small")
    assert "broke off" in met.lines[-1]


def test_the_spare_model_is_never_sent_more_than_it_reads(two: Two) -> None:
    two.configure("context_window = 400")
    with two.chat(budget=5000) as chat:
        for number in range(12):
            chat.meet(f"Question {number}: {'what do you think about the weather today? ' * 3}")
        two.first.fail_next(FAULTS["401-text"])
        assert chat.meet("And now?").kept == REPLY
    (request,) = two.spare.requests
    assert len(request.messages) < len(two.first.requests[-1].messages) / 2
    assert two.spare.tokens_of(request.messages) <= 400
    assert request.messages[-1]["content"] == "And now?"


def test_a_question_that_the_spare_model_can_t_read_is_told_with_the_first_reason(two: Two) -> None:
    two.configure("context_window = 100")
    two.first.fail_next(FAULTS["401-text"])
    with two.chat() as chat:
        met = chat.meet("word " * 300)
    assert met.code == 1
    assert "and spare:small: the newest message needs" in met.lines[-1]
    assert two.spare.requests == []


def test_a_question_that_only_the_spare_model_can_read_is_answered(two: Two) -> None:
    two.first.context_window = 50
    with two.chat() as chat:
        met = chat.meet("word " * 200)
    assert (met.code, met.kept) == (0, REPLY)
    assert "longer than the model can read" in met.line


def test_a_limit_that_the_spare_server_states_is_kept_to(two: Two) -> None:
    two.spare.context_window = 4096
    with two.chat() as chat:
        for _ in range(3):
            chat.meet("word " * 1500)
        two.first.fail_next(FAULTS["401-text"])
        met = chat.meet("And now?")
    assert met.kept == REPLY
    assert any("the model reads at most 4,096 tokens" in line for line in met.lines)
    assert len(two.spare.requests) == 2


def test_what_the_spare_model_is_not_sent_is_told(two: Two) -> None:
    two.configure("context_window = 400", "images = false")
    (two.home / "cat.png").write_bytes(png(8, 8))
    with two.chat() as chat:
        chat.meet(f"What is @{two.home / 'cat.png'}?")
        two.first.fail_next(FAULTS["401-text"])
        blind = chat.meet("And now?")
        for number in range(8):
            chat.meet(f"Question {number}: {'what do you think about the weather today? ' * 3}")
        two.first.fail_next(FAULTS["401-text"])
        narrow = chat.meet("And then?")
    assert "spare:small takes no images: 1 image of earlier messages left out" in blind.lines[-1]
    assert re.search(r"spare:small reads less: \d+ more messages are left out", narrow.line)


def test_an_image_is_no_reason_to_refuse_where_the_spare_model_sees(two: Two) -> None:
    two.configure("[profiles.blind]", f'base_url = "{two.first.url}"', "images = false")
    (two.home / "cat.png").write_bytes(png(8, 8))
    with two.chat(model="blind:x") as chat:
        met = chat.meet(f"What is @{two.home / 'cat.png'}?")
    assert met.kept == REPLY
    assert met.lines[-1] == "blind:x takes no images; spare:small answers instead"
    assert two.first.requests == []
    nobody = pytest.raises(AttachmentError, match="takes no images")
    with two.chat(model="blind:x", fallback="blind:y") as chat, nobody:
        list(say(chat.app, f"What is @{two.home / 'cat.png'}?"))


def test_a_reply_without_a_word_is_stood_in_for(two: Two) -> None:
    two.first.fail_next(FAULTS["only-thoughts"])
    with two.chat() as chat:
        met = chat.meet("Hello")
    assert (met.code, met.kept) == (0, REPLY)
    assert "reached its longest before its first word; spare:small" in met.line


def test_a_model_that_can_t_sum_up_either_does_not_end_the_turn(two: Two) -> None:
    flags = {"model": "local:/gone.gguf", "strategy": "summarize", "budget": 120}
    with two.chat(**flags) as chat:
        for number in range(4):
            met = chat.meet(f"Question {number}: what do you think about the weather today?")
            assert met.kept == REPLY
    assert "there is no summary: there is no file /gone.gguf" in met.line


def test_stopping_ends_both(two: Two) -> None:
    two.first.fail_next(FAULTS["401-text"])
    two.spare.fail_next(FAULTS["hang-before-body"])
    with two.chat() as chat:
        session = chat.app.session
        ended = None
        for event in session.ask("Hello"):
            if isinstance(event, Notice):
                session.stop()
            ended = event
    assert isinstance(ended, TurnFinished)
    assert (ended.finish, ended.reply) == (INTERRUPTED, None)


def test_a_model_is_not_its_own_spare(two: Two) -> None:
    two.first.fail_next(FAULTS["503-openai"], times=2)
    with two.chat(fallback="openai:gpt-4o") as chat:
        met = chat.meet("Hello")
    assert met.code == 1
    assert len(met.lines) == 1
    assert len(two.first.requests) == 2


def test_config_toml_can_name_it_and_a_name_that_is_none_is_refused(two: Two) -> None:
    two.configure(before='fallback = "spare:small"')
    two.first.fail_next(FAULTS["401-text"])
    with two.chat(fallback=None) as chat:
        assert chat.meet("Hello").kept == REPLY
    with pytest.raises(UsageError, match="azure"):
        two.chat(fallback="azure:x")


def test_ask_names_who_answered(two: Two) -> None:
    two.first.fail_next(FAULTS["401-openai"])
    done = two.run("ask", "--json", "--fallback", "spare:small", "Hello")
    answer = json.loads(done.stdout)
    assert (answer["reply"], answer["model"], done.returncode) == (REPLY, "spare:small", 0)
    assert "openai:gpt-4o can't answer" in done.stderr


def test_a_script_can_name_it_too(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(two.home))
    monkeypatch.chdir(two.home)
    own: dict[str, Any] = {"model": "gpt-4o", "base_url": two.first.url, "api_key": "sk-test"}
    two.first.fail_next(FAULTS["401-openai"], times=3)
    with Session(fallback="spare:small", **own) as talk:
        assert talk.send("Hello") == REPLY
        talk.save(two.home / "talk.json")
    with Session.open(two.home / "talk.json", fallback="spare:small", **own) as talk:
        assert talk.send("Hello again") == REPLY
    with Session(**own) as talk, pytest.raises(ProviderError, match="does not accept"):
        talk.send("Hello")


def test_a_script_is_told_who_answers_in_the_place_of_a_model_without_a_key(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(two.home))
    monkeypatch.chdir(two.home)
    with Session(model="xai:grok", fallback="spare:small") as talk:
        first = list(talk.stream("Hello"))
        again = list(talk.stream("Hello"))
    why = "the profile `xai` needs a key in XAI_API_KEY"
    told = Notice(why, "spare:small answers instead", "warning")
    assert first[0] == told
    assert told not in again
    assert TextDelta in map(type, first)


def test_what_was_cut_off_is_gone_on_with_by_the_spare_model(two: Two) -> None:
    two.first.reply_with(Reply("The first half and", finish="length"))
    two.spare.reply_with("the second.")
    with two.chat() as chat:
        chat.meet("Hello")
        two.first.fail_next(FAULTS["401-text"])
        met = chat.meet("/continue")
    assert met.kept == "The first half the second."

"""What we ask for works with servers that nobody here wrote as it does with our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatcli.conversation import tree as trees
from chatcli.conversation.arriving import Patience
from chatcli.conversation.events import Event, Retrying, TextDelta, TurnFinished
from chatcli.conversation.messages import INTERRUPTED, Message, now
from chatcli.conversation.ports import Forgetful
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.session import Session
from chatcli.conversation.tokens import TokenCounter
from chatcli.conversation.tree import Tree
from chatcli.errors import BadReply, Overflow, Refused, Unreachable
from chatcli.providers.base import Endpoint, Parameters
from chatcli.providers.openai import OpenAIProvider
from tests.support import real
from tests.support.embedded import weights
from tests.support.real import Real

if TYPE_CHECKING:
    from llmock.scenarios import StreamFaultKind

__all__ = ["weights"]

SERVERS = ("ours", "llmock", pytest.param("llamacpp", marks=pytest.mark.embedded))
SHORT = Parameters(temperature=0.0, max_reply=24)


class GoesOn(OpenAIProvider):
    goes_on_by_itself = True


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Real]:
    path: Path | None = None
    if request.param == "llamacpp":
        path = request.getfixturevalue("weights")
    with getattr(real, request.param)(path) as running:
        yield running


def session(
    endpoint: Endpoint,
    parameters: Parameters = SHORT,
    prompt: str = "",
    *,
    attempts: int = 1,
) -> Session:
    name = f"openai:{endpoint.model}"
    provider = OpenAIProvider(name, lambda: endpoint, parameters)
    tree = Tree()
    if prompt:
        tree = trees.add(tree, trees.say(tree, Message("system", prompt)))
    patience = Patience(attempts, first_delay=0.05)
    talk = Conversation(Header("01K", now()), tree)
    return Session(talk, provider, Forgetful(), TokenCounter("gpt-4o"), patience=patience)


def say(talk: Session, text: str) -> TurnFinished:
    return finished(list(talk.ask(text)))


def finished(events: list[Event]) -> TurnFinished:
    (turn,) = (event for event in events if isinstance(event, TurnFinished))
    return turn


def test_a_reply_streams_with_its_usage_and_its_model(server: Real) -> None:
    events = list(session(server.endpoint).ask("Say something about the sea, please."))
    pieces = [event.text for event in events if isinstance(event, TextDelta)]
    turn = finished(events)
    assert len(pieces) > 2
    assert turn.reply is not None
    assert turn.reply.content == "".join(pieces)
    assert turn.reply.model == f"openai:{server.endpoint.model}"
    assert turn.finish in {"stop", "length"}
    assert turn.usage is not None
    assert turn.usage.prompt_tokens > 3
    assert turn.usage.completion_tokens > 3


def test_the_model_knows_the_name_it_was_told(server: Real) -> None:
    talk = session(server.endpoint, prompt="You are a helpful assistant.")
    first = say(talk, "Hi, my name is Alice. What a nice day!")
    second = say(talk, "Can you repeat my name?")
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.prompt_tokens > first.usage.prompt_tokens + first.usage.completion_tokens
    assert second.reply is not None
    if server.remembers:
        assert "Alice" in second.reply.content


def test_the_system_prompt_is_sent_and_read(server: Real) -> None:
    plain = say(session(server.endpoint), "Hello").usage
    prompt = "You are a lighthouse keeper, and you speak in riddles about ships and storms. " * 3
    prompted = say(session(server.endpoint, prompt=prompt), "Hello").usage
    assert plain is not None
    assert prompted is not None
    assert prompted.prompt_tokens > plain.prompt_tokens + 15


def test_the_models_are_listed(server: Real) -> None:
    provider = OpenAIProvider("openai:x", lambda: server.endpoint)
    assert server.endpoint.model in provider.models()


def test_a_reply_that_reached_its_longest_is_gone_on_with(server: Real) -> None:
    if server.cut_next:
        server.cut_next()
    talk = session(server.endpoint, Parameters(temperature=0.0, max_reply=8))
    turn = say(talk, "Tell me about the sea, in a few sentences.")
    assert turn.finish == "length"
    assert turn.reply is not None
    whole = turn.reply.content.rpartition(" ")[0]

    longer = Parameters(temperature=0.0, max_reply=48)
    kind = GoesOn if server.goes_on else OpenAIProvider
    talk.provider = kind(talk.provider.model, lambda: server.endpoint, longer)
    again = finished(list(talk.go_on())).reply
    assert again is not None
    assert again.content.startswith(whole)
    assert len(again.content) > len(turn.reply.content)
    assert "  " not in again.content


def test_a_reply_can_be_stopped_and_the_next_one_comes(server: Real) -> None:
    server.delay_next()
    talk = session(server.endpoint, Parameters(temperature=0.0, max_reply=2000))
    events: list[Event] = []
    for event in talk.ask("Tell me a very long story about a river."):
        events.append(event)
        if sum(isinstance(each, TextDelta) for each in events) == 3:
            talk.stop()
    turn = finished(events)
    assert turn.finish == INTERRUPTED
    assert turn.reply is not None
    assert turn.reply.content
    talk.ready()
    talk.provider = OpenAIProvider("openai:again", lambda: server.endpoint, SHORT)
    assert say(talk, "Hello").reply is not None


def test_a_wrong_key_is_told(server: Real) -> None:
    if not server.checks_keys:
        pytest.skip(f"{server.name} takes any key")
    wrong = replace(server.endpoint, api_key="sk-wrong")
    with pytest.raises(Refused, match="does not accept the key"):
        say(session(wrong), "Hello")
    none = replace(server.endpoint, api_key=None)
    with pytest.raises(Refused, match="wants a key"):
        say(session(none), "Hello")


def test_a_wrong_model_is_told(server: Real) -> None:
    wrong = replace(server.endpoint, model="no-such-model")
    if not server.checks_models:
        assert say(session(wrong), "Hello").reply is not None, f"{server.name} has only one"
        return
    with pytest.raises(Refused, match="no-such-model"):
        say(session(wrong), "Hello")


def test_a_conversation_that_is_too_long_is_told_with_the_limit(weights: Path) -> None:
    with real.llamacpp(weights) as server, pytest.raises(Overflow) as raised:
        say(session(server.endpoint), "word " * 3000)
    assert raised.value.limit == 2048
    assert raised.value.prompt_tokens is not None
    assert raised.value.prompt_tokens > 3000


def test_llmock_finds_nothing_wrong_with_how_failures_are_taken() -> None:
    from llmock.scenarios import Fail
    from llmock.testing import LLMockServer
    from llmock.verdict import judge

    with LLMockServer() as mock:
        endpoint = Endpoint(mock.base_url("openai"), "sk-any", "gpt-4o")
        for behavior in (Fail(429, retry_after=0.2), Fail(503), Fail(500, times=2)):
            mock.state.scenarios.add(behavior)
            events = list(session(endpoint, attempts=4).ask(f"What of {behavior.status}?"))
            assert finished(events).reply is not None
            waits = [event.delay for event in events if isinstance(event, Retrying)]
            assert len(waits) == behavior.times
        for status in (400, 401, 403, 404, 422):
            mock.state.scenarios.add(Fail(status))
            with pytest.raises(Refused):
                say(session(endpoint, attempts=4), f"And {status}?")
        verdict = judge(mock.state.journal.records(wait=2))
    assert verdict.passed
    assert verdict.findings == ()


@pytest.mark.parametrize(
    ("kind", "error"),
    [("disconnect", Unreachable), ("truncate", Unreachable), ("malformed", BadReply)],
)
def test_llmock_breaks_a_reply_off_and_what_came_is_kept(
    kind: StreamFaultKind, error: type[Exception]
) -> None:
    from llmock.scenarios import Reply, StreamFault
    from llmock.testing import LLMockServer

    with LLMockServer() as mock:
        endpoint = Endpoint(mock.base_url("openai"), "sk-any", "gpt-4o")
        mock.state.scenarios.add(Reply("one two three four"), StreamFault(kind, after_chunks=3))
        talk = session(endpoint, attempts=4)
        with pytest.raises(error):
            say(talk, "Count")
        assert talk.history[-1].content == "one two "
        assert len(mock.state.journal.records(wait=2)) == 1

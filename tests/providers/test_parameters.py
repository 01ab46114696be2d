"""Parameters reach the request in their order, and what a model refuses of them is learned."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatcli.app import App, Options
from chatcli.commands.registry import Run
from chatcli.conversation.events import Event, Notice, Table, TextDelta
from chatcli.conversation.messages import Message
from chatcli.errors import Refused, UsageError
from chatcli.parameters import PARAMETERS
from chatcli.providers.base import Endpoint, Parameters
from chatcli.providers.dialect import ADJUSTABLE, LIMIT, OLD_LIMIT, Dialect
from chatcli.providers.openai import OpenAIProvider
from chatcli.settings import load
from chatcli.storage.sampling import read
from tests.support.edits import break_off
from tests.support.exchange import Exchange
from tests.support.mischief import Fault, stream
from tests.support.picky import openai, picky, refuse_in_event, refuse_in_reply
from tests.support.protocol import Json, event
from tests.support.server import ChatServer

QUESTION = [Message("user", "Hello")]
EVERYTHING = {*ADJUSTABLE, OLD_LIMIT}


def ask(provider: OpenAIProvider) -> tuple[str, list[str]]:
    deltas = list(provider.stream(QUESTION))
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    return text, [delta.text for delta in deltas if isinstance(delta, Notice)]


def provider_at(server: ChatServer, parameters: Parameters) -> OpenAIProvider:
    endpoint = Endpoint(server.url, "sk-test", "o9")
    return OpenAIProvider("openai:o9", lambda: endpoint, parameters)


def test_a_refused_parameter_costs_one_more_request_and_then_none(chat_server: ChatServer) -> None:
    chat_server.fail_next(picky(LIMIT, "temperature"), times=4)
    provider = provider_at(chat_server, Parameters(temperature=0.2, max_reply=50, seed=7))
    learned: list[Dialect] = []
    provider.adapted = learned.append
    text, notes = ask(provider)
    assert text == "Echo: Hello"
    assert notes == [
        "openai:o9 does not take max_completion_tokens: max_tokens is sent instead",
        "openai:o9 does not take temperature: sent again without",
    ]
    assert learned[-1].refused == {LIMIT, "temperature"}
    last = chat_server.requests[-1].body
    assert (last["max_tokens"], last["seed"]) == (50, 7)
    assert "temperature" not in last
    text, notes = ask(provider)
    assert (text, notes) == ("Echo: Hello", [])
    assert len(chat_server.requests) == 4
    provider.close()


@pytest.mark.parametrize("say", [refuse_in_event, refuse_in_reply])
def test_a_refusal_that_comes_as_the_reply_is_adapted_to_as_well(
    chat_server: ChatServer, say: Callable[[Exchange, Json], None]
) -> None:
    chat_server.fail_next(picky("temperature", say=say), times=2)
    provider = provider_at(chat_server, Parameters(temperature=0.2))
    text, notes = ask(provider)
    assert text == "Echo: Hello"
    assert notes == ["openai:o9 does not take temperature: sent again without"]
    provider.close()


def test_what_comes_after_a_word_of_the_reply_is_adapted_to_no_more(
    chat_server: ChatServer,
) -> None:
    body = openai("temperature is not supported", "temperature", "unsupported_parameter")
    chat_server.fail_next(Fault("late", "a late refusal", stream(break_off(event(body)))))
    provider = provider_at(chat_server, Parameters(temperature=0.2))
    with pytest.raises(Refused, match="temperature"):
        ask(provider)
    assert len(chat_server.requests) == 1
    provider.close()


def test_a_server_that_refuses_everything_is_asked_a_bounded_number_of_times(
    chat_server: ChatServer,
) -> None:
    chat_server.fail_next(picky(*sorted(EVERYTHING), "messages"), times=50)
    everything = Parameters(0.2, 0.9, 50, 7, ("END",), "low")
    provider = provider_at(chat_server, everything)
    with pytest.raises(Refused, match="messages"):
        ask(provider)
    assert len(chat_server.requests) == len(EVERYTHING) + 1
    provider.close()


def test_an_extra_body_is_the_user_s_word_and_is_never_dropped(chat_server: ChatServer) -> None:
    chat_server.rules = replace(chat_server.rules, extra=frozenset({"top_k"}))
    provider = provider_at(chat_server, Parameters(extra_body={"top_k": 5, "temperature": 0.4}))
    assert ask(provider) == ("Echo: Hello", [])
    sent = chat_server.requests[-1].body
    assert (sent["top_k"], sent["temperature"]) == (5, 0.4)
    assert provider.request(QUESTION) == sent | {"model": "o9"}
    chat_server.fail_next(picky("top_k"))
    with pytest.raises(Refused, match="top_k"):
        ask(provider)
    provider.close()


# In a chat


class Desk:
    """An app at a server, with a persona and a profile that each want something."""

    def __init__(self, home: Path, server: ChatServer) -> None:
        (home / "personas").mkdir(exist_ok=True)
        (home / "personas" / "cool.md").write_text(
            "---\ntemperature: 0.5\ntop_p: 0.5\n---\nBe cool.\n"
        )
        (home / "config.toml").write_text(
            f'[profiles.mine]\nbase_url = "{server.url}"\nmodel = "m"\n'
            "temperature = 0.1\ntop_p = 0.1\nseed = 1\n"
            f'[profiles.other]\nbase_url = "{server.url}"\nmodel = "n"\n'
        )
        self.home, self.server = home, server

    def app(self, **options: object) -> App:
        settings = load(environ={"CHATCLI_HOME": str(self.home)}, cwd=self.home)
        return App(settings, Options(**options))  # type: ignore[arg-type]  # its own fields


@pytest.fixture
def desk(tmp_path: Path, chat_server: ChatServer) -> Desk:
    return Desk(tmp_path, chat_server)


def typed(app: App, line: str) -> list[Event]:
    app.session.ready()
    meant = app.commands.interpret(line)
    if isinstance(meant, Run):
        return list(meant.command.run(app, meant.arguments))
    return list(app.session.ask(line))


def sent(app: App, desk: Desk) -> dict[str, object]:
    typed(app, "Hello")
    body = desk.server.requests[-1].body
    return {name: body[name] for name in ("temperature", "top_p", "seed", "stop") if name in body}


def shown(events: Iterator[Event] | list[Event]) -> dict[str, tuple[str, ...]]:
    return {
        row.cells[0]: row.cells[1:]
        for event in events
        if isinstance(event, Table)
        for row in event.rows
    }


def test_the_profile_yields_to_the_persona_and_both_to_set(desk: Desk) -> None:
    app = desk.app(model="mine", persona="cool")
    assert sent(app, desk) == {"temperature": 0.5, "top_p": 0.5, "seed": 1}
    typed(app, "/set temperature 0.9")
    assert sent(app, desk) == {"temperature": 0.9, "top_p": 0.5, "seed": 1}
    assert shown(typed(app, "/set")) == {
        **dict.fromkeys(PARAMETERS, ("", "the endpoint decides")),
        "temperature": ("0.9", "/set"),
        "top_p": ("0.5", "the persona cool"),
        "seed": ("1", "the profile mine"),
    }
    assert shown(typed(app, "/set top_p")) == {"top_p": ("0.5", "the persona cool")}
    typed(app, "/set temperature default")
    assert sent(app, desk)["temperature"] == 0.5
    app.close()


def test_what_was_set_outlives_the_model_the_persona_and_the_session(desk: Desk) -> None:
    app = desk.app(model="mine", session="kept")
    typed(app, "/set temperature 0.9")
    typed(app, '/set stop ["END", "\\n\\n"]')
    chosen = {"temperature": 0.9, "stop": ["END", "\n\n"]}
    assert sent(app, desk) == {**chosen, "top_p": 0.1, "seed": 1}
    typed(app, "/model other")
    assert sent(app, desk) == chosen
    typed(app, "/persona cool")
    assert sent(app, desk) == {**chosen, "top_p": 0.5}
    app.close()
    again = desk.app(session="kept")
    assert sent(again, desk) == {**chosen, "top_p": 0.5}
    typed(again, "/new")
    assert sent(again, desk) == {**chosen, "top_p": 0.5}
    typed(again, "/load kept")
    typed(again, "/set temperature default")
    again.close()
    last = desk.app(session="kept")
    assert sent(last, desk)["temperature"] == 0.5
    last.close()


def test_an_extra_body_stays_out_of_the_file(desk: Desk) -> None:
    app = desk.app(model="mine", session="kept")
    desk.server.rules = replace(desk.server.rules, extra=frozenset({"plugins"}))
    typed(app, '/set extra_body {"plugins": ["web"]}')
    typed(app, "/set seed 7")
    typed(app, "Hello")
    assert desk.server.requests[-1].body["plugins"] == ["web"]
    app.close()
    text = (desk.home / "sessions" / "kept.json").read_text()
    assert '{"set":{"seed":7}}' in text
    assert "plugins" not in text


def test_a_stranger_s_file_sets_nothing_that_could_not_be_typed() -> None:
    assert read({"temperature": 99, "seed": 5, "extra_body": {"a": 1}, "base_url": "x"}) == {
        "seed": 5
    }
    assert read([1]) == {}
    assert read({"stop": ["a"]}) == {"stop": ("a",)}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("/set temperature hot", "temperature must be a number from 0 to 2, not `hot`"),
        ("/set temperature 3", "a number from 0 to 2"),
        ("/set max_reply 0", "a whole number"),
        ("/set reasoning_effort huge", "one of none, minimal"),
        ('/set extra_body {"model": "x"}', "without"),
        ('/set extra_body {"top_k": "\\ud800"}', "without"),
        ('/set stop ["END", "\\ud800"]', "a text or a list of texts"),
        ("/set temprature 1", "did you mean temperature?"),
    ],
)
def test_what_can_not_be_set_is_one_line(desk: Desk, line: str, said: str) -> None:
    app = desk.app(model="mine")
    with pytest.raises(UsageError) as caught:
        typed(app, line)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    app.close()


def test_keys_and_values_are_completed(desk: Desk) -> None:
    app = desk.app(model="mine")
    command = app.commands["set"]
    assert command.complete is not None
    assert command.follow is not None
    assert {choice.name for choice in command.complete(app)} >= {*PARAMETERS, "reasoning", "memory"}
    efforts = [choice.name for choice in command.follow(app, "reasoning_effort")]
    assert {"low", "high", "default"} <= set(efforts)
    assert [choice.name for choice in command.follow(app, "reasoning")] == ["off", "brief", "full"]
    assert list(command.follow(app, "nothing")) == []
    app.close()


def test_what_was_learned_is_known_to_the_next_run_until_it_is_tried_again(desk: Desk) -> None:
    desk.server.fail_next(picky("temperature"), times=2)
    app = desk.app(model="mine")
    told = typed(app, "Hello")
    assert [e.text for e in told if isinstance(e, Notice)] == [
        "mine:m does not take temperature: sent again without"
    ]
    app.close()
    again = desk.app(model="mine")
    assert "temperature" not in sent(again, desk)
    assert len(desk.server.requests) == 3
    value, source = shown(typed(again, "/set temperature"))["temperature"]
    assert (value, source) == ("0.1", "the profile mine; the model does not take it")
    typed(again, "/set temperature 0.3")
    assert sent(again, desk)["temperature"] == 0.3
    again.close()
    last = desk.app(model="mine")
    assert sent(last, desk)["temperature"] == 0.1
    last.close()


def test_an_effort_that_was_refused_is_tried_by_the_next_run(desk: Desk) -> None:
    app = desk.app(model="other")
    typed(app, "/set reasoning_effort minimal")
    desk.server.fail_next(picky("reasoning_effort"))
    typed(app, "Hello")
    typed(app, "Hello")
    assert "reasoning_effort" not in desk.server.requests[-1].body
    app.close()
    with (desk.home / "config.toml").open("a") as file:  # under the last of its tables
        file.write('reasoning_effort = "low"\n')
    again = desk.app(model="other")
    typed(again, "Hello")
    assert desk.server.requests[-1].body["reasoning_effort"] == "low"
    again.close()


@pytest.mark.parametrize("value", ["0", "0.5"])
def test_what_was_set_is_told_without_its_source_and_what_it_goes_back_to_with_it(
    desk: Desk, value: str
) -> None:
    app = desk.app(model="mine")
    (told,) = typed(app, f"/set temperature {value}")
    assert isinstance(told, Notice)
    assert told.text == f"temperature is {float(value)} from here on"
    (told,) = typed(app, "/set temperature default")
    assert isinstance(told, Notice)
    assert told.text == "temperature is 0.1 from here on (the profile mine)"
    app.close()


def test_a_turn_that_was_refused_is_kept_once_and_whole(desk: Desk) -> None:
    desk.server.fail_next(picky("temperature", "top_p"), times=3)
    app = desk.app(model="mine", session="kept")
    typed(app, "Hello")
    app.close()
    records = json.loads((desk.home / "sessions" / "kept.json").read_text())
    said = [(each["role"], each["content"]) for each in records if "role" in each]
    assert said == [("user", "Hello"), ("assistant", "Echo: Hello")]

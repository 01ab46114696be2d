"""Counting for the embedded model against what its engine reports for real requests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import openai
import pytest

from chatcli.api import Session
from chatcli.app import App, Options
from chatcli.commands.registry import Run
from chatcli.conversation import tree as trees
from chatcli.conversation.calibration import Calibration
from chatcli.conversation.messages import Message, Role
from chatcli.conversation.tokens import TokenCounter
from chatcli.parts import examples_of
from chatcli.personas import PersonaStore, shipped_folder
from chatcli.providers import local_tokens
from chatcli.providers.base import Endpoint
from chatcli.providers.local import LocalEngine
from chatcli.providers.local_tokens import LocalTokens, tokens_of
from chatcli.settings import load
from tests.support.embedded import weights

__all__ = ["weights"]

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]
posix_only = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


@pytest.fixture(scope="module")
def endpoint(weights: Path) -> Iterator[Endpoint]:
    engine = LocalEngine(weights)
    yield engine.endpoint()
    engine.close()


@pytest.fixture(scope="module")
def tokens(endpoint: Endpoint) -> LocalTokens:
    return found(endpoint)


def found(endpoint: Endpoint | None) -> LocalTokens:
    tokens = tokens_of(lambda: endpoint)
    assert tokens is not None
    return tokens


def counting(tokens: LocalTokens) -> TokenCounter:
    counter = TokenCounter("local:smollm2")
    counter.use_own(tokens)
    return counter


def reported(endpoint: Endpoint, talk: list[Message]) -> int:
    """Return the prompt tokens that the engine reports for a real request."""
    with openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key) as client:
        answer = client.chat.completions.create(
            model="smollm2",
            messages=[message.as_dict() for message in talk],  # type: ignore[misc]  # the same dicts
            max_completion_tokens=1,
        )
    assert answer.usage is not None
    return answer.usage.prompt_tokens


def said(*texts: str, system: str | None = None) -> list[Message]:
    """Return questions and replies in turn, after a system prompt if there is one."""
    first = [] if system is None else [Message("system", system)]
    questions = [Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]
    return [*first, *questions]


def pirate() -> list[Message]:
    persona = PersonaStore([shipped_folder()]).get("pirate")
    shown = examples_of(persona).messages
    assert shown, "the pirate shows how it answers"
    return [*said(system=persona.prompt), *shown, Message("user", "What is my name?")]


CODE = "def f(x):\n    '''Doc.'''\n\treturn {x: 'é'}\n\n\n"
TALKS = {
    "one word": said("hi"),
    "one word and a system prompt": said("hi", system="Be brief."),
    "an empty message": said(""),
    "empty messages everywhere": said("", "", "", system=""),
    "blanks at the ends": said("  \n a \n ", "\n\nb\n\n", " ", system="\n s \n"),
    "many scripts": said("Grüße, 船長! नमस्ते", "مرحبا 🏴‍☠️\u200b", "한국어?", system="Ответь."),
    "program text": said(f"```python\n{CODE}```", CODE, f"\n{CODE}"),
    "special tokens": said("<|im_end|>\n<|im_start|>user\nhi", "<|endoftext|></s>", "<|im_end|"),
    "a special token as the system prompt": said("<|im_start|>", system="<|im_end|>"),
    "a pirate and its examples": pirate(),
    "50 turns": said(*islice(cycle(["Why?", "\nNo."]), 99)),
    "two questions in a row": [*said("one"), *said(" two ")],
    "control characters": said("a\x00b\x07\r\n\u2028\u00a0"),
    "numbers and blanks": said("1234567 " * 9, " " * 300, "\n" * 70, system="\t"),
}


@pytest.mark.parametrize("name", TALKS)
def test_what_is_counted_is_what_the_engine_reports(
    name: str, endpoint: Endpoint, tokens: LocalTokens
) -> None:
    count = counting(tokens).count_prompt(TALKS[name])
    assert (count.tokens, count.precision) == (reported(endpoint, TALKS[name]), "exact")


def test_the_prompt_that_the_template_adds_belongs_to_the_request(tokens: LocalTokens) -> None:
    counter = counting(tokens)
    own = said("You are a helpful AI assistant named SmolLM, trained by Hugging Face")
    system = Message("system", own[0].content)
    assert counter.overhead_of(said("hi")) == counter.overhead + counter.price(system)
    assert counter.overhead_of(said("hi", system="")) == counter.overhead


def test_a_report_confirms_an_exact_count(endpoint: Endpoint, tokens: LocalTokens) -> None:
    counter = counting(tokens)
    for talk in (TALKS["one word"], TALKS["one word and a system prompt"]):
        counter.learn(talk, reported(endpoint, talk))
    assert (counter.precision, counter.calibration.agrees) == ("exact", True)


def test_half_a_surrogate_pair_is_counted_and_not_sent(tokens: LocalTokens) -> None:
    assert tokens.count("\ud83d") == tokens.count("?")


def test_an_engine_that_hangs_up_after_a_while_is_called_again(endpoint: Endpoint) -> None:
    tokens = found(endpoint)
    line = tokens._engine._line
    assert line is not None
    assert line.sock is not None
    line.sock.shutdown(2)
    assert tokens.count("ahoy") == found(endpoint).count("ahoy")


def test_without_an_engine_there_is_no_tokenizer(endpoint: Endpoint) -> None:
    assert tokens_of(lambda: None) is None
    nobody = Endpoint("http://127.0.0.1:9/v1", "key")
    assert tokens_of(lambda: nobody) is None
    assert tokens_of(lambda: Endpoint(endpoint.base_url, "another key")) is None


def test_no_proxy_is_asked(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert found(endpoint).family.exact


@posix_only
def test_an_engine_that_dies_costs_no_error_and_a_restart_brings_exact_counts_back(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_tokens, "QUIET_FOR", 0.0)
    engine = LocalEngine(weights)
    running = engine.endpoint()
    tokens = tokens_of(lambda: running)
    assert tokens is not None
    counter = counting(tokens)
    known, fresh = said("hi"), said("hi", "Ahoy there!", "Who are you?")
    exact = counter.count_prompt(known)

    kill(engine)
    assert counter.count_prompt(known) == exact
    assert counter.count_prompt(fresh).precision == "estimated"
    counter.learn(fresh, 500)
    assert counter.calibration == Calibration()

    running = engine.endpoint()
    assert counter.count_prompt(fresh).precision == "exact"
    assert counter.count_prompt(fresh).tokens == reported(running, fresh)
    engine.close()


def kill(engine: LocalEngine) -> None:
    assert engine._run is not None
    process = engine._run._process
    assert process is not None
    process.kill()
    process.wait()


@posix_only
def test_an_engine_that_hangs_is_waited_for_once(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_tokens, "ANSWER_WITHIN", 0.2)
    monkeypatch.setattr(local_tokens, "QUIET_FOR", 60.0)
    engine = LocalEngine(weights)
    tokens = found(engine.endpoint())
    assert engine._run is not None
    process = engine._run._process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
    began = time.monotonic()
    assert [tokens.count(f"text {number}") for number in range(200)] == [None] * 200
    assert time.monotonic() - began < 5
    process.kill()
    engine.close()


ROLE = "<|im_start|>{{ m.role }}\n"
REPLY = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
TRIMS = (
    f"{{% for m in messages %}}{ROLE}{{{{ m.content | trim }}}}<|im_end|>\n{{% endfor %}}{REPLY}"
)
IN_TURN = (
    "{% for m in messages %}{% if m.role == 'user' and loop.previtem is defined and "
    "loop.previtem.role == 'user' %}{{ raise_exception('in turn') }}{% endif %}"
    f"{ROLE}{{{{ m.content }}}}<|im_end|>\n{{% endfor %}}{REPLY}"
)
MERGES = (
    "{% for m in messages %}{% if m.role == 'system' %}<|im_start|>user\n{{ m.content }}\n"
    "{% else %}{% if not (loop.index0 == 1 and messages[0].role == 'system') %}"
    f"{ROLE}{{% endif %}}{{{{ m.content }}}}<|im_end|>\n{{% endif %}}{{% endfor %}}{REPLY}"
)


def with_template(weights: Path, template: str, folder: Path) -> Path:
    """Return a copy of the weights with another chat template, padded to the length of theirs."""
    content = weights.read_bytes()
    start = content.index(b"{% for message in messages %}{% if loop.first")
    length = int.from_bytes(content[start - 8 : start], "little")
    padded = template.encode() + b"{#" + b" " * (length - len(template.encode()) - 4) + b"#}"
    assert len(padded) == length
    copy = folder / "other.gguf"
    copy.write_bytes(content[:start] + padded + content[start + length :])
    return copy


@pytest.mark.parametrize(
    ("template", "exact"),
    [(TRIMS, True), (IN_TURN, True), (MERGES, False)],
    ids=["trims", "in turn", "merges"],
)
def test_a_template_is_called_exact_only_where_it_can_be_predicted(
    template: str, exact: bool, weights: Path, tmp_path: Path
) -> None:
    engine = LocalEngine(with_template(weights, template, tmp_path))
    endpoint = engine.endpoint()
    counter = counting(found(endpoint))
    assert counter.family.exact is exact
    hard = [TALKS[name] for name in ("one word", "blanks at the ends", "many scripts")]
    sums = [counter.count_prompt(talk).tokens for talk in hard]
    reports = [reported(endpoint, talk) for talk in hard]
    engine.close()
    if exact:
        assert sums == reports
    else:
        assert counter.precision == "estimated"
        off = [abs(ours / theirs - 1) for ours, theirs in zip(sums, reports, strict=True)]
        assert max(off) < 0.2


@pytest.fixture
def home(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A newcomer's home with nothing in it but the weights."""
    models = tmp_path / "cache" / "models"
    models.mkdir(parents=True)
    for file in weights.parent.glob(f"{weights.name}*"):
        os.link(file, models / file.name)
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "CHATCLI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("system", [None, "Be brief."])
def test_a_plan_costs_what_the_engine_reports_for_it(system: str | None, home: Path) -> None:
    with Session(system, model="local", parameters={"max_reply": 5}) as talk:
        assert talk._engine.planner.counter.precision == "estimated", "the engine does not run yet"
        talk.send("Ahoy!")
        talk.count_tokens()
        planned = talk._engine.plan("Who are you?").tokens
        talk.send("Who are you?")
        usage = talk._engine.last_usage
        assert usage is not None
        assert (planned, talk._engine.planner.counter.precision) == (usage.prompt_tokens, "exact")


def test_the_toolbar_is_exact_as_soon_as_the_engine_runs(home: Path) -> None:
    app = App(load({}), Options(persona="pirate", save=False))
    try:
        assert not app.toolbar().exact
        list(app.warm_up())
        assert app.toolbar().exact
        list(app.new_session())
        assert app.toolbar().exact, "another conversation with the same model"
        command = app.commands.interpret("/tokens")
        assert isinstance(command, Run)
        shown = str(list(command.command.run(app, "")))
        assert "≈" not in shown
        assert "counted: exact" in shown
    finally:
        app.close()


def test_a_long_session_is_counted_before_anybody_asks(home: Path) -> None:
    app = App(load({}), Options(model="local", save=False))
    try:
        tree = app.session.tree
        for number in range(400):
            role: Role = "assistant" if number % 2 else "user"
            tree = trees.add(tree, trees.say(tree, Message(role, f"message {number} " * 9)))
        list(app.session.become(tree))
        list(app.warm_up())
        app._provider.close()  # from here on nothing can be asked
        app.session.plan("")
        assert app.session.planner.counter.precision == "exact"
    finally:
        app.close()

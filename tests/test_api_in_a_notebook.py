"""The library as somebody uses it who runs a cell, changes it, and runs it again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import chatcli
from chatcli import Session, TextDelta, TurnFinished
from chatcli.api.wording import in_python
from chatcli.conversation.events import Event
from chatcli.errors import ChatcliError, RateLimited, StorageError, UsageError
from tests.support.faults import FAULTS
from tests.support.pictures import png
from tests.support.server import ChatServer

TERSE = "---\ntemperature: 0.3\nstrategy: window\nwindow: 1\nexamples:\n"
TERSE += "  - {user: One?, assistant: Two.}\n---\nBe terse.\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "terse.md").write_text(TERSE)
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def place(chat_server: ChatServer) -> dict[str, object]:
    return {"base_url": chat_server.url, "api_key": "sk-test", "model": "gpt-4o"}


def new(place: dict[str, object], prompt: str | None = None, **options: object) -> Session:
    return Session(prompt, **(place | options))  # type: ignore[arg-type]  # one dict for all


def opened(place: dict[str, object], path: str | Path, **options: object) -> Session:
    return Session.open(path, **(place | options))  # type: ignore[arg-type]  # one dict for all


def contents(server: ChatServer, number: int = -1) -> list[str]:
    return [message["content"] for message in server.requests[number].messages]


# A stored session goes on as it was


def test_a_persona_goes_on_with_its_examples_its_sampling_and_its_window(
    chat_server: ChatServer, place: dict[str, object]
) -> None:
    with new(place, persona="terse") as talk:
        talk.save("talk.json")
        for text in ("A", "B"):
            talk.send(text)
    with opened(place, "talk.json") as again:
        again.send("C")
    assert contents(chat_server) == ["Be terse.", "One?", "Two.", "B", "Echo: B", "C"]
    assert chat_server.requests[-1].body["temperature"] == 0.3


def test_parameters_go_with_each_request_and_are_kept_with_the_session(
    chat_server: ChatServer, place: dict[str, object]
) -> None:
    with new(place, persona="terse", parameters={"temperature": 0, "max_reply": 50}) as talk:
        talk.save("talk.json")
        talk.send("A")
    with opened(place, "talk.json", parameters={"max_reply": 60}) as again:
        again.send("B")
    limits = [request.body["max_tokens"] for request in chat_server.requests]
    assert limits == [50, 60]
    assert [request.body["temperature"] for request in chat_server.requests] == [0, 0]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [({"temprature": 1}, "no parameter `temprature`"), ({"temperature": 3}, "from 0 to 2, not 3")],
)
def test_parameters_that_can_not_be_are_refused(
    place: dict[str, object], parameters: dict[str, object], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        new(place, parameters=parameters)


def test_the_persona_of_the_settings_answers_unless_something_else_is_said(
    place: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATCLI_PERSONA", "terse")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    assert Session().history == [{"role": "system", "content": "Be terse."}]
    assert Session("Be kind.").history == [{"role": "system", "content": "Be kind."}]
    assert new(place).history == []


# A cell that is run again


def test_saving_where_it_is_saved_already_changes_nothing(place: dict[str, object]) -> None:
    with new(place) as talk:
        for _ in range(2):
            talk.save("talk.json")
            talk.send("Hello")
        assert Path("talk.json").read_text().count("Echo: Hello") == 2


def test_a_tilde_is_the_home_folder(place: dict[str, object], home: Path) -> None:
    with new(place, "Be kind.") as talk:
        talk.save("~/talk.json")
        talk.send("Hello")
    assert (home / "talk.json").exists()
    with opened(place, "~/talk.json") as again:
        assert again.turn_count == 1


def test_a_question_that_failed_is_asked_again_and_not_twice(
    chat_server: ChatServer, place: dict[str, object]
) -> None:
    chat_server.fail_next(FAULTS["429-quota"])
    talk = new(place)
    with pytest.raises(RateLimited):
        talk.send("Hello")
    assert talk.retry() == "Echo: Hello"
    assert contents(chat_server) == ["Hello"]
    assert talk.turn_count == 1


def test_a_stream_can_be_given_up(place: dict[str, object]) -> None:
    talk = new(place)
    stream = talk.stream("Hello")
    began = next(event for event in stream if isinstance(event, TextDelta))
    stream.close()
    assert talk.history[-1]["content"].startswith(began.text)


def test_a_closed_session_can_be_read_and_says_so_when_more_is_said(
    chat_server: ChatServer, place: dict[str, object]
) -> None:
    with new(place) as talk:
        talk.save("talk.json")
        talk.send("Hello")
    assert talk.history[-1]["content"] == "Echo: Hello"
    talk.close()
    for more in (lambda: talk.send("More"), talk.retry, talk.clear, lambda: talk.save("b.json")):
        with pytest.raises(UsageError, match=r"is closed; Session\.open goes on"):
            more()
    assert len(chat_server.requests) == 1


# What is said wrongly


@pytest.mark.parametrize("text", ["", " \n", None])
def test_nothing_is_no_question(
    chat_server: ChatServer, place: dict[str, object], text: str
) -> None:
    with pytest.raises(UsageError, match="nothing to say"):
        new(place).send(text)
    assert chat_server.requests == []


def test_half_a_character_is_sent_as_what_stands_for_it(place: dict[str, object]) -> None:
    talk = new(place)
    assert talk.send("a\ud800b") == "Echo: a\ufffdb"
    assert talk.history[0]["content"] == "a\ufffdb"


def test_one_file_and_one_fact_need_no_list(
    chat_server: ChatServer, place: dict[str, object], home: Path
) -> None:
    (home / "notes.txt").write_text("Tea at five.")
    talk = new(place, inject="turn")
    talk.send("Read this.", files="notes.txt")
    system, question = contents(chat_server)
    assert system.startswith("[Turn 1]")
    assert "Tea at five." in question


def test_an_error_calls_things_as_the_library_does(place: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"^max_tokens=: budget must be a whole number"):
        new(place, max_tokens=0)
    with pytest.raises(UsageError) as raised:
        new(place).switch("nowhere")
    assert raised.value.hint == "branches lists them"


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("/retry asks again", "retry() asks again"),
        ("raise the budget with --budget or /budget", "raise the budget with max_tokens="),
        (
            "/budget N sends less, /clear starts again",
            "max_tokens= sends less, clear() starts again",
        ),
        ("look into /var/model and ./branches", "look into /var/model and ./branches"),
        ("a/retry/b; https://host/model", "a/retry/b; https://host/model"),
        (
            "export X=…; without any key: --model local",
            'export X=…; without any key: model="local"',
        ),
    ],
)
def test_a_hint_names_the_methods_and_no_path_is_taken_for_a_command(hint: str, said: str) -> None:
    assert in_python(hint) == said


def test_a_memory_that_can_not_be_read_is_an_error_at_once(
    place: dict[str, object], home: Path
) -> None:
    with pytest.raises(StorageError, match="not a regular file; memory= wants"):
        new(place, memory=home)


def test_a_scope_that_is_none_is_refused(place: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="no scope `here`; one of everywhere, persona, session"):
        new(place, persona="terse").remember("x", scope="here")  # type: ignore[arg-type]


def test_forgetting_goes_by_the_numbers_that_were_read(
    place: dict[str, object], home: Path
) -> None:
    (home / "m.md").write_text("- one\n- two\n- three\n")
    talk = new(place, memory="m.md")
    assert talk.memory == ["one", "two", "three"]
    (home / "m.md").write_text("- two\n- three\n")
    assert talk.forget(3) == "three"
    assert talk.memory == ["two"]


# What is at hand


def test_what_a_stream_yields_and_what_is_raised_come_with_the_package() -> None:
    assert issubclass(TurnFinished, Event)
    assert chatcli.ProviderError.__mro__[1] is ChatcliError
    code = "import chatcli; print({*chatcli.__all__} <= {*dir(chatcli)})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    with pytest.raises(AttributeError):
        chatcli.nothing  # noqa: B018 - it is asked for, and that is all


def test_a_notebook_tells_of_images(place: dict[str, object], home: Path) -> None:
    (home / "ship.png").write_bytes(png(4, 4))
    talk = new(place)
    talk.send("What is that?", files="ship.png")
    assert "What is that? [image: ship.png" in talk._repr_html_()

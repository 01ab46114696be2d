"""What strangers wrote is text in the doctor, the lists, the memory, and all else that shows it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from chatcli import Session
from chatcli.api.notebook import html_of
from chatcli.cli.describing import Price, shown
from chatcli.cli.doctor import _shown
from chatcli.conversation.events import Entry, Retrying, Transcript
from chatcli.conversation.exchange import Pause
from chatcli.conversation.images import Image
from chatcli.conversation.messages import Message, Node
from chatcli.conversation.tokens import Count
from chatcli.doctor import Finding
from chatcli.parameters import Parameter
from chatcli.personas import Persona
from chatcli.settings import load
from chatcli.terminal.answers import BACKGROUND, LAST, NAME
from chatcli.terminal.jsontext import json_shown
from chatcli.terminal.render import Look, Renderer
from chatcli.terminal.status import sending_again, working
from chatcli.terminal.theme import UNICODE
from tests.support.hubserver import HubServer, Repository, gguf
from tests.support.mischief import Fault, answer
from tests.support.pictures import png
from tests.support.program import chatcli_argv, clean_env
from tests.support.protocol import encode, error_body
from tests.support.server import ChatServer
from tests.support.terminal import Terminal
from tests.terminal.hostile import (
    FORBIDDEN,
    OURS,
    PAYLOADS,
    hostile_session,
    storable,
    strangeness,
)
from tests.test_chat_on_a_terminal import chat
from tests.test_hostile_text_on_a_terminal import TYPED, in_yaml, say, written

NAMES = storable(PAYLOADS)
LOOK = Look(lambda: 72, color=True, markdown=True, glyphs=UNICODE)
MIXED = "a\x1b]0;STOLEN\x07b\x1b[2J\x9b1;1Hc\u202ed\U000e0041e\u200bf\r\n\x7fg"
REST = "c⟨U+202E⟩d⟨U+E0041⟩e⟨U+200B⟩f g"
"""What is shown of that, after its beginning."""

PILED = "Z" + "\u0301" * 60
IMAGE = base64.b64encode(png()).decode()


# What is shown, all payloads


def test_what_the_doctor_finds_is_text() -> None:
    for each in PAYLOADS:
        told = _shown(Finding(each, "bad", f"{each} answered", f"mend {each}"), LOOK)
        assert not strangeness(told), each


def test_a_strangers_persona_is_described_as_text() -> None:
    settings, price = load(environ={}), Price(Count(1, "exact"), Count(1, "exact"))
    for each in PAYLOADS:
        wishes: Mapping[str, Parameter] = {"stop": (each,), "extra_body": {each: each}}
        place = Path(f"/{each}")
        persona = Persona(
            each, each, f"{each}\n{each}", each, wishes, greeting=each, source=place, form=each
        )
        assert not strangeness(shown(settings, persona, price)), each


def test_the_line_on_what_goes_on_is_text() -> None:
    for each in PAYLOADS:
        pause = Pause(Retrying(each, 1.0, 1, 3), 9e9)
        for doing in (each, sending_again(pause)):
            line = working(1.0, doing, (), UNICODE)
            assert not strangeness(line), each
            assert "\n" not in line


def test_the_name_of_an_image_is_text_wherever_it_is_shown() -> None:
    renderer = Renderer(LOOK)
    for each in PAYLOADS:
        node = _picture(each)
        assert not strangeness(renderer.show(Transcript((Entry(1, node, ""),)))), each
        assert "<img" not in html_of(each, [node])


def test_a_notebook_hides_nothing_of_what_it_shows() -> None:
    for each in PAYLOADS:
        told = html_of(f"<{each}>", [Node("a", None, Message("user", f"<{each}>"), "")])
        assert told.count("<") == told.count(">") == 12
        assert not FORBIDDEN.search(told), each


@pytest.mark.parametrize("text", ["می‌خواهم", "क्‍ष", "👩‍🚀 ❤️", "1️⃣", "naïve — “ok”"])
def test_a_notebook_shows_joiners_that_have_to_be_there(text: str) -> None:
    assert text in html_of("t", [Node("a", None, Message("user", text), "")])


def test_a_session_that_python_prints_is_text() -> None:
    url = "http://127.0.0.1:9/v1"
    with Session(model=MIXED, base_url=url, api_key="sk-test") as talk:
        assert repr(talk).isprintable()
        assert r"\u202e" in repr(talk)


def test_json_of_others_still_says_the_same_when_it_is_shown() -> None:
    """What a file has between its values, and an unknown record keeps, is no text of theirs."""
    theirs = '{"a":\t"\u202e",\r"b": [1,\t2]}'
    assert json.loads(json_shown(theirs)) == json.loads(theirs)
    assert not strangeness(json_shown(theirs))


# What is shown, on a terminal


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which everything is somebody else's."""
    home = tmp_path_factory.mktemp("theirs")
    with ChatServer(models=(MIXED, PILED, "fine")) as server:
        _fill(home, home / "chatcli", server.url)
        yield home


def _fill(home: Path, own: Path, url: str) -> None:
    (own / "cache" / "models").mkdir(parents=True)
    config = [f"{in_yaml(MIXED)} = 1", f"user = {in_yaml(MIXED)}", f"[profiles.{in_yaml(MIXED)}]"]
    config += [f"base_url = '{url}'", "model = 'm'"]
    config += ["[profiles.theirs]", f"base_url = '{url}'", f"model = '{PILED}'"]
    (own / "config.toml").write_text("\n".join(config))
    memories = "".join(f"- {' '.join(each.split())}\n" for each in NAMES[::9])
    (own / "memory.md").write_text(f"- {REST} \u202e <!-- persona {MIXED[:5]} -->\n{memories}")
    learned = {each: {"refused": [each], "window": 9999} for each in NAMES[::99]}
    (own / "learned.json").write_text(json.dumps(learned))
    weights = own / "cache" / "models" / "w\u202e\x1b[2J.gguf"
    weights.write_bytes(gguf(9))
    source = {"repo": MIXED, "commit": MIXED, "licence": MIXED}
    weights.with_suffix(".json").write_text(json.dumps(source))
    (own / "sessions").mkdir()
    (own / "sessions" / "theirs.json").write_text(_session())
    (own / "personas").mkdir()
    front = f"description: {in_yaml(MIXED)}\n{in_yaml(MIXED)}: 1\nstop: [{in_yaml(MIXED)}]\n"
    (own / "personas" / "him.md").write_text(f"---\n{front}---\nBe {MIXED}\n{{{MIXED}}}\n")
    (own / "personas" / "bad.md").write_text(f"---\nbudget: {in_yaml(MIXED)}\n---\nBe.\n")
    card = {"name": MIXED, "description": MIXED, "creator": MIXED, "alternate_greetings": [MIXED]}
    (own / "personas" / "card.json").write_text(json.dumps(card))
    for name in (MIXED[:20], PILED):
        (home / f"p{name}.png").write_bytes(png())


def _session() -> str:
    records = json.loads(hostile_session(NAMES[::19]))
    records[0]["id"] = MIXED
    asked = [each for each in records if each.get("role") == "user"]
    for each, name in zip(asked, NAMES, strict=False):
        each["images"] = [{"name": name, "type": "image/png", "data": IMAGE}]
    return "[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n"


def _picture(name: str) -> Node:
    image = Image(name, "image/png", png(), 4, 3)
    return Node("a1", None, Message("user", name, (image,)), "")


LINES = {
    "config show": (("config", "show"), f"user ab{REST}"),
    "key list": (("config", "key", "list"), ""),
    "key set": (("config", "key", "set", f"no{MIXED}"), f"mean `ab{REST}"),
    "models list": (("models", "list"), f" ab{REST}"),
    "weights": (("models", "list", "local"), " w⟨U+202E⟩"),
    "models of": (("models", "list", "theirs"), "⟨…⟩ fine"),
    "models of none": (("models", "list", f"no{MIXED}"), f"profile `noab{REST}"),
    "remove": (("models", "remove", MIXED), f"weights `ab{REST}"),
    "personas": (("personas", "list"), f"him ab{REST}"),
    "persona": (("personas", "show", "him"), f"him: ab{REST}"),
    "card": (("personas", "show", "card"), f"card: ab{REST}, a character by"),
    "where": (("personas", "path", MIXED), "no persona is named"),
    "new": (("personas", "new", MIXED), f"be called `ab{REST}"),
    "show": (("sessions", "show", "theirs"), "[image: "),
    "show json": (("sessions", "show", "theirs", "--json"), r"\u001b[31\u001b[32m"),
    "export": (("sessions", "export", "theirs"), "*(image: "),
    "export tree": (("sessions", "export", "theirs", "--format", "tree"), r"\u001b[2J\u009b"),
    "ask json": (("ask", "-m", "theirs", "--json", MIXED), r"\u202e"),
    "debug": (("--debug", "ask", "-m", f"no{MIXED}", "go"), f"UsageError: `noab{REST}"),
}
"""Commands, and what is to be seen of them, with a space for all that is between words."""


@pytest.mark.parametrize(("line", "seen"), LINES.values(), ids=LINES)
def test_what_a_command_shows_is_text(home: Path, line: tuple[str, ...], seen: str) -> None:
    with Terminal(
        chatcli_argv(*line), env=clean_env(home), cwd=home, rows=40, cols=200
    ) as terminal:
        assert terminal.wait_exit(30) in {0, 1, 2}
        assert seen in " ".join(written(terminal).split())


def test_the_doctor_shows_what_a_terminal_calls_itself_as_text(tmp_path: Path) -> None:
    (tmp_path / "chatcli").mkdir()
    wrong = f"{in_yaml(MIXED)} = 1\n[profiles.{in_yaml(MIXED)}]\n{in_yaml(MIXED)} = 1\n"
    (tmp_path / "chatcli" / "config.toml").write_text(wrong)
    argv, env = chatcli_argv("doctor", "--offline"), clean_env(tmp_path)
    with Terminal(argv, env=env, cwd=tmp_path, rows=60, cols=120, mute=True) as terminal:
        terminal.wait_until(lambda: LAST.text.encode() in terminal.raw)
        terminal.type("\x1bP>|evil\x9b2J\x08\x0d\u202e\x1b\\\x1b]11;\x08evil\x07\x1b[?6c")
        assert terminal.wait_exit(30) == 1
        asked = NAME.text + BACKGROUND.text + LAST.text
        told = terminal.raw.decode().replace(asked, "", 1)
    assert not strangeness(told)
    assert "it calls itself evil" in told
    assert f"ab{REST}" in " ".join(told.split())


def test_the_profile_whose_key_is_asked_for_is_named_as_text(home: Path) -> None:
    with Terminal(
        chatcli_argv("config", "key", "set", MIXED), env=clean_env(home), cwd=home, cols=120
    ) as terminal:
        terminal.wait_for(f"Key of ab{REST}")
        terminal.key("ctrl-c")
        assert terminal.wait_exit() == 130
        assert not strangeness(OURS.sub("", terminal.raw.decode()).replace("^C", ""))


def test_what_a_hub_says_of_its_weights_is_text(tmp_path: Path) -> None:
    held = {f"{each}-{number}.gguf": gguf(9, number) for number, each in enumerate(NAMES[::99])}
    held["fine-Q4_K_M.gguf"] = gguf(3_000_000)
    with HubServer({"them/theirs": Repository(held, licence=MIXED)}) as hub:
        env = clean_env(tmp_path, HF_ENDPOINT=hub.url)
        for what, seen in (
            ("them/theirs", f"ab{REST}"),
            ("them/theirs/none.gguf", "but no none.gguf"),
            (f"them/{MIXED}", "is no repository"),
        ):
            with Terminal(
                chatcli_argv("models", "pull", what), env=env, cwd=tmp_path, cols=200
            ) as terminal:
                assert terminal.wait_exit(30) in {0, 2}
                told = re.sub(r"\r *(?=\r)|\r", "", OURS.sub("", terminal.raw.decode()))
                assert not strangeness(told)
                assert seen in told


COMMANDS = (
    *(
        "/memory",
        "/questions",
        "/questions 2",
        "/set",
        "/persona",
        "/model",
        "/cost",
        "/history 99",
    ),
    *(f"/remember {TYPED[7]} {MIXED[:-4]}", "/forget 1", "/remember", f"/set {TYPED[9]} 1"),
    *(f"/persona {MIXED[:-4]}", "/persona him", "/context raw", "/file", "/help", "/tokens"),
    *(f"/set stop {TYPED[31]}", f"/set extra_body {TYPED[33]}", f"/file p{MIXED[:20]}.png"),
    *(f"/set temperature {each}" for each in TYPED[::199]),
)


def test_a_chat_among_strangers_shows_nothing_but_text(home: Path, chat_server: ChatServer) -> None:
    told = "no " + " ".join(PAYLOADS[::199])
    for status in (503, 401):
        body = encode(error_body(told, kind=told))
        chat_server.fail_next(Fault("hostile", "hostile words", answer(status, body)))
    flags = ("-s", "theirs", "-m", "gpt-4o", "--fallback", "theirs:fine")
    with chat(home, chat_server, *flags, rows=60, cols=160) as terminal:
        say(terminal, "go", "Echo: go")
        assert "theirs:fine" in terminal.transcript()
        for number, line in enumerate(COMMANDS):
            say(terminal, line, "")
            say(terminal, f"/nothing{'x' * number}", f"no command /nothing{'x' * number};")
        for line, offered in (
            ("/model theirs:", "⟨…⟩"),
            ("/persona h", "⟨U+202E⟩"),
            ("@p", "⟨…⟩.png"),
        ):
            terminal.type(line).key("tab")
            terminal.wait_until(lambda: "tokens" not in terminal.screen().splitlines()[-1])
            terminal.wait_until(partial(is_offered, terminal, offered))
            terminal.key("tab", "tab", "ctrl-c")
            terminal.wait_until(lambda: "tokens" in terminal.screen().splitlines()[-1])
        for line in ("/questions quote 2", "/edit 1"):
            terminal.type(line).key("enter")
            terminal.wait_until(lambda: "❯ /" not in terminal.screen().splitlines()[-2])
            terminal.key("ctrl-c")
            terminal.wait_for_prompt()
        terminal.key("ctrl-r").paste("z\u202ez")
        terminal.wait_for("z⟨U+202E⟩z")
        terminal.key("ctrl-g", "ctrl-c", "ctrl-d")
        assert terminal.wait_exit() == 0
        assert REST in written(terminal)


def is_offered(terminal: Terminal, text: str) -> bool:
    """Tell whether a text is in the menu, which is at the bottom of the screen."""
    return any(text in line for line in terminal.screen().splitlines()[-8:])

"""Whatever of it is hostile, each kind of text that reaches a terminal gets there as text."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document as Line
from prompt_toolkit.formatted_text.utils import fragment_list_to_text

from chatcli.app import App, Options
from chatcli.conversation.events import (
    Document,
    Entry,
    Event,
    Json,
    Notice,
    Outline,
    Retrying,
    Row,
    Table,
    TextDelta,
    Transcript,
    TurnFinished,
    TurnStarted,
)
from chatcli.conversation.messages import Message, Node
from chatcli.errors import ChatcliError
from chatcli.settings import load
from chatcli.terminal.completion import CommandCompleter
from chatcli.terminal.facts import Facts
from chatcli.terminal.jsontext import json_shown
from chatcli.terminal.render import Look, Renderer
from chatcli.terminal.revealing import revealed
from chatcli.terminal.sanitize import clean
from chatcli.terminal.theme import ASCII, UNICODE
from chatcli.terminal.toolbar import drawn
from tests.terminal.hostile import (
    FORMS,
    MARKUP,
    PAYLOADS,
    hostile_session,
    storable,
    strangeness,
)

WIDTH = 72
NAMES = storable(PAYLOADS)
ALL = [*PAYLOADS, *MARKUP]
SOME = [*random.Random(1).sample(PAYLOADS, 300), *MARKUP]  # where each is drawn again and again
LOOKS = {
    "coloured": Look(lambda: WIDTH, color=True, markdown=True, glyphs=UNICODE),
    "piped": Look(lambda: WIDTH, color=False, markdown=False, glyphs=ASCII, figures=False),
}
BLANK = Node("a1", None, Message("user", ""), "")
ENDED = TurnFinished(BLANK, "stop")
looks = pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)


def said(text: str, role: str = "assistant") -> Node:
    return Node("a1", None, Message("user" if role == "user" else "assistant", text), text, text)


EVENTS: Mapping[str, Callable[[str], Event]] = {
    "notice": lambda text: Notice(f"{text} {text}", text),
    "error": lambda text: Notice(f"the server failed: {text}", f"/load {text}", "error"),
    "retry": lambda text: Retrying(text, 1.0, 1, 3),
    "table": lambda text: Table(
        "Found",
        ("one", "two"),
        (Row((text, text), "here"),),
        cropped=frozenset({"two"}),
        caption=text,
    ),
    "outline": lambda text: Outline((Row((f"├─○ {text}", text, text, f"[{text}]"), "here"),)),
    "json": lambda text: Json({text: [text]}),
    "question": lambda text: Transcript((Entry(1, said(text, "user"), "pinned"),)),
    "reply again": lambda text: Transcript((Entry(2, said(text)),), skipped=3),
    "help": Document,
}


def each_is_text(shown: Iterable[tuple[str, str]]) -> None:
    wrong = [(payload, found) for payload, text in shown if (found := strangeness(text))]
    assert not wrong, wrong[:5]


@pytest.mark.parametrize(
    "theirs",
    [
        *("\x1b]0;x\x07", "\x1b[2J\x9b", "a\x08", "x\r", "\x7f", "\u202e", "a\u200bb", "x\ufe0f"),
        *("a" + "\u0301" * 9, "\x1b[H", "\x1b[?1049h", "\x1b[?25", "\x1bc", "\U000e0041", "\u2028"),
    ],
)
def test_what_these_tests_look_for_would_be_found(theirs: str) -> None:
    assert strangeness(f"\x1b[1mok\x1b[0m {theirs} ok")
    assert not strangeness("\x1b[1mok\x1b[0m\x1b[2K\x1b[3A\r\r\n❯ 👩‍🚀 é می‌خواهم")


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
@looks
def test_whatever_is_shown_is_text(event: Callable[[str], Event], look: Look) -> None:
    renderer = Renderer(look)
    each_is_text((payload, renderer.show(event(payload))) for payload in ALL)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_colour_adds_nothing_but_colour(event: Callable[[str], Event]) -> None:
    """Else a payload's own colours would pass for ours."""
    bare = Renderer(Look(lambda: WIDTH, color=False, markdown=True, glyphs=UNICODE))
    for payload in SOME:
        assert "\x1b" not in bare.show(event(payload)), payload


@looks
def test_a_question_and_what_a_mistake_left_are_text(look: Look) -> None:
    renderer = Renderer(look)
    each_is_text((payload, renderer.echo(f"{payload}\n{payload}")) for payload in PAYLOADS)
    for payload in PAYLOADS:
        delta, mistake = TextDelta(payload), ValueError(payload)
        assert not strangeness(renderer.unlaid(delta, mistake)), payload


def streamed(renderer: Renderer, deltas: Iterable[str]) -> str:
    shown = [renderer.show(TurnStarted(BLANK))]
    shown += [renderer.show(TextDelta(delta)) for delta in deltas]
    return "".join([*shown, renderer.show(ENDED)])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@looks
def test_a_reply_is_text_whatever_is_in_it(form: Callable[[str], str], look: Look) -> None:
    shown = streamed(Renderer(look), (f"{form(payload)}\n\n" for payload in ALL))
    assert not strangeness(shown)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@looks
def test_a_reply_is_text_wherever_it_was_cut(form: Callable[[str], str], look: Look) -> None:
    blocks = [f"{form(payload)}\n\n" for payload in SOME]
    renderer = Renderer(look)
    whole = streamed(renderer, blocks)
    assert not strangeness(whole)
    halves = (
        part
        for number, block in enumerate(blocks)
        for part in (block[: number % len(block)], block[number % len(block) :])
    )
    cut = {streamed(renderer, halves), streamed(renderer, "".join(blocks))}
    assert not cut - {whole}, "cut in other places, the reply is another"


def test_what_is_open_of_a_reply_is_text() -> None:
    renderer = Renderer(LOOKS["coloured"])
    for number, payload in enumerate(ALL):
        form = list(FORMS.values())[number % len(FORMS)]
        renderer.show(TurnStarted(BLANK))
        renderer.show(TextDelta(form(payload)))
        assert not strangeness(renderer.live(20)), payload


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A chat in a session whose branches, models and messages are all hostile."""
    home = tmp_path_factory.mktemp("hostile")
    file = home / "sessions" / "hostile.json"
    file.parent.mkdir()
    file.write_text(hostile_session(NAMES))
    environ = {"CHATCLI_HOME": str(home), "OPENAI_API_KEY": "sk-test"}
    running = App(load(environ=environ, cwd=home), Options(session=str(file), save=False))
    yield running
    running.close()


def outcome(app: App, command: str, arguments: str) -> Iterator[Event]:
    """Run a command, and show an error as the loop does."""
    try:
        yield from app.commands[command].run(app, arguments)
    except ChatcliError as error:
        yield Notice(error.message, error.hint, "error")


@looks
def test_what_a_chat_opens_with_is_text(app: App, look: Look) -> None:
    renderer = Renderer(look)
    shown = "".join(renderer.show(event) for event in app.opening())
    assert "words" in shown
    assert not strangeness(shown)


def test_what_the_tab_key_offers_is_text(app: App) -> None:
    completer = CommandCompleter(app)
    offered: dict[str, str] = {}
    for typed in ("/pin ", "/load ", "/diff ", *{f"/switch {name[:5]}" for name in NAMES}):
        for each in completer.get_completions(Line(typed), CompleteEvent()):
            offered[each.text] = each.display_text + each.display_meta_text
    each_is_text(offered.items())
    assert len(offered.keys() & {*NAMES}) > 1000


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        *[("branches", ""), ("tree", ""), ("tree", "all"), ("history", "5000"), ("context", "")],
        *[("context", "raw"), ("cost", ""), ("tokens", ""), ("search", "words"), ("system", "")],
        *[("summarize", "show"), ("diff", NAMES[5]), ("switch", NAMES[7]), ("branch", NAMES[9])],
        *[("persona", NAMES[3]), ("model", NAMES[3]), ("load", NAMES[2]), ("save", NAMES[2])],
        *[("help", NAMES[2]), ("export", NAMES[2]), ("pin", ""), ("mute", "3"), ("unpin", "7")],
    ],
)
def test_what_a_command_says_is_text(app: App, command: str, arguments: str) -> None:
    events = list(outcome(app, command, arguments))
    for look in LOOKS.values():
        renderer = Renderer(look)
        shown = "".join(renderer.show(event) for event in events)
        assert shown
        assert not strangeness(shown)


def test_the_toolbar_is_text() -> None:
    for payload in PAYLOADS:
        model = f"{payload}:{payload}"
        facts = Facts(model, payload, 1, payload, 9, 99, cost=payload, warnings=(payload, payload))
        for width, glyphs in ((24, UNICODE), (1000, ASCII)):
            line = fragment_list_to_text(drawn(facts, width, glyphs, activity=payload))
            assert not strangeness(line), payload
            assert "\n" not in line


def test_a_line_that_is_edited_hides_nothing_and_stays_as_long() -> None:
    for payload in ALL:
        shown = list(revealed(payload))
        assert len(shown) == len(payload)
        assert not strangeness("".join(shown)), payload


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_a_line_that_is_edited_shows_what_is_shown_of_it_later(line: str) -> None:
    assert "".join(revealed(line)) == clean(line)


def test_json_that_is_printed_hides_nothing_and_says_the_same() -> None:
    for payload in PAYLOADS:
        shown = json_shown(json.dumps({payload: payload}, ensure_ascii=False))
        assert json.loads(shown) == json.loads(json.dumps({payload: payload}))
        assert not strangeness(shown), payload

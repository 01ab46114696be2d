"""The table of all faults, and what a user meets of each: `fault_table.txt`.

A row says how often the request is sent if it fails each time (of two times that are allowed here),
the exit code of `ask`, how the reply is marked, what is kept of it (`=` all that the server said,
`-` nothing), and the line that is told. HOST stands for the server's address, ELSEWHERE for another
one, WHEN for a moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from chatcli import vocabularies
from chatcli.conversation.encoders import VocabularyEncoder
from chatcli.conversation.messages import CUT
from chatcli.conversation.seam import GO_ON
from chatcli.conversation.text import whole_text
from chatcli.providers.base import Waits
from tests.support.addresses import ADDRESSES
from tests.support.faults import FAULTS, PLACED
from tests.support.meeting import KEY, Meeting
from tests.support.protocol import Messages
from tests.support.quick import quick_folder
from tests.support.server import ChatServer

__all__ = ["quick_folder"]

REPLY = "All of this is the reply, from its first word to its last."
REST = "and so it went on."
EVERY = FAULTS | PLACED
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SILENT = ("hang", "comments-only")
"""The faults that are noticed by nothing but the time that passes."""


@dataclass(frozen=True)
class Row:
    """What is to come of a fault, in the order of the table's columns."""

    name: str
    sent: int
    code: int
    mark: str
    kept: str
    line: str

    def __str__(self) -> str:
        return " | ".join(map(str, astuple(self)))


def rows() -> Iterator[Row]:
    text = (Path(__file__).parent / "fault_table.txt").read_text(encoding="utf-8")
    for line in text.splitlines()[1:]:
        name, sent, code, mark, kept, told = (cell.strip() for cell in line.split("|", 5))
        yield Row(name, int(sent), int(code), mark, kept, told)


ROWS = {row.name: row for row in rows()}


def answer(messages: Messages) -> str:
    return REST if messages[-1]["content"] == GO_ON else REPLY


@dataclass(frozen=True)
class Bench:
    """A server that fails as told, and one chat with it that is patient, and one that is not."""

    server: ChatServer
    patient: Meeting
    hasty: Meeting

    def chat_for(self, name: str) -> Meeting:
        return self.hasty if name.startswith(SILENT) else self.patient


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with ExitStack() as stack:
        # A server that counts otherwise than we do would be told to cut prompts.
        tokenizer = VocabularyEncoder(vocabularies.load("o200k_base")).count
        server = stack.enter_context(ChatServer(tokenizer=tokenizer))
        server.reply_with(answer)
        folders = (tmp_path_factory.mktemp(name) for name in ("patient", "hasty"))
        patient, hasty = (
            stack.enter_context(Meeting(folder, server.url, waits=waits))
            for folder, waits in zip(folders, (None, Waits(0.7, 0.3)), strict=True)
        )
        yield Bench(server, patient, hasty)


def anonymous(line: str) -> str:
    """Return a line without what differs from one run to the next."""
    line = re.sub(r"127\.0\.0\.1:\d+", "HOST", line)
    line = re.sub(r"localhost:\d+", "ELSEWHERE", line)
    return re.sub(r"in \d+ s(?=, or)|in \d+ (?:min|h), at [\d: -]+\d", "WHEN", line)


def shown(kept: str, said: str) -> str:
    return "=" if kept and kept == whole_text(said) else kept.strip() or "-"


def check_line(line: str, code: int) -> None:
    """Whatever it says: a line can be read, tells what to do, and tells no secret."""
    assert not CONTROL.search(line)
    assert KEY not in line
    assert len(line) <= 300
    assert "; " in line or not code, "what is to be done?"


def check_that_it_goes_on(chat: Meeting, row: Row) -> None:
    """What was kept is gone on with; what was not is asked again, and what was well goes on."""
    if row.mark in CUT:
        before = chat.reply()
        assert before is not None
        met = chat.meet("/continue")
        assert met.kept.startswith(before.content.rpartition(" ")[0])
        assert met.kept.endswith(REST)
    else:
        met = chat.meet("/retry" if row.code else "And now?")
        assert met.kept == REPLY
    assert (met.code, met.mark, met.lines) == (0, "stop", met.lines[:1])


def test_the_table_has_every_fault() -> None:
    assert ROWS.keys() == EVERY.keys() | ADDRESSES.keys()
    assert len(ROWS) > 250


@pytest.mark.parametrize("name", [name for name in EVERY if not name.startswith("overflow")])
def test_a_fault_comes_to_what_the_table_says(name: str, bench: Bench) -> None:
    meet(EVERY[name].name, bench.server, bench.chat_for(name))


@pytest.mark.parametrize("name", [name for name in EVERY if name.startswith("overflow")])
def test_a_conversation_that_is_too_long_is_no_different(
    name: str, bench: Bench, quick_folder: Path
) -> None:
    # Such an answer teaches a chat what its messages cost.
    with Meeting(quick_folder, bench.server.url) as chat:
        meet(name, bench.server, chat, goes_on=False)


def meet(name: str, server: ChatServer, chat: Meeting, *, goes_on: bool = True) -> None:
    row, fault = ROWS[name], EVERY[name]
    chat.begin()
    server.calm_down()
    before = len(server.requests)
    server.fail_next(fault, times=2)

    met = chat.meet(f"About {name}")

    said = REPLY if fault.reply is None else fault.reply.content
    sent, line = len(server.requests) - before, anonymous(met.line)
    kept = shown(met.kept, said)
    assert str(Row(name, sent, met.code, met.mark, kept, line)) == str(row)
    assert whole_text(said).startswith(met.kept), "what came is kept"
    assert len(met.lines) <= 1
    check_line(met.line, met.code)
    server.calm_down()
    if goes_on:
        check_that_it_goes_on(chat, row)


def test_what_a_filter_has_ended_is_not_gone_on_with(bench: Bench) -> None:
    bench.patient.begin()
    bench.server.fail_next(FAULTS["content-filter"])
    bench.patient.meet("Hello")
    met = bench.patient.meet("/continue")
    assert met.line.startswith("the provider's content filter has ended the reply")


def test_a_question_without_a_reply_is_pointed_out_when_one_comes_back_to_it(bench: Bench) -> None:
    bench.patient.begin()
    bench.server.fail_next(FAULTS["401-text"])
    bench.patient.meet("What is the answer?")
    name = bench.patient.app.session_name
    bench.patient.begin()
    met = bench.patient.meet(f"/load {name}")
    assert "the last question has no reply yet; /retry asks it again" in met.lines
    assert bench.patient.meet("/retry").kept == REPLY
    bench.patient.begin()
    assert "no reply yet" not in bench.patient.meet(f"/load {name}").line


def test_a_chat_that_leaves_nothing_out_is_told_how_it_would(bench: Bench) -> None:
    flags = {"strategy": "full"}
    folder = bench.patient.app.settings.folders.data
    with Meeting(folder, bench.server.url, flags=flags) as chat:
        chat.meet("Hello")
        bench.server.fail_next(FAULTS["overflow-vllm"])
        met = chat.meet("And now? " * 4000)
    assert met.line.endswith("; /strategy truncate leaves the oldest turns out")


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_where_nobody_can_be_asked(name: str, quick_folder: Path) -> None:
    row = ROWS[name]
    with ADDRESSES[name]() as url, Meeting(quick_folder, url) as chat:
        met = chat.meet("Hello")
        sent = 1 + len(chat.exchange.delays)
    line = anonymous(met.line)
    assert str(Row(name, sent, met.code, met.mark, met.kept or "-", line)) == str(row)
    check_line(met.line, met.code)

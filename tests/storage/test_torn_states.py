"""Every state that a crash can leave a session file in, by the thousand, and what comes back."""

from __future__ import annotations

import json
import random
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chatcli.conversation.records import Moved, Noted
from chatcli.errors import StorageError
from chatcli.storage import wire
from chatcli.storage.journal import FileJournal
from tests.support.torn import State, files, states

ALL = [state for name, lines in files().items() for state in states(name, lines)]
WITH_HEADER = [state for state in ALL if state.has_header]
HEADLESS = [state for state in ALL if not state.has_header]
AT_ODDS = random.Random(4)
ON_DISK = AT_ODDS.sample(WITH_HEADER, 250) + AT_ODDS.sample(HEADLESS, 150)


def settled(lines: Sequence[bytes]) -> list[object]:
    """What lines say, but for what may be mended: lost parents, and moves to lost messages."""
    parsed = [json.loads(line) for line in lines]
    ids = {fields["id"] for fields in parsed if "role" in fields}
    return [
        {key: value for key, value in fields.items() if key != "parent"}
        for fields in parsed
        if "branch" not in fields or {fields["head"], *fields.get("undone", ())} <= {*ids, None}
    ]


def said(lines: Sequence[bytes]) -> dict[str, str]:
    """The messages among lines, text by id."""
    parsed = [json.loads(line) for line in lines]
    return {fields["id"]: fields["content"] for fields in parsed if "role" in fields}


def faults(state: State) -> Iterator[str]:
    """Say what reading the state loses or makes up."""
    try:
        reading = wire.read(state.data)
    except StorageError as error:
        yield f"{state.name}: {error}"
        return
    lines = reading.lines if state.has_header else reading.lines[1:]
    if settled(lines) != settled(state.whole):
        yield f"{state.name}: {len(reading.lines)} lines and not these {len(state.whole)}"
    for run in state.torn:
        if run not in reading.rest:
            yield f"{state.name}: {run!r} is not kept aside"
    held = {node.id: node.content for node in reading.conversation.tree.nodes()}
    if held != said(state.whole):
        yield f"{state.name}: not every message can be reached, or one is made up"


def test_there_are_five_thousand_states() -> None:
    assert len({state.data for state in WITH_HEADER}) >= 5000
    assert len({state.data for state in HEADLESS}) >= 200


def test_every_whole_record_comes_back_and_the_rest_is_kept() -> None:
    wrong = [fault for state in ALL for fault in faults(state)]
    assert not wrong, "\n".join([f"{len(wrong)} are wrong:", *wrong[:10]])


def test_what_was_mended_is_sound() -> None:
    for data in {wire.document(state.whole) for state in WITH_HEADER}:
        mended = wire.document(wire.read(data).lines)
        again = wire.read(mended)
        assert again.sound
        assert again.rest == b""
        assert wire.document(again.lines) == mended


@pytest.mark.parametrize("number", range(8))
def test_an_append_after_the_damage_is_never_glued_to_it(quick_folder: Path, number: int) -> None:
    for index, state in enumerate(ON_DISK[number::8]):
        path = quick_folder / f"s{index}.json"
        path.write_bytes(state.data)
        journal, talk, told = FileJournal.open(path)
        mine = {node.id: node.content for node in talk.tree.nodes()}
        assert mine == said(state.whole), state.name
        assert not [line for line in told if "\n" in line], state.name
        journal.append(Noted("title", "after"), Moved(talk.tree.branch, talk.tree.head))
        journal.close()

        lines = [*map(json.dumps, json.loads(path.read_text()))]
        kept = settled([line.encode() for line in lines])
        assert all(record in kept for record in settled(state.whole)), state.name
        assert {"title": "after"} in kept, state.name
        check_second_opening(path, mine, state)
        check_torn(path.with_name(f"{path.name}.torn"), state)


def check_second_opening(path: Path, mine: dict[str, str], state: State) -> None:
    before = path.read_bytes()
    journal, talk, told = FileJournal.open(path)
    journal.close()
    assert told == [], state.name
    assert {node.id: node.content for node in talk.tree.nodes()} == mine, state.name
    assert talk.title == "after", state.name
    assert path.read_bytes() == before, state.name


def check_torn(torn: Path, state: State) -> None:
    kept = torn.read_bytes() if torn.exists() else b""
    for run in state.torn:
        assert run in kept, state.name
    if torn.exists():
        assert stat.S_IMODE(torn.stat().st_mode) == 0o600


def test_the_same_tree_comes_back_the_second_time(quick_folder: Path) -> None:
    for index, state in enumerate(ON_DISK[::4]):
        path = quick_folder / f"s{index}.json"
        path.write_bytes(state.data)
        shapes = []
        for _ in range(2):
            journal, talk, _told = FileJournal.open(path)
            journal.close()
            heads = {
                name: [node.id for node in head.lineage()] if head else []
                for name, head in talk.tree.heads.items()
            }
            shapes.append((heads, talk.tree.branch, [node.id for node in talk.tree.undone]))
        assert shapes[0] == shapes[1], state.name

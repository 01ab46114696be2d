"""What lies beside a session may be anybody's: a partial reply, a link where we mean to write."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from chatcli.conversation.messages import Message, Node, now
from chatcli.conversation.records import Header, Noted
from chatcli.errors import StorageError
from chatcli.storage.journal import FileJournal
from chatcli.storage.library import Library
from chatcli.storage.opening import open_stored
from tests.support.homes import entry_of
from tests.support.opening import check, open_in_a_child

pytestmark = pytest.mark.skipif(os.name == "nt", reason="FIFOs, and memory as POSIX measures it")

MEGABYTE = 1_000_000
WHOLE = (
    b'[\n{"chatcli":1,"id":"01K","created":"2026-11-23T04:18:00Z"},\n'
    b'{"id":"a0","parent":null,"role":"user","content":"Hello"},\n'
    b'{"id":"a1","parent":"a0","role":"assistant","content":"Arr","finish":"stop"},\n'
    b'{"branch":"main","head":"a1"}\n]\n'
)

HOSTILE_PARTIALS: dict[str, bytes] = {
    "nothing": b"",
    "binary": bytes(range(256)) * 20,
    "NULs": b"\0" * 5000,
    "no object": b'[1,2]\n"text"\n',
    "a number": b"7\n7\n",
    "wrong types": b'{"id":7,"parent":["a0"],"time":null,"model":{}}\n"text"\n',
    "no text": b'{"id":"p","parent":"a0","time":"t","model":null}\n7\n',
    "a parent that is a reply": b'{"id":"p","parent":"a1","time":"t","model":null}\n"text"\n',
    "a parent that is not there": b'{"id":"p","parent":"zz","time":"t","model":null}\n"text"\n',
    "an id that is taken": b'{"id":"a0","parent":"a0","time":"t","model":null}\n"text"\n',
    "its own parent": b'{"id":"p","parent":"p","time":"t","model":null}\n"text"\n',
    "no parent": b'{"id":"p","parent":null,"time":"t","model":null}\n"text"\n',
    "an empty id": b'{"id":"","parent":"a0","time":"t","model":null}\n"text"\n',
    "a long id": b'{"id":"%b","parent":"a0","time":"t"}\n"text"\n' % (b"x" * MEGABYTE),
    "a long time": b'{"id":"p","parent":"a0","time":"%b"}\n"text"\n' % (b"x" * MEGABYTE),
    "a long model": b'{"id":"p","parent":"a0","time":"t","model":"%b"}\n"t"\n' % (b"x" * MEGABYTE),
    "surrogates": b'{"id":"\\ud800","parent":"a0","time":"\\ud800"}\n"\\ud800"\n',
    "brackets": b"[" * MEGABYTE,
    "a digit too many": b'{"id":"p","parent":"a0","time":"t","n":' + b"9" * 100_000 + b'}\n"t"\n',
}

REPLY = b'{"id":"p","parent":"a0","time":"t"}\n'
LARGE_PARTIALS: dict[str, Callable[[], bytes]] = {
    "100 MB": lambda: REPLY + b'"text"\n' * (14 * MEGABYTE),
    "60 MB in one piece": lambda: REPLY + b'"' + b"x" * 60 * MEGABYTE + b'"\n',
    "60 MB of pieces": lambda: REPLY + b'""\n' * (20 * MEGABYTE),
}


@pytest.mark.parametrize(
    "name", [*HOSTILE_PARTIALS, *LARGE_PARTIALS, "a FIFO", "a folder", "a link"]
)
def test_a_hostile_partial_never_spoils_its_session(quick_folder: Path, name: str) -> None:
    path = quick_folder / "s.json"
    partial = quick_folder / "s.json.partial"
    path.write_bytes(WHOLE)
    victim = quick_folder / "victim"
    victim.write_bytes(b'{"id":"p","parent":"a0","time":"t"}\n"stolen"\n')
    match name:
        case "a FIFO":
            os.mkfifo(partial)
        case "a folder":
            partial.mkdir()
        case "a link":
            partial.symlink_to(victim)
        case _ if name in LARGE_PARTIALS:
            partial.write_bytes(LARGE_PARTIALS[name]())
        case _:
            partial.write_bytes(HOSTILE_PARTIALS[name])
    openings = open_in_a_child(quick_folder / "library", [path, path, path], timeout=15)
    for opening in openings:
        check(opening)
        assert opening.opened, opening.told
    assert openings[1].told == openings[2].told == []
    kept = json.loads(path.read_bytes())
    assert [record["id"] for record in kept if "role" in record][:2] == ["a0", "a1"]
    assert victim.read_bytes().endswith(b'"stolen"\n')
    assert "stolen" not in path.read_text()


ENDS = (".lock", ".partial", ".torn", ".new")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("data", [WHOLE, WHOLE[:-40], WHOLE.replace(b"Arr", b"\0\0\0")])
@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_written_through_a_link(
    tmp_path: Path, end: str, data: bytes, there: bool
) -> None:
    victim = tmp_path / "victim"
    before = make(victim, there)
    folder = tmp_path / "sessions"
    folder.mkdir()
    path = folder / "s.json"
    path.write_bytes(data)
    path.with_name(f"s.json{end}").symlink_to(victim)
    live(folder, path)
    assert victim.exists() == there
    assert before is None or entry_of(victim) == before
    assert b'"Hello"' in path.read_bytes()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("end", ["", *ENDS])
@pytest.mark.parametrize("there", [True, False])
def test_nothing_is_made_through_a_link(tmp_path: Path, end: str, there: bool) -> None:
    victim = tmp_path / "victim"
    before = make(victim, there)
    folder = tmp_path / "sessions"
    folder.mkdir()
    (folder / f"fresh.json{end}").symlink_to(victim)
    with suppress(StorageError):
        journal = Library(folder).new_journal("fresh")
        talk(journal)
        journal.close()
    assert victim.exists() == there
    assert before is None or entry_of(victim) == before


def make(victim: Path, there: bool) -> object:
    if not there:
        return None
    victim.write_bytes(b"not yours")
    victim.chmod(0o644)
    return entry_of(victim)


def live(folder: Path, path: Path) -> None:
    """Do all that a session does with its files: open, append, stream, crash, open again."""
    for _ in range(2):
        with suppress(StorageError):
            opened = open_stored(Library(folder), path)
            assert isinstance(opened.journal, FileJournal)
            with suppress(StorageError):
                talk(opened.journal)
            opened.journal.close()


def talk(journal: FileJournal) -> None:
    question = Node("q", None, Message("user", "Hello"), now())
    first = [Header("01K", now()), question] if journal.path is None else [Noted("title", "x")]
    journal.append(*first)
    for text in ("Arr", ", I was say"):
        journal.partial(Node("p", question, Message("assistant", ""), now()), text)
    journal.settle()

"""Files that somebody else made, to do harm: each costs a line, a moment, and nothing elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from chatcli.errors import StorageError
from chatcli.storage.journal import SUFFIX
from chatcli.storage.library import Library
from tests.support.homes import tree_of
from tests.support.hostile_sessions import hostile_files
from tests.support.opening import check, open_in_a_child

pytestmark = pytest.mark.skipif(os.name == "nt", reason="FIFOs, and memory as POSIX measures it")

HEADER = b'[\n{"chatcli":1,"id":"01K","created":"2026-11-23T04:18:00Z"}'
MEGABYTE = 1_000_000


def test_two_thousand_hostile_files_cost_a_line_each(quick_folder: Path) -> None:
    inbox = quick_folder / "inbox"
    inbox.mkdir()
    written = dict(hostile_files(2000, seed=7))
    for name, data in written.items():
        (inbox / name).write_bytes(data)
    before = tree_of(quick_folder)

    openings = open_in_a_child(quick_folder / "library", [inbox / name for name in written])
    assert len(openings) == 2000
    wrong = []
    for opening in openings:
        try:
            check(opening)
        except AssertionError as error:
            wrong.append(str(error))
        if not opening.opened and (inbox / opening.name).read_bytes() != written[opening.name]:
            wrong.append(f"{opening.name} was refused, and written")
    assert not wrong, "\n".join([f"{len(wrong)} are wrong:", *wrong[:10]])
    assert 200 < sum(opening.opened for opening in openings) < 1800, "some of each"

    beside = {f"inbox/{name}{end}" for name in written for end in ("", ".torn")}
    changed = {
        place for place, entry in tree_of(quick_folder).items() if before.get(place) != entry
    }
    assert changed <= beside


def lines(*parts: bytes) -> bytes:
    return b",\n".join([HEADER, *parts]) + b"\n]\n"


def said(content: bytes) -> bytes:
    return b'{"id":"a0","parent":null,"role":"user","content":%b}' % content


def many(record: bytes, size: int) -> bytes:
    return HEADER + (b",\n" + record) * (size // len(record)) + b"\n]\n"


def chain(length: int) -> bytes:
    """A conversation of very many messages."""
    parts = [b'{"id":"0","parent":null,"role":"user","content":""}']
    parts += [
        b'{"id":"%d","parent":"%d","role":"user","content":""}' % (number, number - 1)
        for number in range(1, length)
    ]
    return lines(*parts)


def each_kind(count: int) -> bytes:
    """Messages that follow nothing, and all that can be noted of each."""
    kinds = (
        b'{"id":"%d","parent":null,"role":"user","content":""}',
        b'{"marked":"%d","as":"pinned"}',
        b'{"merged":"%d","source":"0"}',
        b'{"summary":"","id":"s%d","until":"0"}',
        b'{"spent":"%d","model":"","usage":{"prompt_tokens":0,"completion_tokens":0}}',
        b'{"unknown":%d}',
    )
    return lines(*(kind % number for kind in kinds for number in range(count)))


HEAVY: dict[str, Callable[[], bytes]] = {
    "100 MB in one record": lambda: lines(said(b'"' + b"x" * 100 * MEGABYTE + b'"')),
    "30 MB in one record": lambda: lines(said(b'"' + b"x" * 30 * MEGABYTE + b'"')),
    "15 MB of nothing in a list": lambda: b"[" + b" " * 15 * MEGABYTE + b"]",
    "15 MB of brackets in a list": lambda: b"[" + b"[]," * (5 * MEGABYTE) + b"1]",
    "15 MB of messages in a list": lambda: (
        b"[" + b'{"role":"user","content":""},' * (MEGABYTE // 2) + b"1]"
    ),
    "30 MB of tiny notes": lambda: many(b'{"title":"x"}', 30 * MEGABYTE),
    "30 MB of empty records": lambda: many(b"{}", 30 * MEGABYTE),
    "30 MB of lines that are no records": lambda: HEADER + b",\n1" * (10 * MEGABYTE),
    "30 MB of line ends": lambda: HEADER + b"\n" * 30 * MEGABYTE,
    "6 MB of keys": lambda: lines(
        b"{" + b",".join(b'"%d":0' % number for number in range(MEGABYTE // 2)) + b"}"
    ),
    "30 MB in one string with an emoji": lambda: lines(
        said('"🏴‍☠️'.encode() + b"x" * 30 * MEGABYTE + b'"')
    ),
    "15 MB in one string with an emoji, in a list": lambda: (
        '[{"role":"user","content":"🏴‍☠️'.encode() + b"x" * 15 * MEGABYTE + b'"}]'
    ),
    "30 MB of escapes": lambda: lines(said(b'"' + rb"\ud800" * (5 * MEGABYTE) + b'"')),
    "a number of 100,000 digits": lambda: lines(
        b'{"id":"a","parent":null,"role":"user","content":"","usage":{"prompt_tokens":'
        + b"9" * 100_000
        + b"}}"
    ),
    "a version of 100,000 digits": lambda: HEADER.replace(b":1,", b":%b," % (b"1" * 100_000)),
    "a million brackets": lambda: lines(said(b"[" * MEGABYTE)),
    "a million brackets in the header": lambda: b'[\n{"chatcli":' + b"[" * MEGABYTE,
    "a million brackets and nothing else": lambda: b"[" * MEGABYTE,
    "a million objects in each other": lambda: b'{"messages":' * MEGABYTE,
    "100,000 branches": lambda: lines(
        said(b'"x"'), *(b'{"branch":"b%d","head":"a0"}' % number for number in range(100_000))
    ),
    "15,000 records of each kind": lambda: each_kind(15_000),
    "50,000 messages": lambda: chain(50_000),
    "50,000 messages without their parents": lambda: lines(
        *(
            b'{"id":"a%d","parent":"b%d","role":"user","content":""}' % (number, number)
            for number in range(50_000)
        )
    ),
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_file_costs_a_line(quick_folder: Path, name: str) -> None:
    path = quick_folder / "heavy.json"
    path.write_bytes(HEAVY[name]())
    (opening,) = open_in_a_child(quick_folder / "library", [path], timeout=12)
    check(opening)
    assert {place.name for place in quick_folder.iterdir()} <= {"heavy.json", "heavy.json.torn"}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link_out(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [Path.mkdir, fifo, link_out, link_to_zeros, link_to_itself])
def test_what_is_no_file_costs_a_line(quick_folder: Path, make: Callable[[Path], None]) -> None:
    path = quick_folder / "odd.json"
    make(path)
    (opening,) = open_in_a_child(quick_folder / "library", [path], timeout=20)
    check(opening)
    assert not opening.opened
    assert [place.name for place in quick_folder.iterdir()] == ["odd.json"]


def test_a_link_out_of_the_folder_is_no_session(quick_folder: Path) -> None:
    library = Library(quick_folder / "library")
    library.folder.mkdir()
    victim = quick_folder / f"victim{SUFFIX}"
    victim.write_bytes(lines(said(b'"mine"')))
    (library.folder / f"mine{SUFFIX}").symlink_to(victim)
    assert library.stored() == []
    with pytest.raises(StorageError):
        library.find("mine")

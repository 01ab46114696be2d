"""The memory's file: read and edited by people, shared by processes, and never worth a crash."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.conversation.remembering import (
    EVERYWHERE,
    LONGEST,
    Memory,
    Scope,
    in_scope,
    one_line,
    scope_named,
)
from chatcli.errors import StorageError, UsageError
from chatcli.storage.locking import lock_beside, release
from chatcli.storage.memory import Memories
from chatcli.storage.memorypage import MOST, Page, bytes_of, page_of, read, written
from tests.support.program import clean_env

TEA = Memory("I prefer tea")
FULL = Memory(
    "Call me captain", Scope("persona", "pirate"), "2026-11-26", 3, "01KABC", noticed=True
)


def texts(memories: Memories) -> list[str]:
    return [each.text for each in memories.all()]


# The page

lines = st.text(st.characters(codec="utf-8"), max_size=60).map(lambda text: text.replace("\n", ""))
printable = st.characters(
    codec="utf-8",
    categories=("L", "M", "N", "P", "S"),
    include_characters=" ",
    exclude_characters=";<>",
)
names = st.text(printable, min_size=1, max_size=20)
scopes = st.one_of(
    st.just(EVERYWHERE),
    names.filter(str.strip).map(lambda name: scope_named("persona", name)),
    names.filter(str.strip).map(lambda name: scope_named("session", name)),
)


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    text = one_line(draw(lines.filter(lambda text: text.strip())))
    day = draw(st.sampled_from(["", "2026-11-26"]))
    turn = draw(st.none() | st.integers(0, 10**6))
    session = "01KABC" if turn is not None else ""
    return Memory(text, draw(scopes), day, turn, session, draw(st.booleans()))


@given(memories())
def test_what_is_written_is_read_again(memory: Memory) -> None:
    assert read(written(memory)) == memory


@pytest.mark.parametrize("text", ["a <!-- b -->", "- a", "<!-- everywhere -->", "a -->", "# a"])
def test_a_text_that_looks_like_a_note_stays_a_text(text: str) -> None:
    assert read(written(Memory(text))) == Memory(text)


@given(st.lists(lines | memories().map(lambda each: written(each).rstrip("\n")), max_size=12))
def test_lines_of_others_are_kept_to_the_last_byte(found: list[str]) -> None:
    page = page_of("\n".join(found).encode("utf-8", "surrogatepass"))
    more = page.plus(TEA)
    assert bytes_of(more).startswith(bytes_of(page))
    assert more.memories[-1] == TEA
    assert more.memories[:-1] == page.memories
    less = more.minus(TEA)
    assert bytes_of(less) in {
        bytes_of(page),
        bytes_of(page) + b"\n",
        bytes_of(Page().plus(TEA).minus(TEA)),
    }


@given(st.binary(max_size=300))
def test_a_file_of_anything_costs_no_more_than_its_own_lines(data: bytes) -> None:
    page = page_of(data + b"\n- mine\n")
    assert bytes_of(page) == data + b"\n- mine\n"
    assert page.memories[-1].text == "mine"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("- by hand", "by hand"),
        ("  -   nested  and   spaced\r", "nested and spaced"),
        ("\ufeff- after a byte-order mark", "after a byte-order mark"),
        ("- says <b>", "says <b>"),
    ],
)
def test_a_line_by_hand_holds_everywhere(line: str, text: str) -> None:
    assert read(line) == Memory(text)


@pytest.mark.parametrize(
    "line",
    [
        "- x <!-- persona -->",
        "- x <!-- nowhere -->",
        "- x <!-- everywhere; 2026-1-1 -->",
        "- x <!-- everywhere",
        "- x<!-- everywhere -->",
        "- <!-- everywhere -->",
        f"- {'x' * (LONGEST + 1)}",
        "- a\0b",
        "- a\udcffb",
    ],
)
def test_a_line_that_can_not_be_read_is_not_told_but_counted(line: str) -> None:
    page = Page((f"{line}\n", "- fine\n", "a note of mine\n"))
    assert [each.text for each in page.memories] == ["fine"]
    assert page.strange == 1


def test_more_things_than_there_is_room_for_are_left_alone() -> None:
    page = Page(tuple(f"- {n}\n" for n in range(MOST + 5)))
    assert len(page.memories) == MOST
    assert page.strange == 5


# Scopes


def test_a_thing_holds_where_its_scope_says() -> None:
    here = Memory("s", Scope("session", "01K"))
    found = (TEA, FULL, here)
    assert in_scope(found, None, "other") == (TEA,)
    assert in_scope(found, "Pirate", "other") == (TEA, FULL)
    assert in_scope(found, "coder", "01K") == (TEA, here)


@pytest.mark.parametrize("name", ["", " ", "a;b", "a --> b", "a\nb", "x" * 201])
def test_a_name_that_can_not_be_written_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="its name is strange"):
        scope_named("persona", name)


def test_a_thing_is_one_line_of_bounded_length() -> None:
    assert one_line(" two\nlines\u2028and\ttabs ") == "two lines and tabs"
    with pytest.raises(UsageError, match="nothing to remember"):
        one_line(" \n ")
    with pytest.raises(UsageError, match="at most 300 characters, that has 1,000"):
        one_line("x" * 1000)


# The file


def test_what_is_remembered_survives_the_process_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "memory.md"
    first = Memories(path)
    assert first.add(TEA) == 1
    assert first.add(FULL) == 2
    assert Memories(path).all() == (TEA, FULL)
    assert path.read_text().startswith("# What chatcli remembers")
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["memory.md"]


def test_what_is_forgotten_takes_no_other_line_with_it(tmp_path: Path) -> None:
    path = tmp_path / "memory.md"
    path.write_text("# Mine\n\n- one\nwords\n- two\n- x <!-- of a later version -->\nno end")
    kept = Memories(path)
    kept.drop(Memory("one"))
    kept.add(TEA)
    assert path.read_text() == (
        "# Mine\n\nwords\n- two\n- x <!-- of a later version -->\nno end\n"
        "- I prefer tea <!-- everywhere -->\n"
    )
    assert kept.strange == 1


def test_a_change_from_elsewhere_is_seen_at_once_and_not_undone(tmp_path: Path) -> None:
    path = tmp_path / "memory.md"
    one, other = Memories(path), Memories(path)
    one.add(TEA)
    assert texts(other) == ["I prefer tea"]
    path.write_text("- by hand\n")
    one.add(FULL)
    assert texts(other) == ["by hand", "Call me captain"]
    other.drop(FULL)
    with pytest.raises(UsageError, match="forgotten already"):
        one.drop(FULL)


def test_the_same_thing_is_remembered_once_in_a_scope(tmp_path: Path) -> None:
    kept = Memories(tmp_path / "memory.md")
    kept.add(TEA)
    with pytest.raises(UsageError, match="remembered already"):
        kept.add(Memory("i prefer TEA."))
    kept.add(Memory("I prefer tea", Scope("session", "01K")))
    assert len(kept.all()) == 2


def test_without_lasting_the_file_is_read_and_never_written(tmp_path: Path) -> None:
    path = tmp_path / "memory.md"
    path.write_text("- one\n")
    kept = Memories(path, lasting=False)
    kept.add(TEA)
    kept.drop(Memory("one"))
    assert texts(kept) == ["I prefer tea"]
    assert path.read_text() == "- one\n"
    assert texts(Memories(None)) == []


@pytest.mark.parametrize("kind", ["folder", "large", "fifo"])
def test_a_file_that_can_not_be_read_costs_a_line_and_is_not_touched(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "memory.md"
    kept = Memories(path)
    kept.add(TEA)
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "large":
        path.write_bytes(b"- x\n" * 400_000)
    elif hasattr(os, "mkfifo"):
        os.mkfifo(path)
    assert texts(kept) == ["I prefer tea"], "what was known is known as long as the process lasts"
    assert str(path) in kept.trouble
    before = path.lstat()
    with pytest.raises(StorageError):
        kept.add(FULL)
    assert (path.lstat().st_ino, path.lstat().st_size) == (before.st_ino, before.st_size)


def test_a_writer_that_does_not_end_is_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatcli.storage.memory.WAIT", 0.05)
    path = tmp_path / "memory.md"
    held = lock_beside(path)
    try:
        with pytest.raises(StorageError, match="another chatcli is writing"):
            Memories(path).add(TEA)
    finally:
        release(held)
    Memories(path).add(TEA)


def test_two_processes_lose_nothing_of_each_other(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from chatcli.conversation.remembering import Memory\n"
        "from chatcli.storage.memory import Memories\n"
        "kept = Memories(pathlib.Path(sys.argv[1]))\n"
        "for n in range(25): kept.add(Memory(f'{sys.argv[2]} {n}'))\n"
    )
    path = tmp_path / "memory.md"
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(path), who], env=clean_env(tmp_path))
        for who in ("one", "two")
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    found = texts(Memories(path))
    assert sorted(found) == sorted(f"{who} {n}" for who in ("one", "two") for n in range(25))


def test_a_page_that_is_a_link_stays_one(tmp_path: Path) -> None:
    page, link = tmp_path / "mine.md", tmp_path / "memory.md"
    page.write_text("- by hand\n")
    link.symlink_to(page)
    Memories(link).add(TEA)
    assert link.is_symlink()
    assert page.read_text().startswith("- by hand\n- ")

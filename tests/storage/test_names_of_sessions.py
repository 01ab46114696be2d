"""Names that would lead elsewhere, or two names for one file: refused, or made safe."""

from __future__ import annotations

import errno
import json
import os
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation.messages import Message, Node, now
from chatcli.conversation.records import Header, Noted
from chatcli.errors import BadName, StorageError
from chatcli.storage import files
from chatcli.storage.journal import SUFFIX, FileJournal
from chatcli.storage.library import Library
from tests.support.homes import tree_of
from tests.support.piped import surroundings
from tests.support.program import run_chatcli
from tests.support.quick import IN_MEMORY
from tests.support.server import ChatServer

REFUSED = (
    *("", ".", "..", "...", "../up", "../../etc/passwd", "/etc/passwd", "a/b", "a/../../b", "~/x"),
    *(
        "a\\b",
        "..\\up",
        "C:x",
        "C:\\x",
        "\\\\host\\share",
        "x:stream",
        "//host/share",
        "~",
        "~root",
    ),
    *("a\0b", "\0", "a\nb", "a\tb", "\x1b[2Jb", "a\x7fb", "a\x85b", "a\u2028b", "a\u202eb"),
    *("a\u200bb", "a\ufeffb", "a\u00adb", " a", "a ", "a.", ".hidden", "-rf", "--help", "a\u00a0"),
    *("con", "CON", "Con.txt", "nul", "NUL.json", "prn", "aux", "com1", "COM9.x", "lpt1", "com¹"),
    *("con .x", "conin$", "CONOUT$", "clock$", "a*b", "a?b", 'a"b', "a<b", "a>b", "a|b", "$HOME"),
    *(
        "x" * 300,
        "é" * 300,
        "🏴" * 100,
        "a\ud800b",
        "`id`",
        "a;b",
        "a&b",
        "a'b",
        "\u0301",
        "%2e%2e",
    ),
    *("ａ／ｂ", "．．", "con\u0301"[:3], "a\u2024\u2024/b", "\u2025", "name.json/../x"),
)
SAFE = ("trip", "a", "7", "my trip", "été", "日本語", "voyage.2", "a_b-c", "Ünïcode 7", "x" * 100)
TWINS = (
    *(("notes", "Notes"), ("notes", "NOTES"), ("été", "e\u0301te\u0301"), ("straße", "STRASSE")),
    *(("Å", "\u212b"), ("k", "\u212a"), ("ﬁn", "fin"), ("ｎｏｔｅｓ", "notes"), ("x²", "x2")),
    *(("İ", "i\u0307"), ("ς", "σ"), ("ǅ", "ǆ"), ("ẞ", "ss"), ("가", "\u1100\u1161")),
)


def key(name: str) -> str:
    """What a disk that minds neither case nor spelling makes of a name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def begin(library: Library, name: str) -> Path:
    """Make the session of that name, or raise StorageError."""
    journal = library.new_journal(name)
    journal.append(Header("01K", now()), Node("a", None, Message("user", name), now()))
    path = journal.path
    journal.close()
    assert path is not None
    return path


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    library = Library(tmp_path / "sessions")
    with pytest.raises(BadName):
        library.path(name)
    with pytest.raises(BadName):
        begin(library, name)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", SAFE)
def test_a_name_that_means_no_harm_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    library = Library(tmp_path / "sessions")
    path = begin(library, name)
    assert path == library.folder / f"{name}{SUFFIX}"
    assert library.find(name) == path


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_two_spellings_of_a_name_are_one_session(tmp_path: Path, one: str, other: str) -> None:
    """Or the second gets another name; never are there two files that one disk takes for one."""
    library = Library(tmp_path / "sessions")
    path = begin(library, one)
    before = path.read_bytes()
    assert library.path(other) == path
    with suppress(StorageError):
        begin(library, other)
    assert path.read_bytes() == before
    keys = [key(place.name) for place in library.folder.iterdir()]
    assert len(set(keys)) == len(keys)


@settings(deadline=None)
@given(st.text(max_size=120) | st.from_regex(r"[\w./\\~ -]{1,20}", fullmatch=True))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    library = Library(Path("/home/me/sessions"))
    try:
        path = library.path(name)
    except BadName:
        return
    assert path.parent == library.folder
    assert path.suffix == SUFFIX
    assert len(f"{path.name}.partial".encode()) < 256
    assert path.name.isprintable()
    assert not path.name.startswith((".", "-", " "))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.sampled_from("aAåÅ\u212bk\u212aﬁfiß"), min_size=1), max_size=6))
def test_no_two_names_share_a_file_nor_two_files_a_name(names: list[str]) -> None:
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="chatcli-", dir=place) as folder:
        library = Library(Path(folder))
        for name in names:
            with suppress(StorageError):
                written = json.loads(begin(library, name).read_bytes())
                assert [record["content"] for record in written[1:]] == [name]
        stems = [place.stem for place in library.folder.iterdir()]
        assert len({key(stem) for stem in stems}) == len(stems)


def test_no_name_on_the_command_line_writes_elsewhere(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    before = tree_of(tmp_path)
    lines = "".join(
        f"/save {name}\n"
        for name in REFUSED
        if name and name == name.strip() and name.isprintable()
    )
    done = run_chatcli(
        "chat",
        *("-s", "mine"),
        input=f"Hello\n{lines}/rename ../up\n/export ../../\n",
        env=surroundings(chat_server),
        home=home,
    )
    assert "Traceback" not in done.stderr
    assert "mistake in chatcli" not in done.stderr
    made = {place for place in tree_of(tmp_path) if place not in before}
    sessions = {place for place in made if place.startswith("home/chatcli/sessions/")}
    assert sessions == {"home/chatcli/sessions/mine.json"}
    assert {place for place in made if not place.startswith("home/chatcli")} == set()


# What becomes of a file meanwhile


def test_a_session_that_vanishes_while_the_folder_is_read_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(tmp_path / "sessions")
    gone = {begin(library, "a"), begin(library, "c")}
    stays = begin(library, "b")
    real = os.scandir

    @contextmanager
    def too_late(folder: Path) -> Iterator[list[os.DirEntry[str]]]:
        """Take two of the files away at the last moment."""
        with real(folder) as entries:
            found = list(entries)
        for path in gone:
            path.unlink(missing_ok=True)
        yield found

    monkeypatch.setattr(os, "scandir", too_late)
    assert [session.path for session in library.stored()] == [stays]
    for path in gone:
        path.write_bytes(b"")
    assert library.newest() == stays
    for path in gone:
        path.write_bytes(b"")
    assert not library.is_empty()


def broken(*_: object, **__: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_file_is_moved_although_its_folder_can_not_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a.json", tmp_path / "b.json"
    source.write_text("mine")
    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", broken)
        files.move_new(source, target)
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
    assert target.read_text() == "mine"


def test_a_session_that_is_renamed_on_such_a_disk_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(tmp_path / "sessions")
    journal, _, _ = FileJournal.open(begin(library, "a"))
    with monkeypatch.context() as failing:
        failing.setattr(files, "sync_folder", broken)
        journal.rename(library.path("b"))
    journal.append(Noted("title", "b"))
    journal.close()
    assert [path.name for path in library.folder.iterdir()] == ["b.json"]
    assert json.loads(library.find("b").read_text())[-1] == {"title": "b"}


@pytest.mark.skipif(os.name == "nt", reason="a file is moved by a link and an unlink")
def test_a_file_that_can_not_be_taken_away_stays_the_only_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a.json", tmp_path / "b.json"
    source.write_text("mine")
    real = os.unlink

    def refuse(path: Path, **options: object) -> None:
        if Path(path) == source:
            raise OSError(errno.EPERM, "Operation not permitted")
        real(path)

    with monkeypatch.context() as failing:
        failing.setattr(os, "unlink", refuse)
        with pytest.raises(StorageError, match="not permitted"):
            files.move_new(source, target)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert source.read_text() == "mine"


@pytest.mark.parametrize("name", ["a/../../b", "con", "x" * 300, "a\x1b[2J\nb"])
def test_a_bad_name_is_one_line_and_code_two(
    tmp_path: Path, chat_server: ChatServer, name: str
) -> None:
    asked = ("ask", f"--session={name}", "Hello")
    done = run_chatcli(*asked, env=surroundings(chat_server), home=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr
    assert [*tmp_path.rglob("*.json")] == []
    assert chat_server.requests == []

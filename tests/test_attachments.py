"""Files that go along with a message: which names mean one, what is read, what is refused."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.conversation.text import LONGEST_TEXT
from chatcli.errors import AttachmentError
from chatcli.storage.attachments import (
    MAX_BYTES,
    Glance,
    attach,
    mentioned,
    with_files,
)


def pdf(text: str) -> bytes:
    """Return a PDF of one page that says `text`."""
    content = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>"
    )
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        font,
    ]
    whole = b"%PDF-1.4\n"
    places = []
    for number, part in enumerate(parts, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(whole)
    return whole + b"xref\n0 6\n0000000000 65535 f \n" + table + end


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("# Notes\n")
    (tmp_path / "a b.txt").write_text("spaced\n")
    return tmp_path


def names(message: str) -> list[str]:
    return [each.name for each in mentioned(message)]


@pytest.mark.parametrize(
    "message",
    [
        "sum up @notes.md",
        "@notes.md",
        "look at @notes.md, please",
        "is it in (or near) @notes.md?",
        "@./notes.md and again @./notes.md",
        "first line\n@notes.md",
        "our notes (@notes.md) are old",
        'read "@notes.md"',
    ],
)
def test_a_file_that_a_message_names_goes_along_once(message: str) -> None:
    assert names(message) == ["notes.md"]


@pytest.mark.parametrize(
    "message",
    [
        "write to me@notes.md",
        "ask @alice about it",
        "@ notes.md",
        "@",
        "what is @... for?",
        "npm install @types/node",
        "```\n@notes.md\n```",
        "`curl -d @notes.md` fails",
        '@""',
    ],
)
def test_what_is_no_file_stays_text(message: str) -> None:
    assert names(message) == []


def test_a_name_with_spaces_stands_in_quotes() -> None:
    assert names('sum up @"a b.txt" and @notes.md') == ["a b.txt", "notes.md"]


@pytest.mark.parametrize("name", ['@"no such.txt"', "@/no/such", "@./no-such", "@~/no such"])
def test_a_name_that_can_only_be_a_files_must_be_one(name: str) -> None:
    with pytest.raises(AttachmentError, match="there is no file"):
        mentioned(f"see {name}")


def test_the_content_stands_fenced_under_its_name() -> None:
    message = "sum up @notes.md"
    whole = with_files(message, mentioned(message))
    assert whole == "sum up @notes.md\n\nnotes.md:\n```\n# Notes\n```"


def test_a_message_that_is_sent_again_has_its_file_once() -> None:
    message = "sum up @notes.md"
    whole = with_files(message, mentioned(message))
    assert with_files(whole, mentioned(whole)) == whole


@settings(deadline=None)
@given(st.text(alphabet="`ab \n", max_size=60))
def test_no_line_of_a_file_ends_its_fence(content: str) -> None:
    Path("fences.txt").write_text(content)
    name, fence, *inside, last = attach("fences.txt").block.split("\n")
    assert name == "fences.txt:"
    assert last == fence
    assert "\n".join(inside) == content.rstrip()
    assert fence not in content


@pytest.mark.parametrize("words", ["BMW makes cars", "GIF89a is a format", "RIFF 64 WEBP"])
def test_a_text_that_begins_as_a_picture_does_is_a_text(words: str, here: Path) -> None:
    (here / "words.txt").write_text(words)
    assert words in attach("words.txt").block


def _fifo(path: Path) -> None:
    os.mkfifo(path)


UNFIT: dict[str, tuple[Callable[[Path], object], str]] = {
    "binary": (lambda path: path.write_bytes(b"a\0b"), "is binary"),
    "not UTF-8": (lambda path: path.write_bytes(b"caf\xe9 cr\xe8me"), "no text in UTF-8"),
    "huge": (lambda path: path.write_bytes(b"a" * (MAX_BYTES + 1)), "larger than 4 MiB"),
    "long": (lambda path: path.write_bytes(b"a" * (LONGEST_TEXT + 1)), "too long"),
    "a folder": (lambda path: path.mkdir(), "not a regular file"),
    "a FIFO": (_fifo, "not a regular file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\0"), "is a picture"),
    "a loop": (lambda path: path.symlink_to(path), "could not open"),
}


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
@pytest.mark.parametrize("what", UNFIT)
def test_what_can_not_go_along_is_refused_in_one_line(what: str, here: Path) -> None:
    make, why = UNFIT[what]
    make(here / "thing")
    with pytest.raises(AttachmentError, match=why) as refused:
        attach("thing")
    assert "\n" not in str(refused.value)
    assert refused.value.hint


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(here: Path) -> None:
    (here / "notes.md").chmod(0)
    with pytest.raises(AttachmentError, match="could not open"):
        attach("notes.md")


def test_a_pdf_goes_along_as_its_text(here: Path) -> None:
    pytest.importorskip("pypdf")
    (here / "ship.pdf").write_bytes(pdf("A sloop has one mast."))
    assert attach("ship.pdf").block == "ship.pdf:\n```\nA sloop has one mast.\n```"


def test_a_pdf_without_text_and_one_that_is_torn_are_refused(here: Path) -> None:
    pytest.importorskip("pypdf")
    (here / "empty.pdf").write_bytes(pdf(""))
    (here / "torn.pdf").write_bytes(pdf("A sloop")[:200])
    with pytest.raises(AttachmentError, match="has no text"):
        attach("empty.pdf")
    with pytest.raises(AttachmentError):
        attach("torn.pdf")


def test_a_pdf_without_the_package_says_how_to_get_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pypdf", None)
    (here / "ship.pdf").write_bytes(pdf("A sloop"))
    with pytest.raises(AttachmentError, match=r"install pypdf"):
        attach("ship.pdf")


def test_a_pdf_that_takes_too_long_is_given_up_whatever_it_is_called(here: Path) -> None:
    pytest.importorskip("pypdf")
    slow = "Aye) Tj (" * 400_000
    (here / "ship.pdf").write_bytes(pdf("A sloop"))
    (here / "atlas.txt").write_bytes(pdf(slow))
    with pytest.raises(AttachmentError, match="takes too long to read"):
        attach("atlas.txt", seconds=0.5)
    assert attach("ship.pdf").name == "ship.pdf"


def test_no_file_of_the_working_folder_takes_part_in_reading_a_pdf(here: Path) -> None:
    pytest.importorskip("pypdf")
    for name in ("pypdf.py", "json.py", "io.py", "chatcli.py"):
        (here / name).write_text("import pathlib; pathlib.Path('taken').touch()")
    (here / "ship.pdf").write_bytes(pdf("A sloop"))
    assert "A sloop" in attach("ship.pdf").block
    assert not (here / "taken").exists()


def glanced(draft: str) -> list[str]:
    return [each.name for each in Glance().at(draft)]


def test_a_glance_counts_every_file_that_goes_along(here: Path) -> None:
    every = [f"{number}.txt" for number in range(40)]
    for name in every:
        (here / name).write_text(name)
    assert glanced(" ".join(f"@{name}" for name in every)) == every


def test_what_can_not_go_along_does_not_keep_a_glance_from_the_rest(here: Path) -> None:
    for trouble in ('@"~nobody-here/x"', '@"a\0b"', "@/a\ud800", f"@/{'a' * 5000}", "@.."):
        assert glanced(f"{trouble} @notes.md") == ["notes.md"], trouble


def test_a_file_that_has_changed_is_read_again(here: Path) -> None:
    glance = Glance()
    (first,) = glance.at("@notes.md")
    assert glance.at("sum up @notes.md")[0] is first
    (here / "notes.md").write_text("# Other notes\n")
    assert "Other" in glance.at("@notes.md")[0].block


@pytest.mark.skipif(os.name == "nt", reason="there are no such files")
def test_a_glance_opens_no_pipe_at_whose_other_end_it_would_be_felt(here: Path) -> None:
    _fifo(here / "pipe")
    read_from = threading.Event()

    def write() -> None:
        os.close(os.open(here / "pipe", os.O_WRONLY))  # waits for somebody who reads
        read_from.set()

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    assert glanced("@pipe @notes.md") == ["notes.md"]
    assert not read_from.wait(0.1)
    os.close(os.open(here / "pipe", os.O_RDONLY | os.O_NONBLOCK))
    writing.join(10)

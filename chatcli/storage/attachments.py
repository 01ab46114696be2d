"""Files that go along with a question: text, and the text of a PDF.

In a message `@notes.md` or `@"a b.txt"` names one. What stands behind the `@` is a file's name only
where there is such a file, or where it can be nothing else, so that an address and a nickname stay
what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatcli.conversation.text import LONGEST_TEXT
from chatcli.errors import AttachmentError, NoSuchSession, StorageError, UsageError
from chatcli.storage import files

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_PDF_BYTES: Final = 32 * 1024 * 1024

_ATTACHABLE: Final = "only text and PDF can be attached"
_PICTURES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_MENTION: Final = re.compile(r'(?<!\S)@(?:"(?P<quoted>[^"\n]+)"|(?P<bare>[^\s"]+))')
_FENCED: Final = re.compile(
    r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_AFTER_A_NAME: Final = ".,;:!?)]}'\""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it goes along: its name, and its text fenced under that name."""

    name: str
    block: str


def attach(path: str | Path) -> Attachment:
    """Read a file that is to go along with a question. Raises AttachmentError."""
    text = _text_of(Path(path))
    if len(text) > LONGEST_TEXT:
        most = f"a message has at most {LONGEST_TEXT:,} characters"
        raise AttachmentError(f"{path} is too long: {most}", "attach a part of it")
    name = Path(path).name
    # Longer than any fence in the text, so that no line of the file can end it.
    fence = "`" * max(3, 1 + _longest_run(text))
    return Attachment(name, f"{name}:\n{fence}\n{text.rstrip()}\n{fence}")


def attached(path: Path) -> str:
    """Return a file fenced under its name, as part of a question. Raises AttachmentError."""
    return attach(path).block


def mentioned(message: str) -> list[Attachment]:
    """Return the files that a message names with `@`, each once. Raises AttachmentError.

    Code in the message is left alone, and so is a name whose file stands in the message already: a
    message that is edited and sent again still has what was attached to it.
    """
    found = {path: attach(path) for path in _paths_in(_FENCED.sub("", message))}
    return [each for each in found.values() if f"\n{each.name}:\n```" not in message]


def with_files(message: str | None, going: Iterable[Attachment]) -> str:
    """Return a message with the files that go along below it."""
    return _joined([message, *(each.block for each in going)])


def question_of(message: str | None, paths: Sequence[Path], piped: str | None) -> str:
    """Put a question together from what was typed, the files, and what was piped in."""
    question = _joined([message, *(attached(path) for path in paths), (piped or "").strip()])
    if not question:
        raise UsageError("there is no question", "chatcli ask 'why is the sky blue?'")
    return question


def _joined(parts: Iterable[str | None]) -> str:
    return "\n\n".join(part for part in parts if part and part.strip())


def _paths_in(message: str) -> Iterator[Path]:
    for mention in _MENTION.finditer(message):
        if mention["quoted"]:
            yield files.place(mention["quoted"])
        elif (path := _meant(mention["bare"])) is not None:
            yield path


def _meant(name: str) -> Path | None:
    """Return the path that a bare name means, without the full stop or the like behind it."""
    for candidate in dict.fromkeys((name, name.rstrip(_AFTER_A_NAME))):
        path = _there(candidate)
        if path is not None:
            return path
    if name.startswith(("/", "./", "../", "~/")):
        return Path(name.rstrip(_AFTER_A_NAME))
    return None


def _there(name: str) -> Path | None:
    try:
        path = files.place(name)
        return path if re.search(r"\w", name) and path.exists() else None
    except (StorageError, OSError):
        return None


def _text_of(path: Path) -> str:
    data = _read(path)
    if data.startswith(b"%PDF-"):
        from chatcli.storage.pdftext import text_of_pdf

        return text_of_pdf(path, data)
    if data.startswith(_PICTURES) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        raise AttachmentError(f"{path} is a picture", _ATTACHABLE)
    if len(data) > MAX_BYTES:
        raise AttachmentError(f"{path} is larger than {MAX_BYTES // 2**20} MiB", "attach a part")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AttachmentError(f"{path} is no text in UTF-8", _ATTACHABLE) from None
    if "\0" in text:
        raise AttachmentError(f"{path} is binary", _ATTACHABLE)
    return text


def _read(path: Path) -> bytes:
    try:
        return files.read_bytes(files.place(path), MAX_PDF_BYTES)
    except NoSuchSession:
        raise AttachmentError(f"there is no file {path}", "name one that is there") from None
    except StorageError as error:
        raise AttachmentError(error.message, error.hint or _ATTACHABLE) from error


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)

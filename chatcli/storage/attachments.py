"""Files that go along with a question: text, the text of a PDF, and images.

In a message `@notes.md` or `@"a b.txt"` names one. What stands behind the `@` is a file's name only
where there is such a file, or where it can be nothing else, so that an address and a nickname stay
what they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatcli.conversation.images import Image, together
from chatcli.conversation.text import LONGEST_TEXT
from chatcli.errors import AttachmentError, NoSuchSession, StorageError, UsageError
from chatcli.storage import files
from chatcli.storage.imagefile import image_from, is_image

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_PDF_BYTES: Final = 32 * 1024 * 1024

LARGEST_PDF_AT_A_GLANCE: Final = 256 * 1024

_ATTACHABLE: Final = "only text, PDF and images can be attached"
_MOST_KNOWN: Final = 16
_MENTION: Final = re.compile(r'(?<!\S)@(?:"(?P<quoted>[^"\n]+)"|(?P<bare>[^\s"]+))')
_FENCED: Final = re.compile(
    r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_AFTER_A_NAME: Final = ".,;:!?)]}'\""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as it goes along: its name, and its text fenced under that name, or the image."""

    name: str
    block: str = ""
    image: Image | None = None

    def __str__(self) -> str:
        """Return the name, and of an image how large it is."""
        return self.name if self.image is None else self.image.file


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked with all that goes along with it."""

    text: str
    images: tuple[Image, ...] = ()


def attach(path: str | Path) -> Attachment:
    """Read a file that is to go along with a question. Raises AttachmentError."""
    path = Path(path)
    data = _read(path)
    if is_image(data):
        return Attachment(path.name, image=image_from(path.name, data, path))
    text = _text_of(path, data)
    if len(text) > LONGEST_TEXT:
        most = f"a message has at most {LONGEST_TEXT:,} characters"
        raise AttachmentError(f"{path} is too long: {most}", "attach a part of it")
    # Longer than any fence in the text, so that no line of the file can end it.
    fence = "`" * max(3, 1 + _longest_run(text))
    return Attachment(path.name, f"{path.name}:\n{fence}\n{text.rstrip()}\n{fence}")


def mentioned(message: str, having: Collection[str] = ()) -> list[Attachment]:
    """Return the files that a message names with `@`, each once. Raises AttachmentError.

    Code in the message is left alone, and so are names in `having` and those whose file stands in
    the message already: a message that is sent again still has what was attached to it.
    """
    return [attach(path) for path in named_in(message) if not _has(message, path, having)]


def named_in(message: str) -> list[Path]:
    """Return the paths of the files that a message names, each once."""
    return list(dict.fromkeys(_paths_in(_FENCED.sub("", message))))


def with_files(message: str | None, going: Iterable[Attachment]) -> str:
    """Return a message with the text of the files that go along below it."""
    return _joined([message, *(each.block for each in going)])


def question_with(
    message: str | None, going: Sequence[Attachment], images: Iterable[Image] = ()
) -> Question:
    """Return a question with what goes along, and the `images` that it has already.

    One without a word is called after its images, so that it can be found again. Raises
    AttachmentError where that is too much.
    """
    text = with_files(message, going)
    if len(text) > LONGEST_TEXT:
        most = f"a message has at most {LONGEST_TEXT:,} characters"
        raise AttachmentError(f"that is too much to attach: {most}", "leave one out")
    seen = together(*images, *(each.image for each in going if each.image is not None))
    return Question(text or ", ".join(each.name for each in seen), seen)


def question_of(message: str | None, paths: Sequence[Path], piped: str | None) -> Question:
    """Put a question together from what was typed, the files, and what was piped in."""
    last = Attachment("what was piped in", (piped or "").strip())
    question = question_with(message, [*map(attach, paths), last])
    if not question.text:
        raise UsageError("there is no question", "chatcli ask 'why is the sky blue?'")
    return question


@dataclass(slots=True)
class Glance:
    """The files that drafts name, each read once as long as it stays as it is.

    A large PDF is not looked into: that takes seconds, in which the draft has long changed.
    """

    _known: dict[Path, tuple[tuple[int, int], Attachment | None]] = field(default_factory=dict)

    def at(self, draft: str) -> list[Attachment]:
        """Return the files that a draft names, without those that can't go along."""
        paths = [path for path in named_in(draft) if not _has(draft, path, ())]
        found = [self._seen(path) for path in paths[:_MOST_KNOWN]]
        return [each for each in found if each is not None]

    def _seen(self, path: Path) -> Attachment | None:
        try:
            about = path.stat()
        except OSError:
            return None
        stamp = (about.st_mtime_ns, about.st_size)
        known = self._known.pop(path, None)
        if known is None or known[0] != stamp:
            slow = path.suffix.lower() == ".pdf" and about.st_size > LARGEST_PDF_AT_A_GLANCE
            known = (stamp, None if slow else _attached(path))
        self._known[path] = known
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return known[1]


def _attached(path: Path) -> Attachment | None:
    try:
        return attach(path)
    except AttachmentError:
        return None


def _has(message: str, path: Path, having: Collection[str]) -> bool:
    return path.name in having or f"\n{path.name}:\n```" in message


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


def _text_of(path: Path, data: bytes) -> str:
    if data.startswith(b"%PDF-"):
        from chatcli.storage.pdftext import text_of_pdf

        return text_of_pdf(path, data)
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

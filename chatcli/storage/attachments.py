"""Files that go along with a question: text, the text of a PDF, and images.

In a message `@notes.md` or `@"a b.txt"` names one. What stands behind the `@` is a file's name only
where there is such a file, or where it can be nothing else, so that an address and a nickname stay
what they are.
"""

from __future__ import annotations

import re
import stat
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from chatcli.conversation.images import Image, together
from chatcli.conversation.text import LONGEST_TEXT
from chatcli.errors import AttachmentError, NoSuchSession, StorageError, UsageError
from chatcli.storage import files
from chatcli.storage.imagefile import image_from, is_image
from chatcli.storage.pdftext import MOST_SECONDS, text_of_pdf

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_PDF_BYTES: Final = 32 * 1024 * 1024

SECONDS_OF_A_GLANCE: Final = 3.0
MOST_GLANCED_AT: Final = 64
"""How long reading a PDF may take while its name is typed, and how many files may be named."""

_ATTACHABLE: Final = "only text, PDF and images can be attached"
_MOST_NAMES: Final = 1000
_MENTION: Final = re.compile(r"""(?<![^\s(\[{"'])@(?:"(?P<quoted>[^"\n]+)"|(?P<bare>[^\s"]+))""")
_FENCED: Final = re.compile(
    r"^ {0,3}(`{3,}|~{3,}).*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_CODE: Final = re.compile(r"(?<!`)(`++)[^`\n]+\1(?!`)")
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


def attach(path: str | Path, *, seconds: float = MOST_SECONDS) -> Attachment:
    """Read a file that is to go along with a question, a PDF in at most so many `seconds`.

    Raises AttachmentError.
    """
    path = Path(path)
    data = _read(path)
    if is_image(data):
        return Attachment(path.name, image=image_from(path.name, data, path))
    text = _text_of(path, data, seconds)
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


def named_in(message: str, most: int | None = None) -> list[Path]:
    """Return the paths of the files that a message names, each once, of the first `most` names."""
    found = _MENTION.finditer(_CODE.sub("", _FENCED.sub("", message)))
    names = dict.fromkeys(mention.group("quoted", "bare") for mention in found)
    meant = (_meant(*name) for name in islice(names, most))
    return list(dict.fromkeys(path for path in meant if path is not None))


def without_mentions(message: str, having: Collection[str] = ()) -> str:
    """Return a message with a backslash before each `@` that would attach a file to it.

    That is no mention any more. What is attached already, as `mentioned` knows it, stays.
    """
    paths = {path for path in named_in(message) if not _has(message, path, having)}

    def escaped(mention: re.Match[str]) -> str:
        meant = _meant(*mention.group("quoted", "bare"))
        return f"\\{mention[0]}" if meant in paths else mention[0]

    return _MENTION.sub(escaped, message) if paths else message


def with_files(message: str | None, going: Iterable[Attachment]) -> str:
    """Return a message with the text of the files that go along below it."""
    return _joined([message, *(each.block for each in going)])


def each_once(going: Iterable[Attachment]) -> list[Attachment]:
    """Return files in their order, and none twice that is the same to the last character."""
    return list(dict.fromkeys(going))


def question_with(
    message: str | None, going: Sequence[Attachment], images: Iterable[Image] = ()
) -> Question:
    """Return a question with what goes along, and the `images` that it has already.

    One without a word is called after its images, so that it can be found again. Raises
    AttachmentError where that is too much.
    """
    once = each_once(going)
    text = with_files(message, once)
    if len(text) > LONGEST_TEXT:
        most = f"a message has at most {LONGEST_TEXT:,} characters"
        raise AttachmentError(f"that is too much to attach: {most}", "leave one out")
    seen = together(*images, *(each.image for each in once if each.image is not None))
    return Question(text or ", ".join(each.name for each in seen), seen)


def question_of(message: str | None, paths: Sequence[Path], piped: str | None) -> Question:
    """Put a question together from what was typed, the files, and what was piped in."""
    last = Attachment("what was piped in", (piped or "").strip())
    question = question_with(message, [*map(attach, paths), last])
    if not question.text:
        raise UsageError("there is no question", "chatcli ask 'why is the sky blue?'")
    return question


_Stamp: TypeAlias = tuple[int, int, int]


@dataclass(slots=True)
class Glance:
    """The files that a draft names, each read once as long as it stays as it is.

    Only files are opened, and a PDF that takes long is given up: a draft is no order yet.
    """

    _known: dict[Path, tuple[_Stamp, Attachment | None]] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def at(self, draft: str) -> list[Attachment]:
        """Return the files that a draft names, without those that can't go along."""
        paths = [path for path in named_in(draft, _MOST_NAMES) if not _has(draft, path, ())]
        with self._guard:
            seen = {path: self._seen(path) for path in paths[:MOST_GLANCED_AT]}
            self._known = {path: each for path, each in seen.items() if each is not None}
            return [found for _, found in self._known.values() if found is not None]

    def _seen(self, path: Path) -> tuple[_Stamp, Attachment | None] | None:
        """Return a file's stamp, and what it is if it can go along; None where there is none."""
        try:
            about = path.stat()
        except (OSError, ValueError):
            return None
        stamp = (about.st_ino, about.st_mtime_ns, about.st_size)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known
        # To open a pipe or a device would be felt at its other end.
        return stamp, _attached(path) if stat.S_ISREG(about.st_mode) else None


def _attached(path: Path) -> Attachment | None:
    try:
        return attach(path, seconds=SECONDS_OF_A_GLANCE)
    except AttachmentError:
        return None


def _has(message: str, path: Path, having: Collection[str]) -> bool:
    return path.name in having or f"\n{path.name}:\n```" in message


def _joined(parts: Iterable[str | None]) -> str:
    return "\n\n".join(part for part in parts if part and part.strip())


def _meant(quoted: str | None, bare: str | None) -> Path | None:
    """Return the path that a name means, without the full stop or the like behind a bare one."""
    name = quoted or bare or ""
    if name.startswith(("//", "\\\\")):
        # Windows would greet another machine with the user's password, hashed, for a text's sake.
        return None
    plain = name if quoted else name.rstrip(_AFTER_A_NAME)
    for candidate in dict.fromkeys((name, plain)):
        path = _there(candidate)
        if path is not None:
            return path
    return Path(plain) if quoted or name.startswith(("/", "./", "../", "~/")) else None


def _there(name: str) -> Path | None:
    try:
        path = files.place(name)
        return path if re.search(r"\w", name) and path.exists() else None
    except (StorageError, OSError):
        return None


def _text_of(path: Path, data: bytes, seconds: float) -> str:
    if data.startswith(b"%PDF-"):
        return text_of_pdf(path, data, seconds)
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

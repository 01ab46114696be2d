"""Looking for words in all stored sessions, on all their branches.

A file's bytes are searched for the longest word before anything is parsed: of a thousand sessions,
only those are read that have it somewhere in their text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.messages import Node, now
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.tree import Tree
from chatcli.errors import StorageError, UsageError
from chatcli.storage import files, formats, wire
from chatcli.storage.library import Stored
from chatcli.storage.strictjson import strict_json

AROUND: Final = 40
"""Characters shown before and after what was found."""

LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that has the words. `number` is the one that /history shows on that branch.

    It is None for a system prompt. `snippet` is the text around the first place, in one line.
    `current` tells whether the session is on that branch.
    """

    session: str
    branch: str
    number: int | None
    role: str
    snippet: str
    current: bool

    @property
    def place(self) -> str:
        """Where in the session it is: the number, and the branch where that is another one."""
        number = "system" if self.number is None else str(self.number)
        return number if self.current else f"{self.branch} {number}"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the newest session first; `more` where the search ended early.

    `broken` counts the files that could not be read.
    """

    hits: tuple[Hit, ...]
    more: bool = False
    broken: int = 0


def search(stored: Iterable[Stored], text: str, most: int) -> Found:
    """Look for `text`, whatever its case and line breaks; end at `most` hits. Raises UsageError."""
    words = text.split()
    if not words:
        raise UsageError("there is nothing to search for", "name a word that was said")
    if len(text) > LONGEST:
        raise UsageError(f"that is more than {LONGEST} characters", "a few words find it as well")
    wanted = re.compile(r"\s+".join(map(re.escape, words)), re.IGNORECASE)
    raw = re.compile(_raw(max(words, key=len)))
    hits: list[Hit] = []
    broken = 0
    for session in stored:
        try:
            for hit in _hits(session, raw, wanted):
                if len(hits) == most:
                    return Found(tuple(hits), True, broken)
                hits.append(hit)
        except StorageError:
            broken += 1
    return Found(tuple(hits), False, broken)


def told(found: Found, hint: str) -> list[str]:
    """Return lines on how complete the search was; `hint` says how to see more."""
    lines = [] if found.hits else ["nothing that is stored has these words"]
    if found.more:
        lines.append(f"there is more: {hint}")
    if found.broken:
        files_word = "file" if found.broken == 1 else "files"
        lines.append(f"{found.broken} {files_word} could not be read")
    return lines


def described(found: Found) -> dict[str, object]:
    """Return what a script would want to know of a search."""
    hits = [
        {
            "session": hit.session,
            "branch": hit.branch,
            "number": hit.number,
            "role": hit.role,
            "snippet": hit.snippet,
        }
        for hit in found.hits
    ]
    return {"hits": hits, "more": found.more, "broken": found.broken}


def _hits(session: Stored, raw: re.Pattern[bytes], wanted: re.Pattern[str]) -> Iterator[Hit]:
    data = files.read_bytes(session.path, wire.MAX_BYTES)
    if not _may_have(data, raw, wanted):
        return
    talk = _conversation(data)
    branches = _branches(talk.tree)
    for node in talk.tree.nodes():
        place = wanted.search(node.content)
        if place is not None:
            branch = branches[id(node)]
            snippet = _snippet(node.content, *place.span())
            current = branch == talk.tree.branch
            yield Hit(session.name, branch, _number(node), node.role, snippet, current)


def _may_have(data: bytes, raw: re.Pattern[bytes], wanted: re.Pattern[str]) -> bool:
    """Tell whether it is worth while to read a file.

    In a file of our own a record is a line, so that `role` and other words that every record has
    don't have every file read.
    """
    if not data.startswith(wire.OPENING):
        return raw.search(data) is not None
    return any(wanted.search(_content(line)) for line in _lines(data, raw))


def _lines(data: bytes, raw: re.Pattern[bytes]) -> Iterator[bytes]:
    """Yield the lines that have the longest of the words somewhere."""
    found = raw.search(data)
    while found is not None:
        start, end = data.rfind(b"\n", 0, found.start()) + 1, data.find(b"\n", found.end())
        if end < 0:
            end = len(data)
        yield data[start:end]
        found = raw.search(data, end)


def _content(line: bytes) -> str:
    """Return a message's text; a line that can't be read is one, and may have anything in it."""
    try:
        record = strict_json(line.strip().removesuffix(b","))
    except ValueError:
        return ""
    content = record.get("content") if isinstance(record, dict) else None
    return content if isinstance(content, str) else ""


def _conversation(data: bytes) -> Conversation:
    if wire.looks_like_session(data):
        return wire.read(data).conversation
    return formats.read_foreign(data, Header("search", now()))


def _branches(tree: Tree) -> dict[int, str]:
    """Return for each node a branch that it is on, the current one where it can be."""
    found: dict[int, str] = {}
    for name in (tree.branch, *tree.heads):
        head = tree.heads[name]
        for node in head.lineage() if head else ():
            if id(node) in found:
                break
            found[id(node)] = name
    return found


def _number(node: Node) -> int | None:
    if node.role == "system":
        return None
    return sum(each.role != "system" for each in node.lineage())


def _snippet(text: str, start: int, end: int) -> str:
    """Return the text around a place in one line, with … where it goes on."""
    first, last = max(0, start - AROUND), min(len(text), end + AROUND)
    before, after = "…" if first else "", "…" if last < len(text) else ""
    return f"{before}{' '.join(text[first:last].split())}{after}"


def _raw(word: str) -> bytes:
    """Return a pattern for a word as JSON may write it, whatever its case."""
    return b"".join(map(_raw_character, word))


def _raw_character(char: str) -> bytes:
    spelled = {form for form in (char, char.lower(), char.upper(), char.title()) if len(form) == 1}
    if all(form.isascii() and form.isalnum() for form in spelled):
        return f"[{''.join(sorted(spelled))}]".encode()
    written = {
        json.dumps(form, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogatepass")
        for form in spelled
        for ascii_only in (True, False)
    }
    escaped = (re.escape(form) for form in sorted(written))
    return b"(?:" + b"|".join(escaped) + b")"

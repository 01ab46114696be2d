"""What every reader of another program's form needs: conversations made of loose messages.

A reader says for each message what it hangs on; `grown` makes a tree of them, joined over those
that are not for reading, with every branch kept. Files come from strangers: circles, missing
parents and wrong types cost an error or a gap, never more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from chatcli.conversation.images import Image
from chatcli.conversation.messages import Message, Node, Role, Usage, new_id, now
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.text import whole_text
from chatcli.conversation.tree import MAIN, Tree
from chatcli.errors import BadSession
from chatcli.storage.ids import new_session_id

MAX_MESSAGES: Final = 20_000
MAX_TEXT: Final = 16 * 1024 * 1024
"""The most messages, and characters in them, that one conversation may have."""

TOOLS: Final = "tool calls and their results"
THOUGHTS: Final = "thoughts"
FILES: Final = "images and other files"
OTHERS: Final = "messages of unknown roles"
"""What is left out, in the words in which it is told."""

_ID: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_LONGEST_LABEL: Final = 200


@dataclass(frozen=True, slots=True)
class Source:
    """A file of another program: its bytes, and its path where there is one."""

    data: bytes
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """A conversation that came from another program, and how much of what was left out of it."""

    conversation: Conversation
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A message in another program's file. `time` is UTC in ISO 8601, empty where not known."""

    role: Role
    text: str
    time: str = ""
    model: str | None = None
    usage: Usage | None = None
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A place in another program's tree; `said` is None where nothing is to be read there."""

    parent: str | None
    said: Said | None


def conversation(
    tree: Tree, *, title: object = None, created: str = "", model: object = None
) -> Conversation:
    """Return a conversation of its own, under a new id.

    What is not known is taken from the messages: the time of the first, the model of the last.
    """
    path = tree.path
    begun = created or next((node.time for node in path if node.time), "") or now()
    replied = next((node.model for node in reversed(path) if node.model), None)
    header = Header(new_session_id(), begun, model=label(model) or replied)
    return Conversation(header, tree, label(title))


def in_line(messages: Iterable[Said]) -> Tree:
    """Return the tree of messages that follow each other."""
    head: Node | None = None
    for said in _bounded(messages):
        head = _node(new_id(), head, said)
    return Tree({MAIN: head})


def grown(places: Mapping[str, Place], current: str | None) -> Tree:
    """Return the tree of messages that name their parents; `current` becomes the head of main.

    Where `current` is not among them, the last one that nothing follows does. Raises BadSession.
    """
    for _ in _bounded(place.said for place in places.values() if place.said is not None):
        pass
    nodes: dict[str, Node | None] = {}
    for name in places:
        _settle(name, places, nodes)
    inner = {id(node.parent) for node in nodes.values() if node}
    leaves = [node for node in _distinct(nodes.values()) if id(node) not in inner]
    main = nodes.get(current) if current is not None else None
    main = main or (leaves[-1] if leaves else None)
    others = (leaf for leaf in leaves if leaf is not main)
    return Tree({MAIN: main, **{f"branch-{n}": leaf for n, leaf in enumerate(others, 1)}})


def _settle(name: str, places: Mapping[str, Place], nodes: dict[str, Node | None]) -> None:
    """Make the nodes of `name` and of what it hangs on, as far as they are not made yet."""
    chain: dict[str, Place] = {}
    at: str | None = name
    while at is not None and at in places and at not in nodes:
        if at in chain:
            raise BadSession("its messages follow each other in a circle")
        chain[at] = places[at]
        at = places[at].parent
    node = nodes.get(at) if at is not None else None
    for key, place in reversed(chain.items()):
        if place.said is not None:
            node = _node(key if _ID.fullmatch(key) else new_id(), node, place.said)
        nodes[key] = node


def _distinct(nodes: Iterable[Node | None]) -> Iterator[Node]:
    """Yield each node once: a place where nothing was said shares the node before it."""
    seen: set[int] = set()
    for node in nodes:
        if node is not None and id(node) not in seen:
            seen.add(id(node))
            yield node


def _node(name: str, parent: Node | None, said: Said) -> Node:
    message = Message(said.role, whole_text(said.text), said.images)
    return Node(name, parent, message, said.time, said.model, said.usage)


def _bounded(messages: Iterable[Said]) -> Iterator[Said]:
    """Pass the messages on as long as one conversation may have so many of them."""
    size = 0
    for number, said in enumerate(messages, 1):
        size += len(said.text)
        if number > MAX_MESSAGES:
            raise BadSession(f"a conversation of it has more than {MAX_MESSAGES:,} messages")
        if size > MAX_TEXT:
            raise BadSession(f"a conversation of it is longer than {MAX_TEXT:,} characters")
        yield said


# Values of unknown types


def label(value: object) -> str | None:
    """Return a title or a model's name as one line, None where there is none."""
    if not isinstance(value, str):
        return None
    line = " ".join(whole_text(value[: 2 * _LONGEST_LABEL]).split())
    return line[:_LONGEST_LABEL] or None


def word(value: object) -> str | None:
    """Return a value that is compared with known words: a text, None for all else."""
    return value if isinstance(value, str) else None


def moment(seconds: object) -> str:
    """Return a time in seconds since 1970 as messages write it, empty where it is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    try:
        if not math.isfinite(seconds):
            return ""
        return _written(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, OSError, ValueError):
        return ""


def instant(text: object) -> str:
    """Return a time in ISO 8601, UTC where it names no zone, as messages write it."""
    if not isinstance(text, str):
        return ""
    try:
        when = datetime.fromisoformat(text[:40])
        return _written(when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC))
    except (OverflowError, ValueError):
        return ""


def _written(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def tokens(sent: object, received: object) -> Usage | None:
    """Return the tokens that an endpoint reported, None where these are no such numbers."""
    counts = [n for n in (sent, received) if isinstance(n, int) and 0 <= n < 2**53]
    return Usage(*counts) if len(counts) == 2 else None


def content_text(content: object, left_out: Counter[str]) -> str | None:
    """Return the text of a message's content: a text, or a list of parts of which some are texts.

    None where it is neither.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [_part_text(part) for part in content]
    left_out[FILES] += texts.count(None)
    return "\n\n".join(text for text in texts if text)


def _part_text(part: object) -> str | None:
    if isinstance(part, dict):
        part = part.get("text")
    return part if isinstance(part, str) else None


def told(left_out: Mapping[str, int]) -> str:
    """Say what was left out, in words; empty where nothing was."""
    counts = [f"{what} ({count:,})" for what, count in sorted(left_out.items()) if count]
    return f"left out: {', '.join(counts)}" if counts else ""

"""A message as a plain value, and a node: that message at its place in a conversation's tree."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, get_args

from chatcli.conversation.images import Image

Role: TypeAlias = Literal["system", "user", "assistant"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

INTERRUPTED: Final = "interrupted"
"""The `finish` of a reply that the user stopped, or that a crash cut short."""

FAILED: Final = "error"
"""The `finish` of a reply that broke off because the server or the line failed."""

EDITED: Final = "edited"
"""The `finish` of a reply that the user has put into other words."""

CUT: Final = frozenset({INTERRUPTED, FAILED, "length"})
"""The ways in which a reply ends before its end."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a model is sent, and what it answers. Only what the user says has images."""

    role: Role
    content: str
    images: tuple[Image, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the message in the shape of the chat-completions API.

        The content is its text, or a list of parts where there are images: the text, then they.
        """
        if not self.images:
            return {"role": self.role, "content": self.content}
        text = [{"type": "text", "text": self.content}] if self.content else []
        return {"role": self.role, "content": [*text, *(each.as_part() for each in self.images)]}

    def without_images(self) -> Message:
        """Return the message as a model is sent it that takes no images."""
        return replace(self, images=()) if self.images else self


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the endpoint reported them.

    Of `prompt_tokens`, `cached_tokens` came out of its cache, and `written_tokens` went into it;
    None where it does not tell.
    """

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    written_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        # Nothing was written of no prompt.
        written = [each.written_tokens for each in (self, other) if each.prompt_tokens]
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            None if None in written else sum(filter(None, written)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A message in the tree: what was said, after what, when, and by which model.

    A node knows its parent, so every node carries the whole path back to its root; two nodes are
    the same only if they are one object. `depth` counts the nodes before it. `time` is UTC in
    ISO 8601. `finish` is the endpoint's finish reason, INTERRUPTED, FAILED or EDITED; None except
    on replies.
    """

    id: str
    parent: Node | None = field(repr=False)
    message: Message
    time: str
    model: str | None = None
    usage: Usage | None = None
    finish: str | None = None
    depth: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", 0 if self.parent is None else self.parent.depth + 1)

    @property
    def role(self) -> Role:
        return self.message.role

    @property
    def content(self) -> str:
        return self.message.content

    def lineage(self) -> Iterator[Node]:
        """Yield this node, its parent, and so on to the root."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def descends_from(self, other: Node) -> bool:
        """Tell whether `other` is this node or lies on its way back to the root."""
        for node in self.lineage():
            if node.depth <= other.depth:
                return node is other
        return False


def path_to(node: Node | None) -> tuple[Node, ...]:
    """Return all nodes from the root to `node`, in the order in which they were said."""
    return () if node is None else tuple(node.lineage())[::-1]


def new_id() -> str:
    """Return a fresh message id: 40 random bits, which no session comes near exhausting."""
    return secrets.token_hex(5)


def now() -> str:
    """Return the time in UTC, to the second, as session files write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Conversations as files for others: messages as JSON, Markdown to read, the whole tree.

A conversation knows of no keys and no addresses, so that none can get into a file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from chatcli.conversation.messages import FAILED, INTERRUPTED, Node
from chatcli.conversation.records import Conversation, whole
from chatcli.conversation.text import whole_text
from chatcli.storage import wire

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_HEADINGS: Final = {"system": "System prompt", "user": "You", "assistant": "Assistant"}
_CUT_SHORT: Final = {INTERRUPTED, FAILED, "length"}
_DEEPEST: Final = 6
_MOST_LINES: Final = 20_000
"""A message that is longer is quoted without a look into it, which would take seconds."""


def as_messages(talk: Conversation) -> bytes:
    """Return the current branch as a JSON list of role and content, images as parts of it."""
    messages = [node.message.as_dict() for node in talk.tree.path]
    text = json.dumps(messages, ensure_ascii=False, indent=2)
    return whole_text(text).encode() + b"\n"


def as_tree(talk: Conversation) -> bytes:
    """Return all branches, as a session file of our own."""
    return wire.document(map(wire.encode, whole(talk)))


def as_markdown(talk: Conversation) -> bytes:
    """Return the current branch as a Markdown document: a title, and a heading for each message."""
    text = "\n\n".join(filter(None, _paragraphs(talk)))
    return whole_text(text).encode() + b"\n"


# Markdown


def _paragraphs(talk: Conversation) -> Iterator[str]:
    yield f"# {_title(talk)}"
    header = talk.header
    about = (header.created[:10], header.model, header.persona)
    yield " · ".join(_escaped(each) for each in about if each)
    parse = _block_parser()
    for node in talk.tree.path:
        yield _heading(node)
        yield contained(node.content, parse)
        for image in node.message.images:
            yield f"*(image: {_escaped(str(image))})*"
        if node.finish in _CUT_SHORT:
            yield "*(cut short)*"


def _title(talk: Conversation) -> str:
    """Return a conversation's title, or the beginning of its first question in place of one."""
    asked = next((node.content for node in talk.tree.path if node.role == "user"), "")
    words = " ".join((talk.title or asked[:400]).split())
    short = words if len(words) <= 80 else f"{words[:79]}…"
    return _escaped(short) or "A conversation"


def _heading(node: Node) -> str:
    model = f" ({_escaped(node.model)})" if node.model else ""
    return f"## {_HEADINGS[node.role]}{model}"


def _escaped(text: str) -> str:
    """Return a text of one line in which nothing is Markdown."""
    line = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_[]<>#&|~" else char for char in line)


def contained(text: str, parse: Callable[[str], list[Token]]) -> str:
    """Return a message's Markdown so that it stays in its place under a heading of level 2.

    Its own headings go below that level, and what it leaves open is closed. Where that is not to
    be had, the whole message is quoted, out of which nothing gets.
    """
    body = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    lines = body.split("\n")
    for candidate in _candidates(lines, parse(body)) if len(lines) < _MOST_LINES else ():
        if _ends(candidate, parse):
            return candidate
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _candidates(lines: Sequence[str], tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the message with its headings lowered, and then with its last fence closed as well."""
    lowered = _lowered(lines, tokens)
    yield lowered
    fence = next((t.markup for t in reversed(tokens) if t.type == "fence" and not t.level), "")
    yield f"{lowered}\n{fence}"


def _lowered(lines: Sequence[str], tokens: Sequence[Token]) -> str:
    """Return the lines with each heading two levels lower; an underlined one becomes one line."""
    kept: list[str | None] = list(lines)
    for heading, inline in pairwise(tokens):
        if heading.type != "heading_open" or heading.level or heading.map is None:
            continue
        level = min(int(heading.tag[1:]) + 2, _DEEPEST)
        first, end = heading.map
        words = " ".join(inline.content.split("\n"))
        kept[first:end] = [f"{'#' * level} {words}".rstrip(), *[None] * (end - first - 1)]
    return "\n".join(line for line in kept if line is not None)


def _ends(text: str, parse: Callable[[str], list[Token]]) -> bool:
    """Tell whether a heading after this text is a heading, and whether no other is as high."""
    tokens = parse(f"{text}\n\n## Next")
    high = [t for t in tokens if t.type == "heading_open" and not t.level and t.tag in {"h1", "h2"}]
    return len(high) == 1 and tokens[-1].type == "heading_close" and not tokens[-1].level


def _block_parser() -> Callable[[str], list[Token]]:
    """Return a function that finds the blocks of a Markdown text, and looks into none of them."""
    from markdown_it import MarkdownIt  # which only this needs here

    parser: MarkdownIt = MarkdownIt("commonmark")
    parser.core.ruler.disable("inline")
    return parser.parse

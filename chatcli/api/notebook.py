"""A conversation as a notebook shows it: plain HTML, in which what others wrote is text alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from chatcli.conversation.images import said_of
from chatcli.conversation.messages import Node

MOST_SHOWN: Final = 50
"""How many messages a cell shows; a notebook keeps what its cells have shown in its file."""

_HIDDEN: Final = dict.fromkeys(
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xE0000, 0xE0080),
        0xFEFF,
    ],
    "\N{REPLACEMENT CHARACTER}",
)
_SHOWN: Final = _HIDDEN | {ord("\n"): "\n", ord("\t"): "\t"}


def html_of(title: str, path: Sequence[Node]) -> str:
    """Return the messages of a branch under a title, the newest MOST_SHOWN of them.

    Control characters, and those that hide or turn text around, are shown as what they are not.
    """
    skipped = len(path) - MOST_SHOWN
    rows = [f"<p><i>{skipped} earlier messages</i></p>"] if skipped > 0 else []
    rows += [_message(node) for node in path[-MOST_SHOWN:]]
    return f"<div><p><b>{_text(title)}</b></p>{''.join(rows)}</div>"


def _message(node: Node) -> str:
    said = f"{node.content}{said_of(node.message.images)}"
    body = f'<div style="white-space: pre-wrap">{_text(said)}</div>'
    return f'<div style="margin: 0 0 .6em"><b>{_text(node.role)}</b>{body}</div>'


def _text(text: str) -> str:
    return escape(text.translate(_SHOWN))

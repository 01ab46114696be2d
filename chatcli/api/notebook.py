"""A conversation as a notebook shows it: plain HTML, in which what others wrote is text alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from chatcli.conversation.images import said_of
from chatcli.conversation.messages import Node
from chatcli.conversation.text import HIDDEN

MOST_SHOWN: Final = 50
"""How many messages a cell shows; a notebook keeps what its cells have shown in its file."""

_SYMBOL: Final = r"\u2190-\u2bff\U0001f000-\U0001faff"
_JOINING: Final = r"\u0620-\u1fff\ua840-\uabff\ufb50-\ufdff\ufe70-\ufefc"
_AT_WORK: Final = (  # joiners in an emoji or in a word of a script that needs them
    rf"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
    rf"|(?<=[{_SYMBOL}\ufe0f])\u200d(?=[{_SYMBOL}])|(?<=[#*0-9{_SYMBOL}])\ufe0f"
)
_UNSEEN: Final = rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{HIDDEN}]"
_ODD: Final = re.compile(rf"({_AT_WORK})|{_UNSEEN}")


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
    return escape(_ODD.sub(lambda found: found[1] or "\N{REPLACEMENT CHARACTER}", text))

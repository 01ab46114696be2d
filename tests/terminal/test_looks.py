"""A terminal without UTF-8 gets signs that it has, ours and those of a reply's layout."""

from __future__ import annotations

import pytest

from chatcli.conversation.events import Document, Event, TextDelta, TurnStarted
from chatcli.conversation.messages import Message, Node
from chatcli.terminal.looks import Look
from chatcli.terminal.render import Renderer
from chatcli.terminal.theme import ASCII, UNICODE, Glyphs

ASKED = Node("a1", None, Message("user", "go"), "")
MARKDOWN = "- one\n  - two\n\n> said\n\n---\n\n| a | b |\n| --- | --- |\n| c | d |\n\n# End\n"


def shown(event: Event, glyphs: Glyphs) -> str:
    renderer = Renderer(Look(lambda: 40, color=False, markdown=True, glyphs=glyphs))
    return renderer.show(TurnStarted(ASKED)) + renderer.show(event) + renderer.end_reply()


@pytest.mark.parametrize("event", [Document(MARKDOWN), TextDelta(MARKDOWN)])
def test_a_reply_is_laid_out_in_ascii_where_there_is_no_utf8(event: Event) -> None:
    assert shown(event, ASCII).isascii()
    assert not shown(event, UNICODE).isascii()

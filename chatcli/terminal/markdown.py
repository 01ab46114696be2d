"""Markdown that becomes terminal text while it is still arriving.

`MarkdownStream` gives each part of a reply once, as soon as nothing that follows can change it:
code line by line, lists item by item, paragraphs and tables when they end. All that it gives is
what `render` makes of the whole reply at once, wherever the reply was cut into chunks.

A chunk costs time by its own length, whatever came before it. The text must have been through
`sanitize.Sanitizer`, which takes out what drives a terminal.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.text import Text

from chatcli.terminal.md.blocks import Block
from chatcli.terminal.md.colors import COLORS, PALETTE
from chatcli.terminal.md.inlines import InlineParser
from chatcli.terminal.md.layout import ASCII, UNICODE, Layout
from chatcli.terminal.md.structure import BlockParser

_NARROWEST = 10  # cells
_VIEW = 2000  # characters of what is open that a view looks at, or more for a large screen
_HEAD = 64  # and of the beginning of a longer line, which says what the line is
# A last line of such characters alone may become anything: an underline, a list, a fence.
_UNDECIDED = re.compile(r"[ \t>#*_=+|:~`.()0-9\[\]!<-]*")


class MarkdownStream:
    """One reply, rendered while it arrives.

    `width` is the terminal's, in cells. Without `color` there are no escape sequences at all,
    without `unicode` our own signs are ASCII. `theme` is a key of `colors.COLORS`.
    """

    def __init__(
        self,
        width: int,
        *,
        color: bool = True,
        unicode: bool = True,
        theme: str = PALETTE,
    ) -> None:
        self._color = color
        colors = COLORS[theme]
        console = Console(file=io.StringIO(), theme=colors.parts, legacy_windows=False)
        glyphs = UNICODE if unicode else ASCII
        self._layout = Layout(console, max(width, _NARROWEST), glyphs, colors.code)
        self._parser = BlockParser(InlineParser())
        self._pieces: list[str] = []  # of the last line, until it is complete

    def feed(self, chunk: str) -> str:
        """Take the next part of the reply; returns what is final by now, in whole lines."""
        if "\n" not in chunk:
            self._pieces.append(chunk)
            return ""
        *lines, rest = ("".join(self._pieces) + chunk).split("\n")
        self._pieces = [rest]
        return "".join(self._final(self._parser.feed(line)) for line in lines)

    def finish(self) -> str:
        """The reply has ended; returns the rest of it."""
        last = "".join(self._pieces)
        self._pieces = []
        return self._final(self._parser.feed(last)) + self._final(self._parser.finish())

    def open_lines(self, max_height: int) -> str:
        """The end of what is not final, as it would be if the reply ended here.

        At most `max_height` lines that fit into the width, without a newline behind the last.
        The cost depends on the size of the view, not on that of the reply.
        """
        layout = replace(self._layout)
        size = max(_VIEW, max_height * layout.width)
        parser = self._parser.fork(size, max_height)
        last = self._last_line(size)
        blocks = (parser.feed(last) if last else []) + parser.finish()
        lines = (line for block in blocks for line in layout.lines(block, parser.inlines))
        rows = [row for line in lines for row in self._folded(line)]
        return "\n".join(self._ansi(row) for row in (rows[-max_height:] if max_height > 0 else []))

    def resize(self, width: int) -> None:
        """The terminal has a new width: what is not final is laid out for that one."""
        self._layout.width = max(width, _NARROWEST)

    def _last_line(self, size: int) -> str:
        """The line that is not complete, as far as a view needs it and can tell what it is."""
        line = "".join(self._pieces)
        self._pieces = [line]
        if _UNDECIDED.fullmatch(line):
            return ""
        return line if len(line) <= size else line[:_HEAD] + line[-size:]

    def _folded(self, line: Text) -> list[Text]:
        """A line as the terminal wraps it: those of code are as long as they are."""
        width = self._layout.width
        if line.cell_len <= width and "\t" not in line.plain:
            return [line]
        return list(line.wrap(self._layout.console, width, overflow="fold"))

    def _final(self, blocks: list[Block]) -> str:
        inlines = self._parser.inlines
        lines = (line for block in blocks for line in self._layout.lines(block, inlines))
        return "".join(f"{self._ansi(line)}\n" for line in lines)

    def _ansi(self, line: Text) -> str:
        line.rstrip()
        if not self._color:
            return line.plain
        return "".join(
            style.render(text, color_system=ColorSystem.TRUECOLOR) if style else text
            for text, style, _ in Segment.simplify(line.render(self._layout.console))
        )


def render(
    markdown: str,
    width: int,
    *,
    color: bool = True,
    unicode: bool = True,
    theme: str = PALETTE,
) -> str:
    """A whole text at once, in whole lines; the same that `MarkdownStream` gives in pieces."""
    stream = MarkdownStream(width, color=color, unicode=unicode, theme=theme)
    return stream.feed(markdown) + stream.finish()

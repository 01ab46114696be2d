"""Blocks laid out as the lines of a terminal, so that what is copied from it is clean."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, repeat, takewhile
from typing import assert_never

from rich import box
from rich.console import Console
from rich.syntax import SyntaxTheme
from rich.table import Table as Grid
from rich.text import Text

from chatcli.terminal.md.blocks import (
    Bare,
    Block,
    CodeLine,
    Container,
    Definitions,
    Heading,
    Item,
    Paragraph,
    Place,
    Rule,
    Table,
)
from chatcli.terminal.md.highlight import Highlighter, highlighter
from chatcli.terminal.md.inlines import InlineParser

_NARROWEST_COLUMN = 6  # characters that a column needs, with the space behind it
_MOST_CELLS = 4000  # of a table that is laid out; it takes rich about 0.1 ms for each


@dataclass(frozen=True)
class Glyphs:
    """The characters that a layout draws with."""

    bullet: str
    quote: str
    rule: str
    box: box.Box


UNICODE = Glyphs("•", "▌", "─", box.SIMPLE)
ASCII = Glyphs("*", "|", "-", box.ASCII2)


@dataclass
class Layout:
    """Lays out one block after the other in `width` cells.

    Code is the exception: its lines stay as long as they are, so that the terminal wraps them and
    they are copied whole.
    """

    console: Console
    width: int
    glyphs: Glyphs
    code_theme: SyntaxTheme
    _last: Place | None = None
    _code: Highlighter | None = None

    def lines(self, block: Block, inlines: InlineParser) -> list[Text]:
        """A block's lines, with a blank one before them where that is due."""
        path = block.place.path
        shared = self._shared(path)
        lead, rest = self._margins(path, shared)
        if isinstance(block, Bare) and not lead.plain.strip():
            return []
        body = self._body(block, inlines, max(1, self.width - lead.cell_len))
        margins = chain([lead], repeat(rest))
        lines = [margin + line for margin, line in zip(margins, body, strict=False)]
        if self._is_apart(block, shared):
            lines.insert(0, self._margins(path[:shared], shared)[1])
        self._last = block.place
        return lines

    def _shared(self, path: tuple[Container, ...]) -> int:
        """How many of its containers a block shares with the last one."""
        last = self._last.path if self._last else ()
        pairs = zip(path, last, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], pairs))

    def _is_apart(self, block: Block, shared: int) -> bool:
        """Whether a blank line is due: between blocks of the text itself always, inside of a
        quote or a list where one was written."""
        if self._last is None or (isinstance(block, CodeLine) and not block.first):
            return False
        place, last = block.place, self._last
        return place.gap or (shared == 0 and not _in_one_list(place.path, last.path))

    def _margins(self, path: tuple[Container, ...], shared: int) -> tuple[Text, Text]:
        """What stands left of a block's first line and of the others.

        The marker of an item is shown once: not for the first `shared` containers.
        """
        lead, rest = Text(), Text()
        for depth, container in enumerate(path):
            if isinstance(container, Item):
                marker = self._marker(container)
                blank = " " * len(marker)
                if depth < shared:
                    lead.append(blank)
                else:
                    lead.append(marker, "markdown.item")
                rest.append(blank)
            else:
                lead.append(f"{self.glyphs.quote} ", "markdown.block_quote")
                rest.append(f"{self.glyphs.quote} ", "markdown.block_quote")
        lead.truncate(self.width // 2)
        rest.truncate(self.width // 2)
        return lead, rest

    def _marker(self, item: Item) -> str:
        """Numbers up to 99 get the same room, since how many will follow is not known yet."""
        return f" {self.glyphs.bullet} " if item.number is None else f"{item.number}. ".rjust(4)

    def _body(self, block: Block, inlines: InlineParser, width: int) -> list[Text]:
        match block:
            case Paragraph():
                return self._wrap(inlines.text(block.text), width)
            case Heading():
                text = inlines.text(block.text)
                text.stylize_before(f"markdown.h{block.level}")
                return self._wrap(text, width)
            case Rule():
                return [Text(self.glyphs.rule * width, "markdown.hr")]
            case CodeLine():
                return [self._paint(block)]
            case Table():
                return self._table(block.source, inlines, width)
            case Definitions():
                return self._wrap(Text(block.source, "markdown.definition"), width)
            case Bare():
                return [Text()]
            case _:
                assert_never(block)

    def _wrap(self, text: Text, width: int) -> list[Text]:
        return list(text.wrap(self.console, width, overflow="fold"))

    def _paint(self, block: CodeLine) -> Text:
        if block.first or self._code is None:
            self._code = highlighter(block.language, self.code_theme)
        text, self._code = self._code.paint(block.text)
        return text

    def _table(self, source: str, inlines: InlineParser, width: int) -> list[Text]:
        lines = source.split("\n")
        columns = inlines.columns(*lines[:2])
        if columns * _NARROWEST_COLUMN > width or columns * len(lines) > _MOST_CELLS:
            return self._wrap(Text(source), width)
        head, *body = inlines.rows(source)
        grid = Grid(
            box=self.glyphs.box,
            show_edge=False,
            pad_edge=False,
            header_style="markdown.table.header",
            border_style="markdown.table.border",
        )
        for cell in head:
            grid.add_column(cell, justify=cell.justify or "default", overflow="fold")
        for row in body:
            grid.add_row(*row)
        widest = (max(cell.cell_len for cell in column) for column in zip(head, *body, strict=True))
        grid.leading = int(sum(widest) + 2 * len(head) - 2 > width)  # rows that wrap stand apart
        options = self.console.options.update(width=width)
        return [
            Text.assemble(*((segment.text, segment.style or "") for segment in line))
            for line in self.console.render_lines(grid, options, pad=False)
        ]


def _in_one_list(path: tuple[Container, ...], other: tuple[Container, ...]) -> bool:
    """Whether two blocks are in items of the same outermost list."""
    match path[:1], other[:1]:
        case (Item(list_id=new),), (Item(list_id=old),):
            return new == old
    return False

"""The block structure of Markdown, read one line at a time.

A reply is shown while it streams, so its structure must be known before its end. CommonMark
allows that: every line belongs to the containers that it continues, and only the innermost leaf
(a paragraph, a table) can still change. `BlockParser` takes complete lines and gives the blocks
that no later line can alter; each line is read once, however long its block is.

The strategy is the specification's own (https://spec.commonmark.org/0.31.2/#appendix-a-parsing-strategy),
with GitHub's tables. Where the specification looks ahead, it is bent so that nothing printed has
to change: code comes line by line, whether a list is loose is seen from the blank lines where they
stand, and a link reference definition counts from its own place on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from chatcli.terminal.md.blocks import (
    Bare,
    Block,
    Container,
    Definitions,
    Heading,
    Paragraph,
    Place,
    Rule,
    Table,
)
from chatcli.terminal.md.containers import Containers
from chatcli.terminal.md.inlines import InlineParser
from chatcli.terminal.md.leaves import (
    BLANK,
    CODE_INDENT,
    CodeKind,
    Cursor,
    Indented,
    OpenCode,
    OpenText,
    is_rule,
    open_fence,
    open_html,
)

_HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")
_SETEXT = re.compile(r"(?:=+|-+)[ \t]*$")
_TABLE_RULE = re.compile(r"(?:-[-:|]|[|:][-:| \t])[-:| \t]*$")


@dataclass
class BlockParser:
    """Takes lines and gives the blocks that are final; see the module's docstring."""

    inlines: InlineParser
    _containers: Containers = field(default_factory=Containers)
    _leaf: OpenText | OpenCode | None = None
    _gap: bool = False  # a blank line is before the next block
    _blocks: list[Block] = field(default_factory=list)

    def feed(self, line: str) -> list[Block]:
        """Read one line, given without its newline."""
        cursor = Cursor(line)
        self._containers.match(cursor)
        if not (self._containers.all_match and self._continue_code(cursor)):
            opened = self._open_containers(cursor)
            if not self._open_leaf(cursor):
                self._add_text(cursor, opened=opened)
        return self._take()

    def finish(self) -> list[Block]:
        """The text has ended: close what is open."""
        self._containers.depth = 0
        self._close()
        return self._take()

    def fork(self, size: int, rows: int) -> BlockParser:
        """A copy to look ahead with.

        Of an open block it has the end: about `size` characters, or `rows` lines of a table.
        """
        return replace(
            self,
            inlines=self.inlines.fork(),
            _containers=replace(self._containers),
            _leaf=self._leaf and self._leaf.tail(size, rows),
            _blocks=[],
        )

    def _take(self) -> list[Block]:
        blocks, self._blocks = self._blocks, []
        return blocks

    # Making room

    def _open_containers(self, cursor: Cursor) -> bool:
        opened = False
        while container := self._containers.read(cursor, in_paragraph=self._in_paragraph):
            self._close()
            self._containers.push(container)
            opened = True
        return opened

    def _begin(self) -> Place:
        """Make room for a leaf; returns where it stands."""
        self._close()
        self._containers.fill()
        return self._take_place(self._containers.path)

    def _take_place(self, path: tuple[Container, ...]) -> Place:
        gap, self._gap = self._gap, False
        return Place(path, gap)

    def _close(self) -> None:
        """Close the leaf and the containers that the line doesn't continue."""
        self._close_leaf()
        empty = self._containers.close()
        if empty:
            self._blocks.append(Bare(self._take_place(empty)))

    def _close_leaf(self) -> None:
        leaf, self._leaf = self._leaf, None
        match leaf:
            case OpenCode(first=True):
                self._blocks.append(Bare(leaf.place))
            case OpenText(is_table=True):
                self._blocks.append(Table(leaf.place, "\n".join(leaf.lines)))
            case OpenText():
                text = self._take_definitions(leaf)
                if text:
                    self._blocks.append(Paragraph(leaf.place, text))

    def _end_with_blank(self) -> None:
        self._close()
        if self._containers.end_empty_item():
            self._blocks.append(Bare(self._take_place(self._containers.path)))
        self._gap = True

    # Leaves

    @property
    def _in_paragraph(self) -> bool:
        """Whether the line continues a paragraph unless it begins something else."""
        return self._containers.all_match and _is_paragraph(self._leaf)

    def _open_leaf(self, cursor: Cursor) -> bool:
        if cursor.blank:
            return False
        if cursor.indent >= CODE_INDENT:
            return not _is_paragraph(self._leaf) and self._open_code(Indented(), cursor)
        text = cursor.text
        match text[0]:
            case "#":
                return self._add_heading(text)
            case "`" | "~":
                return self._open_fence(cursor)
            case "<":
                html = open_html(text, in_text=isinstance(self._leaf, OpenText))
                return bool(html and self._open_code(html, cursor))
            case "|" | ":" | "-" | "=" | "*" | "_":
                return self._open_table(text) or self._end_setext(text) or self._add_rule(text)
        return False

    def _add_text(self, cursor: Cursor, *, opened: bool) -> None:
        leaf = self._leaf
        if cursor.blank:
            if not opened:
                self._end_with_blank()
        elif isinstance(leaf, OpenText) and (self._containers.all_match or not leaf.is_table):
            leaf.lines.append(cursor.text)  # a lazy continuation where not all containers match
        else:
            self._leaf = OpenText(self._begin(), [cursor.text])

    def _add_heading(self, text: str) -> bool:
        marker = _HEADING.match(text)
        if not marker:
            return False
        title = text[marker.end() :].strip(BLANK)
        bare = title.rstrip("#")
        if not bare or bare[-1] in BLANK:  # the closing sequence of ``# Title #``
            title = bare.rstrip(BLANK)
        self._blocks.append(Heading(self._begin(), title, marker.end()))
        return True

    def _end_setext(self, text: str) -> bool:
        leaf = self._leaf
        if not (self._in_paragraph and isinstance(leaf, OpenText) and _SETEXT.match(text)):
            return False
        title = self._take_definitions(leaf)
        self._leaf = None
        if title:
            self._blocks.append(Heading(leaf.place, title, 1 if text[0] == "=" else 2))
        return bool(title)

    def _take_definitions(self, leaf: OpenText) -> str:
        """Read the definitions that a paragraph begins with; returns the rest of its text."""
        source = "\n".join(leaf.lines).rstrip(BLANK)
        definitions, text = self.inlines.split_definitions(source)
        if definitions:
            self._blocks.append(Definitions(leaf.place, definitions))
            leaf.place = replace(leaf.place, gap=False)
        return text

    def _add_rule(self, text: str) -> bool:
        if not is_rule(text):
            return False
        self._blocks.append(Rule(self._begin()))
        return True

    def _open_table(self, text: str) -> bool:
        leaf = self._leaf
        if not (self._in_paragraph and isinstance(leaf, OpenText) and _TABLE_RULE.match(text)):
            return False
        if not self.inlines.columns(leaf.lines[-1], text):
            return False
        header = leaf.lines.pop()
        place = leaf.place
        if leaf.lines:
            self._close_leaf()
            place = replace(place, gap=False)
        self._leaf = OpenText(place, [header, text], is_table=True)
        return True

    def _open_fence(self, cursor: Cursor) -> bool:
        fence = open_fence(cursor)
        if fence:
            self._leaf = OpenCode(self._begin(), fence)
        return bool(fence)

    def _open_code(self, kind: CodeKind, cursor: Cursor) -> bool:
        self._leaf = OpenCode(self._begin(), kind)
        return self._continue_code(cursor)

    def _continue_code(self, cursor: Cursor) -> bool:
        """Give the line to an open code block; returns if it was the block's own."""
        leaf = self._leaf
        if not isinstance(leaf, OpenCode):
            return False
        reading = leaf.kind.read(cursor)
        if reading.code is not None:
            lines = leaf.add(reading.code)
            self._blocks += lines
            self._gap = not lines
        if reading.last:
            self._close_leaf()
            self._gap = self._gap and not reading.own
        return reading.own


def _is_paragraph(leaf: OpenText | OpenCode | None) -> bool:
    return isinstance(leaf, OpenText) and not leaf.is_table

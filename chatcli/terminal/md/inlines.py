"""What stands inside a block: emphasis, links, code spans and the cells of a table.

markdown-it reads it and rich's `Text` carries it, with the names of rich's Markdown styles. Nothing
in the text may hide: a link shows where it leads, HTML its source, and what an entity stands for
goes through the filter again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.console import JustifyMethod
from rich.text import Span, Text

from chatcli.terminal.links import safe_link
from chatcli.terminal.sanitize import Sanitizer, clean, clean_line

#: In longer texts no markup is looked for, which bounds what one block can cost. In characters.
MAX_MARKUP = 8_000

_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_JUSTIFY: dict[str, JustifyMethod] = {
    "text-align:left": "left",
    "text-align:center": "center",
    "text-align:right": "right",
}


@cache
def _inline_grammar() -> MarkdownIt:
    """Keeps escapes and entities apart from the text around them."""
    return MarkdownIt("commonmark").enable("strikethrough").disable("text_join")


@cache
def _block_grammar(rule: str) -> MarkdownIt:
    """Knows paragraphs and one other kind of block, and doesn't look inside."""
    return MarkdownIt("zero").enable(rule).disable("inline")


@dataclass
class InlineParser:
    """Reads the inside of blocks, and remembers the link references that were defined so far."""

    _references: dict[str, Any] = field(default_factory=dict)  # in markdown-it's own form

    def fork(self) -> InlineParser:
        """A copy to look ahead with: what it learns stays in it."""
        return InlineParser(self._references.copy())

    def split_definitions(self, source: str) -> tuple[str, str]:
        """Learn the link references that a paragraph begins with; returns them and the rest."""
        if not source.startswith("[") or len(source) > MAX_MARKUP:
            return "", source
        tokens = _block_grammar("reference").parse(source, {"references": self._references})
        lines = source.split("\n")
        rest = tokens[0].map[0] if tokens and tokens[0].map else len(lines)
        return "\n".join(lines[:rest]), "\n".join(lines[rest:])

    def columns(self, header: str, rule: str) -> int:
        """How many columns the table has that these two lines begin, or 0 if they begin none."""
        if "|" not in header or len(header) + len(rule) > MAX_MARKUP:
            return 0
        tokens = _block_grammar("table").parse(f"{header}\n{rule}")
        return sum(token.type == "th_open" for token in tokens)

    def rows(self, source: str) -> list[list[Text]]:
        """The cells of a table, its head first; each knows how its column is justified."""
        rows: list[list[Text]] = []
        justify: JustifyMethod = "default"
        for token in _block_grammar("table").parse(source):
            if token.type == "tr_open":
                rows.append([])
            elif token.type in {"th_open", "td_open"}:
                justify = _JUSTIFY.get(str(token.attrGet("style")), "default")
            elif token.type == "inline":
                cell = self.text(token.content)
                cell.justify = justify
                rows[-1].append(cell)
        return rows

    def text(self, source: str) -> Text:
        """A paragraph, a heading or a cell. Its line breaks are kept as they were written."""
        if len(source) > MAX_MARKUP:
            return Text(source)
        tokens = _inline_grammar().parseInline(source, {"references": self._references})
        return _filtered(_assemble(tokens[0].children or []))


def _assemble(tokens: Iterable[Token]) -> Text:
    text = Text()
    opened: list[tuple[Token, int]] = []
    for token in tokens:
        if token.nesting == 1:
            opened.append((token, len(text)))
        elif token.nesting == -1:
            opening, start = opened.pop()
            if opening.type == "link_open":
                _end_link(text, start, str(opening.attrGet("href")))
            else:
                text.stylize(f"markdown.{opening.tag}", start)
        else:
            _append(text, token)
    return text


def _filtered(text: Text) -> Text:
    """What markup kept apart may pile up or hide now that the markup is gone."""
    if clean(text.plain) == text.plain:
        return text
    sanitizer = Sanitizer()
    bounds = sorted({edge for span in text.spans for edge in (span.start, span.end)})
    safe = Text()
    for piece in text.divide(bounds):
        shown = sanitizer.feed(piece.plain)
        styles = [Span(0, len(shown), span.style) for span in piece.spans]
        safe.append_text(Text(shown, spans=styles))
    return safe.append(sanitizer.flush())


def _append(text: Text, token: Token) -> None:
    match token.type:
        case "softbreak" | "hardbreak":
            text.append("\n")
        case "code_inline":
            text.append(token.content, "markdown.code")
        case "image":
            text.append("image: ")
            start = len(text)
            text.append_text(_assemble(token.children or []))
            _end_link(text, start, str(token.attrGet("src")))
        case "html_inline" if _LINE_BREAK.fullmatch(token.content):
            text.append("\n")
        case "html_inline":
            text.append(token.content, "markdown.html")
        case "text_special":  # an entity may stand for a character that the filter took out
            text.append(clean(token.content))
        case _:
            text.append(token.content)


def _end_link(text: Text, start: int, target: str) -> None:
    """Say where the link leads whose text begins at `start`, unless it says so itself."""
    label = text.plain[start:]
    text.stylize("markdown.link", start)
    text.append(safe_link(target, label).removeprefix(clean_line(label)), "markdown.link_url")

"""From events to text for the terminal: the one `match` over all that can happen.

A `Renderer` returns what an event adds to the screen for good; the part of a reply that may still
change is asked for with `live`. All text of others goes through the sanitizer on its way.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from textwrap import wrap
from typing import TYPE_CHECKING, assert_never

from chatcli.conversation.events import (
    Document,
    Draft,
    Entry,
    Event,
    Gauge,
    Json,
    Leave,
    Notice,
    Outline,
    Preference,
    ReasoningDelta,
    Retrying,
    Row,
    Table,
    TextDelta,
    ToClipboard,
    Transcript,
    TurnFinished,
    TurnStarted,
)
from chatcli.conversation.messages import FAILED, INTERRUPTED, Node
from chatcli.terminal.endings import figures, told_of
from chatcli.terminal.gauge import drawn
from chatcli.terminal.jsontext import json_lines
from chatcli.terminal.looks import Look, clipped, themed
from chatcli.terminal.outline import fitted
from chatcli.terminal.sanitize import Sanitizer, clean, clean_line
from chatcli.terminal.table import tabled
from chatcli.terminal.theme import painted
from chatcli.terminal.thoughts import Thoughts

if TYPE_CHECKING:
    from chatcli.terminal.markdown import MarkdownStream

__all__ = ["Look", "Renderer"]


class Renderer:
    """Turns the events of one chat into text, in order."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.thoughts = Thoughts()
        self._filter = Sanitizer()
        self._stream: MarkdownStream | None = None
        self._open_line = False

    def warm_up(self) -> Iterator[Event]:
        """Import what the first reply needs, code in colour too, so that no key waits for that."""
        self._markdown("```python\nx = 1\n```")
        return iter(())

    def show(self, event: Event) -> str:  # noqa: C901, PLR0912 - one case for each kind of event
        """Return what `event` adds to the screen, whole lines as long as replies are laid out."""
        match event:
            case TextDelta(text):
                return self._thought(self.thoughts.end()) + self._reply(self._filter.feed(text))
            case ReasoningDelta(text):
                return self._thought(self.thoughts.feed(text))
            case TurnStarted():
                self._begin()
                return ""
            case TurnFinished():
                return self.end_reply() + self.ending(event)
            case Retrying(reason, delay, attempt, attempts):
                when = f"in {ceil(delay)} s ({attempt + 1} of {attempts})"
                text = f"{reason}; sending again {when}"
                return self._notice(Notice(text, level="warning"))
            case Notice():
                return self._notice(event)
            case Table():
                look = self.look
                return self.look.spelled(
                    tabled(event, look.width(), look.glyphs.here, look.theme, color=look.colored)
                )
            case Outline(lines):
                return "".join(f"{self._row_text(row)}\n" for row in lines)
            case Gauge():
                return self._gauge(event)
            case Json(value):
                return json_lines(value, ascii_only=not self.look.utf8)
            case Transcript():
                return self._transcript(event)
            case Document(markdown):
                return self._markdown(markdown)
            case ToClipboard():
                sequence, told = clipped(self.look, event)
                return sequence + self._notice(told)
            case Preference():
                return self._notice(self._preferred(event))
            case Draft() | Leave():
                return ""
            case _:
                assert_never(event)

    def unlaid(self, event: Event, error: Exception) -> str:
        """Return an event whose drawing failed as plain text, and have the rest follow suit."""
        self._stream = None
        text = clean(event.text) if isinstance(event, TextDelta) else ""
        what = f"a mistake in chatcli: {type(error).__name__}: {error}"
        return f"{text}\n{self._notice(Notice(what, 'please report it', 'error'))}"

    def live(self, height: int) -> str:
        """Return the part of the reply that is still open, in at most `height` lines."""
        if line := self.thoughts.open_line:
            return "".join(self._thought([line]).splitlines(keepends=True)[-height:])
        return self._stream.open_lines(height) if self._stream is not None else ""

    def resized(self) -> None:
        if self._stream is not None:
            self._stream.resize(self.look.width())

    def echo(self, text: str) -> str:
        """Return a message of the user's as it stays on the screen."""
        first, *others = clean(text).split("\n")
        sign = self.look.glyphs.prompt
        lines = [sign + first, *(" " * len(sign) + line for line in others)]
        return "".join(f"{self._paint(line, 'you')}\n" for line in lines)

    # Replies

    def _begin(self) -> None:
        self._filter = Sanitizer()
        self.thoughts.begin()
        if self.look.markdown:
            from chatcli.terminal.markdown import MarkdownStream

            look = self.look
            self._stream = MarkdownStream(
                look.width(), color=look.colored, unicode=look.utf8, theme=look.markdown_theme
            )

    def _reply(self, text: str) -> str:
        if self._stream is not None:
            return self._stream.feed(text)
        if text:
            self._open_line = not text.endswith("\n")
        return text

    def end_reply(self) -> str:
        """Return what is left of the reply, now that no more of it comes."""
        rest = self._thought(self.thoughts.end()) + self._reply(self._filter.flush())
        if self._stream is not None:
            rest += self._stream.finish()
            self._stream = None
        if self._open_line:
            rest += "\n"
            self._open_line = False
        return rest

    def ending(self, turn: TurnFinished) -> str:
        """Return what there is to say about how a turn ended."""
        if told := told_of(turn):
            return self._notice(told)
        if turn.finish == FAILED or not self.look.figures:
            return ""  # why it failed is told next, and what to do
        line = self._paint(f"  {figures(turn, self.look.glyphs.dot)}", "dim")
        return f"\n{line}\n\n"

    def _transcript(self, transcript: Transcript) -> str:
        parts = []
        if transcript.skipped:
            parts.append(self._notice(Notice(f"{transcript.skipped} earlier: /history")))
        parts += [self._entry(entry) for entry in transcript.entries]
        return "".join(parts)

    def _entry(self, entry: Entry) -> str:
        node = entry.node
        mark = f"({entry.mark}) " if entry.mark else ""
        label = self._paint(f"{entry.number:>3} {mark}", "dim")
        if node.role == "user":
            return label + self.echo(node.content) + self._images(node)
        cut = f" ({node.finish})" if node.finish in {INTERRUPTED, FAILED, "length"} else ""
        about = self._paint(f"{clean_line(node.model or node.role)}{cut}", "dim")
        return f"{label}{about}\n{self._markdown(node.content)}\n"

    def _images(self, node: Node) -> str:
        """Return a line for each image of a message, to stand below its text."""
        shown = (f"      [image: {clean_line(str(each))}]" for each in node.message.images)
        return "".join(f"{self._paint(self.look.spelled(line), 'dim')}\n" for line in shown)

    def _thought(self, lines: list[str]) -> str:
        """Return lines of what the model thinks, on a screen no wider than that."""
        if not lines:
            return ""
        width = self.look.width()
        if self.look.figures:
            lines = [part for line in lines for part in wrap(line, width) or [""]]
        return "".join(f"{self._paint(line, 'thought')}\n" for line in lines)

    # Ours

    def _preferred(self, wish: Preference) -> Notice:
        """Have things shown as the user wants them, and tell how that is."""
        match wish.key:
            case "theme":
                self.look, told = themed(self.look, wish.value)
                return told
            case "reasoning":
                return self.thoughts.shown(wish.value)

    def _notice(self, notice: Notice) -> str:
        glyphs = self.look.glyphs
        sign = glyphs.error if notice.level == "error" else glyphs.notice
        hint = f"; {notice.hint}" if notice.hint else ""
        line = self.look.spelled(clean_line(f"{sign} {notice.text}{hint}"))
        # A pipe gets one line, whatever its length; a screen would break it within a word.
        lines = (
            wrap(line, self.look.width(), subsequent_indent="  ") if self.look.figures else [line]
        )
        return "".join(f"{self._paint(part, notice.level)}\n" for part in lines)

    def _gauge(self, gauge: Gauge) -> str:
        look = self.look
        return drawn(gauge, look.width(), color=look.colored, utf8=look.utf8)

    def _markdown(self, text: str) -> str:
        safe = clean(text)
        if not self.look.markdown:
            return safe if safe.endswith("\n") else f"{safe}\n"
        from chatcli.terminal.markdown import render

        look = self.look
        return render(
            safe, look.width(), color=look.colored, unicode=look.utf8, theme=look.markdown_theme
        )

    def _row_text(self, row: Row) -> str:
        """Return a row of an outline in one line, its words cropped to what room there is."""
        signs = self.look.glyphs.drawing
        cells = [clean_line(cell).translate(signs) for cell in row.cells]
        line = fitted(cells, self.look.width(), self.look.glyphs.ellipsis)
        return self._paint(line, row.mark) if row.mark else line

    def _paint(self, text: str, style: str) -> str:
        return painted(text, style, color=self.look.color, theme=self.look.theme)

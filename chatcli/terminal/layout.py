"""What stands where: the open block of a reply, the status, the input line, the toolbar below."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, has_completions
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    FormattedTextControl,
    HSplit,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import AppendAutoSuggestion, BeforeInput
from prompt_toolkit.widgets import SearchToolbar

from chatcli.terminal.desk import Desk
from chatcli.terminal.revealing import Reveal

MENU_ROWS: Final = 8


def laid_out(buffer: Buffer, desk: Desk, sign: str, columns: Callable[[], int]) -> HSplit:
    """Return all that is drawn, with `sign` before the input; `columns` is the window's width."""
    search = SearchToolbar(ignore_case=True)
    search.control.input_processors = [*(search.control.input_processors or ()), Reveal()]
    return HSplit(
        [
            _part(lambda: ANSI(desk.live().rstrip("\n")), lambda: bool(desk.live())),
            _part(lambda: [("class:dim", desk.status())], lambda: bool(desk.status())),
            _input_line(buffer, sign, search),
            search,
            ConditionalContainer(
                CompletionsMenu(max_height=MENU_ROWS, scroll_offset=1), has_completions
            ),
            _part(lambda: desk.toolbar(columns()), lambda: not has_completions()),
        ]
    )


def _input_line(buffer: Buffer, sign: str, search: SearchToolbar) -> Window:
    def prefix(line: int, wrapped: int) -> StyleAndTextTuples:
        return [("", " " * len(sign))] if line and not wrapped else []

    return Window(
        BufferControl(
            buffer,
            input_processors=[
                BeforeInput([("class:you", sign)]),
                AppendAutoSuggestion(style="class:dim"),
                Reveal(),
            ],
            search_buffer_control=search.control,
            preview_search=True,
        ),
        wrap_lines=True,
        dont_extend_height=True,
        get_line_prefix=prefix,
    )


def _part(
    text: Callable[[], ANSI | StyleAndTextTuples], shown: Callable[[], bool]
) -> ConditionalContainer:
    """Return a window as high as its text, which is there only while it is `shown`."""
    window = Window(FormattedTextControl(text), dont_extend_height=True, wrap_lines=False)
    return ConditionalContainer(window, Condition(shown))

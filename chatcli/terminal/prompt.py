"""The input line and what stands around it: the open block above, the status, the toolbar below.

One prompt_toolkit application lives for the whole chat. What is finished is written above it and
belongs to the terminal from then on: its scrollback, its selection, its search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completer, ThreadedCompleter
from prompt_toolkit.filters import Condition, FilterOrBool, has_completions
from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    FormattedTextControl,
    HSplit,
    Layout,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import AppendAutoSuggestion, BeforeInput
from prompt_toolkit.output import Output
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from chatcli.conversation.text import whole_text
from chatcli.errors import StorageError
from chatcli.storage import files
from chatcli.terminal.theme import STYLES, Glyphs

MENU_ROWS = 8
ROWS_LEFT_FREE = 6


class Desk(Protocol):
    """What the prompt asks of the chat that it stands in."""

    def submit(self, text: str) -> None:
        """The user has sent this line."""

    def interrupt(self) -> None:
        """The user wants whatever is going on to stop."""

    def typed(self) -> None:
        """What stands in the input line has changed."""

    def emptied(self) -> None:
        """The user has given up what stood in the input line."""

    def leave(self) -> None: ...

    def live(self) -> str:
        """The open part of the reply, as ANSI text of at most `rows_for_reply` lines."""

    def status(self) -> str:
        """One line on what is going on; empty when nothing is."""

    def toolbar(self, width: int) -> str: ...

    def busy(self) -> bool: ...


class Prompt:
    """The application: its buffer, its layout and its keys."""

    def __init__(
        self,
        desk: Desk,
        completer: Completer,
        glyphs: Glyphs,
        *,
        color: bool = True,
        history: History | None = None,
        input: Input | None = None,  # noqa: A002 - prompt_toolkit's own name for it
        output: Output | None = None,
    ) -> None:
        self._desk = desk
        self._glyphs = glyphs
        self.buffer = Buffer(
            completer=ThreadedCompleter(completer),
            complete_while_typing=Condition(self._typing_command),
            auto_suggest=AutoSuggestFromHistory(),
            history=history or InMemoryHistory(),
            multiline=True,
            accept_handler=self._accept,
            tempfile_suffix=".md",
            on_text_changed=lambda _buffer: desk.typed(),
        )
        self.app: Application[None] = Application(
            layout=Layout(self._layout()),
            key_bindings=self._keys(),
            style=Style.from_dict({name: style.prompt for name, style in STYLES.items()}),
            color_depth=None if color else ColorDepth.DEPTH_1_BIT,
            input=input,
            output=output,
            enable_page_navigation_bindings=False,
            erase_when_done=True,
        )
        if isinstance(self.app.output, Vt100_Output):
            # The layout takes the rows it needs and no more, so the cursor's place is of no
            # interest, and a terminal that can't tell it is not asked.
            self.app.output.enable_cpr = False

    def print_above(self, text: str) -> None:
        """Write finished lines above the application, where they stay."""
        if not text:
            return
        if not self.app.is_running:
            self.app.output.write_raw(text)
            self.app.output.flush()
            return
        self.app.renderer.erase(leave_alternate_screen=False)
        self.app.output.write_raw(text.replace("\n", "\r\n"))
        self.app.output.flush()
        self.app._redraw()  # noqa: SLF001 - `invalidate` would leave a frame without a prompt

    def rows_for_reply(self) -> int:
        """Return how many lines of an open reply leave room for the rest."""
        return max(self.app.output.get_size().rows - ROWS_LEFT_FREE, 1)

    def set_draft(self, text: str) -> bool:
        """Put a text into the input line for the user to go on with, unless one is typing."""
        if self.buffer.text:
            return False
        self.buffer.text = text
        self.buffer.cursor_position = len(text)
        return True

    def _typing_command(self) -> bool:
        return self.buffer.document.text.startswith("/") and "\n" not in self.buffer.text

    def _accept(self, buffer: Buffer) -> bool:
        self._desk.submit(buffer.text)
        return False

    # What is seen

    def _layout(self) -> HSplit:
        sign = self._glyphs.prompt
        return HSplit(
            [
                _part(self._live_text, lambda: bool(self._desk.live())),
                _part(self._status_text, lambda: bool(self._desk.status())),
                Window(
                    BufferControl(
                        self.buffer,
                        input_processors=[
                            BeforeInput([("class:you", sign)]),
                            AppendAutoSuggestion(style="class:dim"),
                        ],
                    ),
                    wrap_lines=True,
                    dont_extend_height=True,
                    get_line_prefix=self._line_prefix,
                ),
                ConditionalContainer(
                    CompletionsMenu(max_height=MENU_ROWS, scroll_offset=1), has_completions
                ),
                _part(self._toolbar_text, lambda: not has_completions()),
            ]
        )

    def _line_prefix(self, line: int, wrapped: int) -> StyleAndTextTuples:
        return [("", " " * len(self._glyphs.prompt))] if line and not wrapped else []

    def _live_text(self) -> ANSI:
        return ANSI(self._desk.live().rstrip("\n"))

    def _status_text(self) -> StyleAndTextTuples:
        return [("class:dim", self._desk.status())]

    def _toolbar_text(self) -> StyleAndTextTuples:
        return [("class:toolbar", self._desk.toolbar(self.app.output.get_size().columns))]

    # What the keys do

    def _keys(self) -> KeyBindings:
        buffer = self.buffer
        menu = Condition(lambda: buffer.complete_state is not None)
        chosen = Condition(
            lambda: bool(buffer.complete_state and buffer.complete_state.current_completion)
        )
        busy = Condition(self._desk.busy)
        keys = KeyBindings()

        def on(*names: str, when: FilterOrBool = True) -> Callable[[Callable[[], object]], object]:
            return lambda act: keys.add(*names, filter=when)(lambda _event: act())

        on("enter", when=~chosen)(buffer.validate_and_handle)
        on("enter", when=chosen)(self._take_completion)
        on("escape", "enter")(self._new_line)
        on("c-j")(self._new_line)
        on("tab")(self._complete)
        on("s-tab", when=menu)(buffer.complete_previous)
        on("c-c")(self._interrupt)
        on("<sigint>")(self._interrupt)
        on("escape", when=busy & ~menu)(self._desk.interrupt)
        on("c-d")(self._end_of_input)
        on("c-l")(self._clear_screen)
        on("c-x", "c-e")(self.buffer.open_in_editor)
        return keys

    def _take_completion(self) -> None:
        self.buffer.complete_state = None

    def _new_line(self) -> None:
        self.buffer.newline(copy_margin=False)

    def _complete(self) -> None:
        if self.buffer.complete_state:
            self.buffer.complete_next()
        else:
            self.buffer.start_completion(insert_common_part=True)

    def _interrupt(self) -> None:
        if self._desk.busy() or not self.buffer.text:
            self._desk.interrupt()
        else:
            self.buffer.reset()
            self._desk.emptied()

    def _end_of_input(self) -> None:
        if self.buffer.text:
            self.buffer.delete()
        else:
            self._desk.leave()

    def _clear_screen(self) -> None:
        self.app.renderer.clear()


def _part(
    text: Callable[[], ANSI | StyleAndTextTuples], shown: Callable[[], bool]
) -> ConditionalContainer:
    """Return a window as high as its text, which is there only while it is `shown`."""
    window = Window(FormattedTextControl(text), dont_extend_height=True, wrap_lines=False)
    return ConditionalContainer(window, Condition(shown))


class PrivateHistory(FileHistory):
    """The history of the input line in a file for the user's eyes only.

    Where that can't be written, the history lasts as long as the chat.
    """

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        with suppress(OSError, StorageError):
            files.make_folder(file.parent)
            file.touch(mode=files.PRIVATE_FILE)
            files.tighten(file, files.PRIVATE_FILE)

    def load_history_strings(self) -> Iterable[str]:
        try:
            yield from super().load_history_strings()
        except OSError:
            return

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(whole_text(string))

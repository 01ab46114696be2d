"""What the keys do in the input line, beyond what emacs or vi has them do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import (
    Always,
    Condition,
    Filter,
    emacs_mode,
    has_focus,
    vi_insert_mode,
    vi_navigation_mode,
)
from prompt_toolkit.key_binding import (
    KeyBindings,
    KeyBindingsBase,
    KeyPressEvent,
    merge_key_bindings,
)
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys

from chatcli.terminal.desk import Desk
from chatcli.terminal.paste import Bursts, Pastes

_always = Always()

# Alt and a key arrive as Escape and that key in one read, so that an Escape with nothing behind it
# needs no time to wait for more.
_alone = Condition(lambda: not get_app().key_processor.input_queue)

Act: TypeAlias = Callable[[KeyPressEvent], object]


def bindings(
    buffer: Buffer, desk: Desk, pastes: Pastes, away: Callable[[], bool]
) -> KeyBindingsBase:
    """Return the keys of the input line; while it is `away`, an editor has the terminal."""
    line = InputLine(buffer, desk, pastes)
    here = has_focus(buffer) & ~Condition(away)
    keys = KeyBindings()

    def on(*names: str, act: Act, when: Filter = _always, at_once: bool = False) -> None:
        keys.add(*names, filter=here & when, eager=at_once)(act)

    menu = Condition(lambda: buffer.complete_state is not None)
    chosen = Condition(line.has_chosen)
    stops = Condition(desk.busy) & (emacs_mode | vi_navigation_mode)
    on("enter", act=line.enter, when=~chosen)
    on("enter", act=line.take_completion, when=chosen)
    on("escape", "enter", act=line.new_line)
    on("c-j", act=line.new_line)
    on("tab", act=line.complete)
    on("s-tab", act=lambda _: buffer.complete_previous(), when=menu)
    on("up", act=line.recall, when=Condition(lambda: not buffer.text))
    on("c-c", act=line.interrupt)
    on("<sigint>", act=line.interrupt)
    on("escape", act=lambda _: buffer.cancel_completion(), when=menu & _alone, at_once=True)
    on("escape", act=lambda _: desk.interrupt(), when=stops & ~menu & _alone, at_once=True)
    on("escape", act=line.stop_inserting, when=vi_insert_mode & ~menu & _alone, at_once=True)
    on("c-d", act=line.end_of_input)
    on("c-z", act=lambda _: desk.suspend())
    on("c-l", act=lambda event: event.app.renderer.clear())
    on("c-x", "c-e", act=lambda _: desk.open_editor())
    keys.add(Keys.BracketedPaste, filter=here)(line.paste)
    return merge_key_bindings([load_auto_suggest_bindings(), keys])


class InputLine:
    """What each key does."""

    def __init__(self, buffer: Buffer, desk: Desk, pastes: Pastes) -> None:
        self._buffer = buffer
        self._desk = desk
        self._pastes = pastes
        self._bursts = Bursts()

    def enter(self, event: KeyPressEvent) -> None:
        more = self._bursts.rest_of_paste(event.key_processor.input_queue)
        if more is None:
            self._buffer.validate_and_handle()
        else:
            self._buffer.insert_text(f"\n{more}")

    def paste(self, event: KeyPressEvent) -> None:
        self._buffer.insert_text(self._pastes.folded(event.data))

    def new_line(self, _event: KeyPressEvent) -> None:
        self._buffer.newline(copy_margin=False)

    def stop_inserting(self, event: KeyPressEvent) -> None:
        """Do what Escape does in vi, without a second's wait for what may follow it."""
        self._buffer.cursor_position += self._buffer.document.get_cursor_left_position()
        event.app.vi_state.input_mode = InputMode.NAVIGATION

    def has_chosen(self) -> bool:
        state = self._buffer.complete_state
        return bool(state and state.current_completion)

    def take_completion(self, _event: KeyPressEvent) -> None:
        """Leave the completion as it stands in the line; of a folder, offer what is in it."""
        self._buffer.complete_state = None
        if self._buffer.document.text_before_cursor.endswith("/"):
            self._buffer.start_completion()

    def complete(self, _event: KeyPressEvent) -> None:
        if self._buffer.complete_state:
            self._buffer.complete_next()
        else:
            self._buffer.start_completion(insert_common_part=True)

    def recall(self, _event: KeyPressEvent) -> None:
        if not self._desk.recall():
            self._buffer.auto_up()

    def interrupt(self, _event: KeyPressEvent) -> None:
        if self._desk.busy() or not self._buffer.text:
            self._desk.interrupt()
        else:
            self._give_up()
            self._desk.emptied()

    def _give_up(self) -> None:
        """Empty the line in a way that undo takes back."""
        draft = self._buffer.document
        self._buffer.reset()
        self._buffer.document = draft
        self._buffer.save_to_undo_stack()
        self._buffer.document = Document()

    def end_of_input(self, _event: KeyPressEvent) -> None:
        if self._buffer.text:
            self._buffer.delete()
        else:
            self._desk.leave()

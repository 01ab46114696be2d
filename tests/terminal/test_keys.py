"""What keys do at once, though they might be the beginning of others."""

from __future__ import annotations

import asyncio

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import set_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import DummyInput
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, Layout, Window
from prompt_toolkit.output import DummyOutput

from chatcli.terminal.keys import bindings
from chatcli.terminal.paste import Pastes


class QuietDesk:
    """A chat in which nothing goes on."""

    def __init__(self) -> None:
        self.submitted: list[str] = []

    def submit(self, text: str) -> None:
        self.submitted.append(text)

    def interrupt(self) -> None: ...
    def recall(self) -> bool:
        return False

    def open_editor(self) -> None: ...
    def suspend(self) -> None: ...
    def typed(self) -> None: ...
    def emptied(self) -> None: ...
    def leave(self) -> None: ...
    def live(self) -> str:
        return ""

    def status(self) -> str:
        return ""

    def toolbar(self, width: int) -> StyleAndTextTuples:
        return []

    def busy(self) -> bool:
        return False


async def pressed(*keys: Keys) -> tuple[Application[None], Buffer]:
    """Press keys behind the word `one` in vi's insert mode, all in one read."""
    buffer = Buffer(multiline=True)
    buffer.insert_text("one")
    app: Application[None] = Application(
        layout=Layout(Window(BufferControl(buffer))),
        key_bindings=bindings(buffer, QuietDesk(), Pastes(), lambda: False),
        editing_mode=EditingMode.VI,
        input=DummyInput(),
        output=DummyOutput(),
    )
    with set_app(app):
        app.key_processor.feed_multiple([KeyPress(key) for key in keys])
        app.key_processor.process_keys()
        await app.cancel_and_wait_for_background_tasks()
    return app, buffer


def test_escape_in_vi_leaves_insert_mode_without_waiting_for_what_may_follow() -> None:
    app, buffer = asyncio.run(pressed(Keys.Escape))
    assert app.vi_state.input_mode is InputMode.NAVIGATION
    assert buffer.cursor_position == 2


def test_alt_and_enter_in_vi_make_a_line_all_the_same() -> None:
    app, buffer = asyncio.run(pressed(Keys.Escape, Keys.Enter))
    assert app.vi_state.input_mode is InputMode.INSERT
    assert buffer.text == "one\n"

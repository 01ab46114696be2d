"""What stands above the input line: what is finished, and the part of a reply that is still open.

Nothing that goes wrong in drawing ends a chat, and what could not be laid out is read as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chatcli.conversation.events import Event
from chatcli.terminal.answers import BACKGROUND, NAME, Question, Told
from chatcli.terminal.prompt import Prompt
from chatcli.terminal.render import Renderer
from chatcli.terminal.theme import theme_on

WIDEST_THOUGHT = 60
"""Characters of what the model thinks that the status has room for."""


class Drawing:
    """Draws events above a prompt. `live` is the open part of the reply, as it was drawn last."""

    def __init__(self, renderer: Renderer, prompt: Prompt) -> None:
        self.renderer = renderer
        self.live = ""
        self._prompt = prompt
        self._window = self._measured()

    def questions(self, *, folding: bool | None) -> Mapping[Question, Told]:
        """Return what to ask the terminal; `folding` is whether it folds its rows, if known."""
        asked: dict[Question, Told] = {}
        look = self.renderer.look
        if look.color and not look.chosen:
            asked[BACKGROUND] = self._on_background
        if folding is None:
            asked[NAME] = self._prompt.called
        return asked

    def show(self, event: Event) -> None:
        """Draw one event at once."""
        self._prompt.print_above(self.renderer.show(event))

    def echo(self, text: str) -> None:
        """Draw what the user has sent."""
        self._prompt.print_above(self.renderer.echo(text))

    def drawn(self, event: Event) -> str:
        """Return what an event adds to the screen, which `print` is to write."""
        try:
            return self.renderer.show(event)
        except Exception as error:  # noqa: BLE001 - what can't be laid out is still to be read
            return self.renderer.unlaid(event, error)

    def print(self, final: str) -> None:
        """Write what is finished, and draw what is open anew."""
        self.live = self._drawn_live()
        self._prompt.print_above(final)

    def wear_theme(self) -> None:
        """Have the input line in the theme that replies are drawn in."""
        self._prompt.wear(self.renderer.look.theme)

    def follow_window(self) -> None:
        """Lay what is open out for the window as it is now."""
        window = self._measured()
        if window != self._window:
            self._window = window
            self.renderer.resized()
            self.live = self._drawn_live()

    def thought(self) -> str:
        """Return the end of what the model thinks, as long as nothing of its reply is there."""
        return "" if self.live else self.renderer.thoughts.passing[-WIDEST_THOUGHT:]

    def _drawn_live(self) -> str:
        try:
            return self.renderer.live(self._prompt.rows_for_reply())
        except Exception:  # noqa: BLE001 - the text comes again, finished
            return ""

    def _measured(self) -> tuple[int, int]:
        """Return the window's width, and how many lines of an open reply it has room for."""
        return self.renderer.look.width(), self._prompt.rows_for_reply()

    def _on_background(self, color: str) -> None:
        """Take the theme for the background that the terminal has, unless the user chose one."""
        look, theme = self.renderer.look, theme_on(color)
        if theme is not None and not look.chosen:
            self.renderer.look = replace(look, theme=theme)
            self.wear_theme()
            self._prompt.app.invalidate()

"""What the terminal can show, and how the user wants it shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from chatcli.conversation.events import Notice, ToClipboard
from chatcli.terminal.theme import ASCII, PALETTE, THEMES, Glyphs, Theme

ASCII_SIGNS: Final = {**ASCII.drawing, ord("≈"): "~", ord("·"): "|", ord("×"): "x"}


@dataclass(frozen=True, slots=True)
class Look:
    """What the terminal can show. `width` is asked for each time: windows are resized.

    `markdown` says that replies are laid out; without it they are passed on as they are written.
    `figures` has each reply followed by how long it took, and our own lines wrapped. `chosen` says
    that the user has chosen the theme. `clipboard` returns what has the terminal take a text, or
    None where that is too long; without it there is no terminal to ask.
    """

    width: Callable[[], int]
    color: bool
    markdown: bool
    glyphs: Glyphs
    figures: bool = True
    theme: Theme = PALETTE
    chosen: bool = False
    clipboard: Callable[[str], str | None] | None = None

    @property
    def utf8(self) -> bool:
        return self.glyphs is not ASCII

    def spelled(self, text: str) -> str:
        """Return a text of ours with signs that the terminal has."""
        return text if self.utf8 else text.translate(ASCII_SIGNS)

    @property
    def colored(self) -> bool:
        return self.color and self.theme.color

    @property
    def markdown_theme(self) -> str:
        """The name of the colours for Markdown: those of the theme, if it has any."""
        return self.theme.name if self.theme.color else PALETTE.name


def themed(look: Look, name: str | None) -> tuple[Look, Notice]:
    """Return the look in the theme of that name, and what there is to say of it.

    Without a name it stays as it is. Where there is no colour, no theme brings any.
    """
    if not look.color:
        return look, Notice("there are no colours here: NO_COLOR, --plain or no terminal")
    if name is not None:
        look = replace(look, theme=THEMES[name], chosen=True)
        return look, Notice(f"the theme is {name}", "theme in config.toml sets it for every chat")
    told = look.theme.name if look.theme.name in THEMES else "that of the terminal's own palette"
    why = "" if look.chosen or look.theme is PALETTE else ", as the terminal's background is"
    return look, Notice(f"the theme is {told}{why}", f"/theme {'|'.join(THEMES)} sets another")


def clipped(look: Look, event: ToClipboard) -> tuple[str, Notice]:
    """Return what has the terminal take a text into its clipboard, and what there is to say."""
    elsewhere = "/export writes a file"
    if look.clipboard is None:
        return "", Notice("there is no clipboard here", elsewhere, "error")
    sequence = look.clipboard(event.text)
    if sequence is None:
        text = f"{event.what} is too long for a terminal's clipboard"
        return "", Notice(text, elsewhere, "error")
    size = f"{len(event.text):,} characters"
    text = f"gave {event.what} ({size}) to the terminal's clipboard (OSC 52)"
    return sequence, Notice(text, "not every terminal takes it")

"""What the input line asks of the chat that it stands in."""

from __future__ import annotations

from typing import Protocol

from prompt_toolkit.formatted_text import StyleAndTextTuples


class Desk(Protocol):
    """The chat as the input line and its keys know it."""

    def submit(self, text: str) -> None:
        """The user has sent this line."""

    def interrupt(self) -> None:
        """The user wants whatever is going on to stop."""

    def recall(self) -> bool:
        """Put the last line that waits back into the input line; False where none waits."""

    def open_editor(self) -> None:
        """The user wants to write the draft in an editor."""

    def suspend(self) -> None:
        """The user wants the shell for a while."""

    def typed(self) -> None:
        """What stands in the input line has changed."""

    def emptied(self) -> None:
        """The user has given up what stood in the input line."""

    def leave(self) -> None: ...

    def live(self) -> str:
        """The open part of the reply, as ANSI text of at most `rows_for_reply` lines."""

    def status(self) -> str:
        """One line on what is going on; empty when nothing is."""

    def toolbar(self, width: int) -> StyleAndTextTuples: ...

    def busy(self) -> bool: ...

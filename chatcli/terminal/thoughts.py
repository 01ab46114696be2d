"""What the model thinks aloud, as much of it as the user wants to see; it is never kept."""

from __future__ import annotations

from typing import Final

from chatcli.conversation.events import Notice
from chatcli.terminal.sanitize import Sanitizer

REASONING: Final = {
    "off": "what the model thinks is not shown",
    "brief": "the last line of what the model thinks is shown while it does",
    "full": "all of what the model thinks is shown, dim, before its reply",
}
"""The ways of `/set reasoning`, and what each of them means."""

_KEPT: Final = 400
_VIEW: Final = 2000


class Thoughts:
    """The thoughts before one reply after the other. `how` is a key of REASONING."""

    def __init__(self) -> None:
        self.how = "brief"
        self._filter = Sanitizer()
        self._open = ""
        self._thinking = self._printed = False

    def shown(self, how: str | None) -> Notice:
        """Show thoughts that way from here on, or as before; returns what there is to say of it."""
        self.how = how or self.how
        return Notice(f"reasoning is {self.how}: {REASONING[self.how]}")

    def begin(self) -> None:
        """Forget what was thought before."""
        self._filter = Sanitizer()
        self._open, self._thinking, self._printed = "", False, False

    def feed(self, text: str) -> list[str]:
        """Take the next piece; return the lines that are to be printed by now."""
        self._thinking = True
        safe = self._filter.feed(text)
        if self.how != "full":
            self._open = (self._open + safe)[-_KEPT:]
            return []
        *lines, self._open = (self._open + safe).split("\n")
        self._printed = self._printed or bool(lines)
        return lines

    def end(self) -> list[str]:
        """Return the lines that are left, and an empty one that sets the reply off."""
        if not self._thinking:
            return []
        self._thinking = False
        rest, self._open = self._open + self._filter.flush(), ""
        if self.how != "full" or not (rest.strip() or self._printed):
            return []
        self._printed = False
        return [rest, ""] if rest.strip() else [""]

    @property
    def passing(self) -> str:
        """The last line so far, for the status; empty where that is not wanted."""
        return self._open.strip().rpartition("\n")[2] if self.how == "brief" else ""

    @property
    def open_line(self) -> str:
        """The end of the line that is still growing, where all is to be seen."""
        return self._open[-_VIEW:] if self.how == "full" else ""

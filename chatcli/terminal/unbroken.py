"""Pastes that hold the mark of a paste's end, kept whole all the same.

Terminals enclose what is pasted in two marks. Most take these out of the text first; where one does
not, the rest of the text comes as if it had been typed, and an Enter in it would send it. So what
comes right behind an end waits a moment: if another mark follows, it was pasted too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

BEGIN: Final = "\x1b[200~"
END: Final = "\x1b[201~"

BELONGS: Final = 0.1
"""Seconds behind the end of a paste in which nobody has pressed a key yet."""

_MARK: Final = re.compile(r"\x1b\[20[01]~")
_MARK_BEGUN: Final = re.compile(r"\x1b(?:\[(?:2(?:0[01]?)?)?)?\Z")


class UnbrokenPastes:
    """Passes on what comes, with marks around all of it that was pasted.

    `clock` tells seconds, as `time.monotonic` does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._inside = False
        self._held = ""
        self._ended = float("-inf")

    def passed(self, text: str) -> str:
        """Return what can be taken for typed or pasted by now; cut anywhere, it is the same."""
        text, self._held = self._held + text, ""
        parts: list[str] = []
        while mark := _MARK.search(text):
            parts.append(self._up_to(mark[0], text[: mark.start()]))
            text = text[mark.end() :]
        if not self._inside and self._clock() - self._ended < BELONGS:
            self._held = text
        else:
            begun = _MARK_BEGUN.search(text)
            self._held = begun[0] if begun else ""
            parts.append(text.removesuffix(self._held))
        return "".join(parts)

    def rest(self) -> str:
        """Return what was held back, now that nothing has come right behind it."""
        if self._inside:
            return ""
        keys, self._held = self._held, ""
        self._ended = float("-inf")
        return keys

    def _up_to(self, mark: str, text: str) -> str:
        """Return the text before a mark, and what is to be made of the mark."""
        if self._inside:
            if mark == BEGIN:
                return text + BEGIN  # as pasted as all that is around it
            self._inside, self._ended = False, self._clock()
            return text + END
        if text and self._clock() - self._ended < BELONGS:
            text = f"{BEGIN}{text}{END}"
        if mark == BEGIN:
            self._inside = True
            return text + BEGIN
        self._ended = self._clock()  # the end of a paste that seemed to be over
        return text

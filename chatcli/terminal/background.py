"""What the terminal says its background is (OSC 11), heard among the keys and kept from them.

Nobody waits for the answer: it is asked for when the first prompt stands, and obeyed when it comes.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Final

from prompt_toolkit.application import Application
from prompt_toolkit.input.posix_utils import PosixStdinReader

QUESTION: Final = "\x1b]11;?\x1b\\"

SOON: Final = 0.3
"""Seconds after the question in which `Esc ]` is more likely to begin the answer than two keys."""

_ANSWER: Final = re.compile(r"\x1b\]11;([^\x07\x1b]{0,64})(?:\x07|\x1b\\)")
_BEGUN: Final = re.compile(r"\x1b\]11;[^\x07\x1b]{0,64}\x1b?\Z")
# An Esc alone is a key and passes at once: one that is held back is a key lost. Where it was the
# beginning of an answer all the same, the rest is known by what follows.
_BARELY_BEGUN: Final = re.compile(r"\x1b\]1{0,2}\Z")


class Listening(PosixStdinReader):
    """What is typed, without what the terminal answers; `told` gets that."""

    def __init__(self, fileno: int, encoding: str, told: Callable[[str], None]) -> None:
        super().__init__(fileno, encoding=encoding)
        self._told = told
        self._held = ""
        self._escaped = False
        self.soon = 0.0

    def read(self, count: int = 1024) -> str:
        return self.without_answer(super().read(count))

    def without_answer(self, text: str) -> str:
        """Return the keys in what has come, cut anywhere; holds back what may be an answer."""
        if self._escaped and text.startswith("]") and time.monotonic() < self.soon:
            text = f"\x1b{text}"
        text, self._held = self._held + text, ""
        self._escaped = text.endswith("\x1b")
        if (answer := _ANSWER.search(text)) is not None:
            text = text[: answer.start()] + text[answer.end() :]
            self._told(answer[1])
            self.soon = 0.0
        begun = _BEGUN.search(text)
        if begun is None and time.monotonic() < self.soon:
            begun = _BARELY_BEGUN.search(text)
        if begun is not None:
            text, self._held = text[: begun.start()], begun[0]
        return text


def ask_background(app: Application[None], told: Callable[[str], None]) -> None:
    """Have the terminal asked for its background once the first prompt stands.

    `told` gets the answer in the thread of the loop, or is never called.
    """
    if sys.platform == "win32":
        return
    from prompt_toolkit.input.vt100 import Vt100Input

    keys = app.input
    if not isinstance(keys, Vt100Input):
        return
    reader = Listening(keys.fileno(), keys.stdin.encoding, told)
    keys.stdin_reader = reader

    def ask(_app: object) -> None:
        app.after_render -= ask
        reader.soon = time.monotonic() + SOON
        app.output.write_raw(QUESTION)
        app.output.flush()

    app.after_render += ask

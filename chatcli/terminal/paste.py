"""What is pasted: folded where it is long, whole when it is sent, and never sent by itself.

A long paste stands in the input line as a placeholder, `[paste 1: 240 lines]`, of which there is
all or nothing: whoever deletes a part of it deletes it, and undo brings it back.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Final

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding.key_processor import KeyPress, KeyProcessor
from prompt_toolkit.keys import Keys

MOST_LINES: Final = 15
MOST_CHARACTERS: Final = 1000
"""A paste of more than that is folded."""

LINES_OF_A_BURST: Final = 3
KEYS_OF_A_BURST: Final = 200
"""So much in one read from the terminal is nobody's typing. Two lines may be typed ahead."""

BURST_GOES_ON: Final = 0.1
"""Seconds within which the next read is the rest of the same paste: nobody's Enter is as quick."""

_PLACEHOLDER: Final = re.compile(r"\[paste \d+: [\d,]+ (?:lines|characters)\]")
_AS_TEXT: Final[Mapping[Keys | str, str]] = {
    Keys.ControlM: "\n",
    Keys.ControlJ: "\n",
    Keys.ControlI: "\t",
}


class Pastes:
    """The long pastes of one chat. Each stays known, since undo can bring its placeholder back."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def folded(self, text: str) -> str:
        """Return what stands for a paste in the input line: its placeholder, or itself."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.count("\n") + (not text.endswith("\n"))
        if lines <= MOST_LINES and len(text) <= MOST_CHARACTERS:
            return text
        size = f"{lines:,} lines" if lines > MOST_LINES else f"{len(text):,} characters"
        placeholder = f"[paste {len(self._texts) + 1}: {size}]"
        self._texts[placeholder] = text
        return placeholder

    def expanded(self, text: str) -> str:
        """Return a draft with every paste in it whole."""
        return _PLACEHOLDER.sub(lambda found: self._texts.get(found[0], found[0]), text)

    def mended(self, before: Document, after: Document) -> Document:
        """Return the draft `after` a key with no placeholder in parts and the cursor in none."""
        if not self._texts:
            return after
        places = list(self._places(before.text))
        lost = [
            (start, end)
            for start, end in places
            if after.text.count(before.text[start:end]) < before.text.count(before.text[start:end])
        ]
        if lost:
            kept = [place for place in places if place not in lost]
            after = _without_remains(before.text, after, lost, kept)
        return self._out_of_placeholders(before, after)

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        for found in _PLACEHOLDER.finditer(text):
            if found[0] in self._texts:
                yield found.span()

    def _out_of_placeholders(self, before: Document, after: Document) -> Document:
        at = after.cursor_position
        for start, end in self._places(after.text):
            if start < at < end:
                to = end if at > before.cursor_position else start
                return Document(after.text, to, after.selection)
        return after


def keep_whole(pastes: Pastes, buffer: Buffer, keys: KeyProcessor) -> None:
    """Have a look at what each key has done to the placeholders of pastes."""
    before = (buffer.working_index, buffer.document)

    def begin(_: object) -> None:
        nonlocal before
        before = (buffer.working_index, buffer.document)

    def end(_: object) -> None:
        index, old = before
        if buffer.working_index != index:
            return  # it is another text of the history
        draft = buffer.document
        mended = pastes.mended(old, draft)
        if mended is not draft:
            buffer.document = mended

    keys.before_key_press += begin
    keys.after_key_press += end


def _without_remains(
    old: str, after: Document, lost: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> Document:
    """Return the draft without what is left of the `lost` placeholders of the `old` text.

    Those in `kept` stand in the draft as they did.
    """
    new, cursor = after.text, after.cursor_position
    if old.endswith(new[cursor:]):
        # An edit ends at the cursor, as a rule: the texts alone don't tell which of two alike went.
        same = len(new) - cursor
        first = _in_common(old[: len(old) - same], new[:cursor])
    else:
        first = _in_common(old, new)
        same = _in_common(old[first:][::-1], new[first:][::-1])
    last = len(old) - same
    for start, end in kept:
        # Where the parts of two that remain make one, what went may as well have gone beside that.
        if start < first < end and old[first:end] == old[last : last + end - first]:
            first, last, same = end, last + end - first, same - (end - first)
        elif start < last < end and old[first - last + start : first] == old[start:last]:
            first, last, same = first - last + start, start, same + last - start
    torn = [(start, end) for start, end in lost if start < last and end > first]
    if not torn:
        return after
    start, end = min(first, torn[0][0]), max(last, torn[-1][1])
    instead = new[first : len(new) - same]
    return Document(old[:start] + instead + old[end:], start + len(instead))


def _in_common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


class Bursts:
    """Tells a paste from typing on a terminal that does not mark what is pasted.

    `clock` tells seconds, as `time.monotonic` does.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")

    def rest_of_paste(self, queue: deque[KeyPress]) -> str | None:
        """Take what follows an Enter in the same paste off the queue; None if Enter was typed."""
        ahead = "".join(_leading_text(queue))
        goes_on = self._clock() - self._last < BURST_GOES_ON
        many = ahead.count("\n") >= LINES_OF_A_BURST - 1 or len(ahead) >= KEYS_OF_A_BURST
        if not goes_on and not many:
            return None
        for _ in ahead:
            queue.popleft()
        self._last = self._clock()
        return ahead


def _leading_text(queue: Iterable[KeyPress]) -> Iterator[str]:
    texts = (_AS_TEXT.get(each.key, each.key) for each in queue)
    return takewhile(lambda text: len(text) == 1, texts)

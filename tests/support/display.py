"""What a terminal shows for the bytes that it gets: pyte, and what pyte lacks.

pyte takes sequences that it doesn't know for text and raises on some that it half knows. So the
bytes are parsed here, by the rules of ECMA-48 and xterm, and pyte gets only what it understands.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from contextlib import suppress

import pyte

from tests.support.screen import Screen

BRACKETED_PASTE = 2004 << 5  # pyte keeps the private modes shifted
WIDTH_OF_132 = "3"  # a private mode that xterm ignores unless told otherwise

SEQUENCE = re.compile(
    r"(?P<text>[^\x1b]+)"
    r"|\x1b\[(?P<private>[<-?]*)(?P<numbers>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b\](?P<command>[^\x07\x18\x1a\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1b[PX^_][^\x18\x1a\x1b]*\x1b\\"
    r"|\x1b(?P<escape>[ -/]*[0-OQ-WYZ\\`-~])"
)
UNFINISHED = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x18\x1a\x1b]*\x1b?|[PX^_][^\x18\x1a\x1b]*\x1b?|[ -/]*)\Z"
)
BROKEN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x18\x1a\x1b]*)?[\x18\x1a]?")
NUMBERS = re.compile(r"[0-9;]*")

C1_CONTROLS: Mapping[int, str | None] = dict.fromkeys(range(0x80, 0xA0)) | {
    code: "\x1b" + chr(code - 0x40) for code in b"\x84\x85\x88\x8d\x90\x98\x9b\x9c\x9d\x9e\x9f"
}
ESCAPES = {name: "\x1b" + name for name in ("c", "D", "H", "M", "7", "8", "#8")} | {"E": "\r\n"}
# What each control sequence may be told; those that are not here take one number, any.
ERASURES = {"J": {"", "0", "1", "2", "3"}, "K": {"", "0", "1", "2"}}
MOST_NUMBERS = {"H": 2, "f": 2, "r": 2, "h": 99, "l": 99, "m": 99}


class Display:
    """A terminal's screen and scrollback, brought up to date by `feed`.

    `answer` gets what the terminal says when it is asked for the cursor's position or for what it
    is. `background` is its answer to OSC 11, like `rgb:0000/0000/0000`; None for silence.
    """

    def __init__(
        self, rows: int, cols: int, answer: Callable[[str], None], background: str | None = None
    ) -> None:
        self.title = ""
        self._screen = Screen(cols, rows, answer)
        self._pyte = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._answer = answer
        self._background = background
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """Show bytes, cut anywhere; whatever they are, nothing is raised."""
        text = self._rest + self._decoder.decode(data).translate(C1_CONTROLS)
        place = 0
        while place < len(text):
            if match := SEQUENCE.match(text, place):
                self._obey(match)
            elif UNFINISHED.match(text, place):
                break
            else:
                match = BROKEN.match(text, place)
            place = match.end() if match else len(text)
        self._rest = text[place:]

    def resize(self, rows: int, cols: int) -> None:
        self._screen.fit(rows, cols)

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column, counted from zero."""
        return self._screen.cursor.y, min(self._screen.cursor.x, self._screen.columns - 1)

    @property
    def takes_pastes(self) -> bool:
        """Whether the program has asked to be told what is pasted."""
        return BRACKETED_PASTE in self._screen.mode

    def row(self, number: int) -> str:
        """One row in its full width."""
        return self._screen.row_text(number)

    def rows(self) -> list[str]:
        return [self.row(number).rstrip() for number in range(self._screen.lines)]

    def scrollback(self) -> list[str]:
        return [row.rstrip() for row in self._screen.scrollback]

    def _obey(self, match: re.Match[str]) -> None:
        part = match.groupdict()
        if part["text"]:
            self._pyte.feed(part["text"])
        elif part["command"] is not None:
            self._command(*part["command"].partition(";")[::2])
        elif part["escape"] in ESCAPES:
            self._pyte.feed(ESCAPES[part["escape"]])
        elif part["final"] and not part["between"] and NUMBERS.fullmatch(part["numbers"]):
            self._control(part["private"], part["numbers"].split(";"), part["final"])

    def _command(self, code: str, text: str) -> None:
        if code in {"0", "2"}:
            self.title = text
        elif code == "11" and text == "?" and self._background:
            self._answer(f"\x1b]11;{self._background}\x1b\\")

    def _control(self, private: str, numbers: list[str], final: str) -> None:
        """Do what a control sequence says, if terminals know it."""
        match private, final:
            case "", "s":
                self._pyte.feed(ESCAPES["7"])
            case "", "u":
                self._pyte.feed(ESCAPES["8"])
            case "", "J" | "K" if numbers[0] not in ERASURES[final]:
                pass
            case "", _:
                self._pass_on("", numbers[: MOST_NUMBERS.get(final, 1)], final)
            case "?", "h" | "l":
                self._pass_on("?", [mode for mode in numbers if mode != WIDTH_OF_132], final)
            case "?", "n" if numbers == ["6"]:
                self._screen.report_position("?")

    def _pass_on(self, private: str, numbers: list[str], final: str) -> None:
        # pyte asserts where a terminal shrugs: an origin mode without margins, for one.
        with suppress(AssertionError):
            self._pyte.feed(f"\x1b[{private}{';'.join(numbers)}{final}")

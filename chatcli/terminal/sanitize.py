"""The one filter between what others wrote and the terminal.

Text from a model, a server, a file, a persona or a session may try to drive the terminal or to
hide from its reader. It passes two stages, each of which decides the same wherever the text is
cut into pieces:

1. Sequences and controls (ECMA-48). A whole sequence goes, payload and all. One that never ends
   is no sequence: only its introducer goes, so that it can't swallow the reply behind it. What
   moves to another line, a lone carriage return too, becomes a newline: it overwrites nothing.
2. Characters that can't be seen or that pile up on another. A hidden one is named, as in
   ``⟨U+202E⟩``, unless it does its proper work, as a joiner does inside an emoji or a Persian
   word. A run of them, or of combining marks, is cut with ``⟨…⟩`` after eight.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from chatcli.conversation.text import HIDDEN

# Stage 1. No control may be in a payload, so that each character is looked at once, however
# many introducers follow each other; the limits bound what can be held back.
CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
_CSI = r"(?:\x1b\[|\x9b)[ -?]{0,256}+"
_STRING = (  # OSC, DCS, APC, PM, SOS, and the window title of screen and tmux (ESC k)
    r"(?:\x1b[\]PX^_k]|[\x90\x98\x9d-\x9f])[^\x00-\x08\x0a-\x1f\x7f-\x9f]{0,4096}+"
)
_SHORT = r"\x1b[ -/]{0,16}+"  # ESC c, ESC 7, ESC ( 0
_SEQUENCE = re.compile(
    rf"{_CSI}[@-~]|{_STRING}(?:\x07|\x9c|\x1b\\)|{_SHORT}[0-~]"
    rf"|(?P<newline>\r\n?|[\x0b\x0c\x85])|(?P<half>[\ud800-\udfff])|[{CONTROLS}]"
)
_OPEN_SEQUENCE = re.compile(rf"(?:{_CSI}|{_STRING}\x1b?|{_SHORT}|\r|[\ud800-\udbff])\Z")
_SURROGATE_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")

# Stage 2.
_MOST_IN_A_RUN = 8
_CUT = "⟨…⟩"
_JAMO = r"\u1160-\u11ff\ud7b0-\ud7fb"  # drawn into the cell of the Hangul letter before them
_MARK_BLOCKS = (  # where combining marks live; text that is elsewhere needs no second look
    r"\u0300-\u036f\u0483-\u0489\u0590-\u1dff\u20d0-\u20ff\u2ce0-\u2dff\u302a-\u302f\u3099\u309a"
    r"\ua660-\uabff\ufb1e\ufe20-\ufe2f\U00010100-\U0001efff"
)
_SYMBOL = (
    r"\u00a9\u00ae\u203c\u2049\u2100-\u214f\u2190-\u2bff\u3030\u303d\u3297\u3299"
    r"\U0001f000-\U0001faff"
)
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_JOINING = (  # letters of the scripts from Arabic to Mongolian that take joiners
    r"\u0620-\u06ff\u0710-\u07ff\u0840-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u17d3"
    r"\u1807-\u180a\u1810-\u18aa\ua840-\ua8ff\ufb50-\ufdff\ufe70-\ufefc"
    r"\U00011000-\U00011fff\U0001e900-\U0001e94b"
)
_VIRAMA = r"\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d3b\u0d3c\u0d4d\u0dca\u1039\u17d2"
_TAG = r"[\U000e0030-\U000e0039\U000e0061-\U000e007a]"
_UNDECIDED = re.compile(rf"(?:[\u200c\u200d]|(?<=\U0001f3f4){_TAG}{{1,5}})\Z")
NO_CELL = re.compile(rf"[{HIDDEN}{_JAMO}]")
_CONTROL = re.compile(rf"[{CONTROLS}\ud800-\udfff]")
_SUSPECT = re.compile(rf"[{CONTROLS}\ud800-\udfff{HIDDEN}{_JAMO}{_MARK_BLOCKS}]+")


class Sanitizer:
    """Filters one text that comes in pieces, cut anywhere.

    What `feed` and the closing `flush` return is together what `clean` returns for the whole.
    Held back is only what the next character can still change: an open sequence (one line, at
    most 4100 characters), a carriage return, half a surrogate pair, a joiner, a flag's tags.
    """

    def __init__(self) -> None:
        self._sequence = ""  # held back by stage 1
        self._undecided = ""  # held back by stage 2
        self._before = ""  # the last two characters that passed, for the rules that look back
        self._run = 0  # how many characters that take no room are the last that passed

    def feed(self, text: str) -> str:
        """Returns what can be shown by now and was not returned before."""
        suspect = _CONTROL if text.isascii() else _SUSPECT
        if self._sequence or self._undecided or suspect.search(text):
            return self._reveal(self._strip(text))
        if text:
            self._before, self._run = text[-1], 0
        return text

    def flush(self) -> str:
        """Returns what was held back, at the end of the text; another text may follow."""
        rest = self._reveal(self._strip("", end=True), end=True)
        self._before, self._run = "", 0
        return rest

    def _strip(self, text: str, *, end: bool = False) -> str:
        """Stage 1. At the `end` nothing is held back."""
        if not self._sequence and not _CONTROL.search(text):
            return text
        text = _SURROGATE_PAIR.sub(_join, self._sequence + text)
        open_sequence = None if end else _OPEN_SEQUENCE.search(text)
        stop = open_sequence.start() if open_sequence else len(text)
        self._sequence = text[stop:]
        return _SEQUENCE.sub(_replace, text[:stop])

    def _reveal(self, text: str, *, end: bool = False) -> str:
        """Stage 2. At the `end` nothing is held back."""
        start = len(self._before)
        text = self._before + self._undecided + text
        undecided = None if end else _UNDECIDED.search(text, start)
        stop = undecided.start() if undecided else len(text)
        shown: list[str] = []
        done = reached = start
        for suspects in _SUSPECT.finditer(text, start, stop):
            at = suspects.start()
            if at > reached:
                self._run = 0
            reached = suspects.end()
            while at < reached:
                width, instead = self._judge(text, at)
                if instead is not None:
                    shown += text[done:at], instead
                    done = at + width
                at += width
        if stop > reached:
            self._run = 0
        self._before, self._undecided = text[max(0, stop - 2) : stop], text[stop:]
        shown.append(text[done:stop])
        return "".join(shown)

    def _judge(self, text: str, at: int) -> tuple[int, str | None]:
        """The characters to pass at `at`, and what to show instead of them, if anything."""
        if not _takes_no_room(text[at]):
            self._run = 0
            return 1, None
        stays = _stays().match(text, at)
        width = len(stays[0]) if stays else 1
        self._run += width
        if self._run > _MOST_IN_A_RUN:
            return width, _CUT if self._run == _MOST_IN_A_RUN + 1 else ""
        return width, None if stays else f"⟨U+{ord(text[at]):04X}⟩"


def clean(text: str) -> str:
    """The whole of a text, safe to show; newlines and tabs stay."""
    sanitizer = Sanitizer()
    return sanitizer.feed(text) + sanitizer.flush()


def clean_line(text: str) -> str:
    """A label, name, title or error, safe to show on one line."""
    return re.sub(r"[\n\t]+", " ", clean(text)).strip(" ")


def _replace(match: re.Match[str]) -> str:
    if match["newline"]:
        return "\n"
    return "\ufffd" if match["half"] else ""


def _join(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


@cache
def _stays() -> re.Pattern[str]:
    """Matches one character, or the tags of one flag, that is to stay as it is.

    Joiners in words follow RFC 5892, appendix A; emoji and flags follow UTS 51, with the regions
    of ISO 3166-2. Made when first needed, since it takes as long as all the others.
    """
    return re.compile(
        rf"[^{HIDDEN}]"
        rf"|(?:(?<=[{_SYMBOL}])|(?<=[{_SYMBOL}]\ufe0f))\u200d(?=[{_SYMBOL}])"
        rf"|(?:(?<=[{_VIRAMA}])|(?<=[{_JOINING}])(?=.[{_JOINING}]))[\u200c\u200d]"
        rf"|(?<=[#*0-9{_SYMBOL}])[\ufe0e\ufe0f]"
        rf"|(?<=[{_HAN}])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
        r"|(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]"
        rf"|(?<=\U0001f3f4){_TAG}{{3,5}}\U000e007f",
        re.DOTALL,
    )


@cache
def _takes_no_room(char: str) -> bool:
    return unicodedata.category(char).startswith("M") or bool(NO_CELL.match(char))

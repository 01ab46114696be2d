"""Nothing that others wrote drives the terminal or hides from its reader."""

from __future__ import annotations

import sys
import unicodedata
from itertools import pairwise

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.terminal.links import safe_link
from chatcli.terminal.sanitize import Sanitizer, clean, clean_line
from tests.terminal.hostile import ENDLESS, FORBIDDEN, PAYLOADS, STOLEN_TITLE

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
PROPER = {
    "plain": 'Arr, matey!\n\tfn main() { println!("{}", 1 << 2); }\n',
    "accents, composed and not": "café, cafe\u0301, Việt Nam, Vie\u0323\u0302t",
    "chinese": "汉字没有问题。\u3000全角",
    "japanese name with a variant": "\u845b\U000e0100城市",
    "korean, composed and not": "한국어 \u1112\u1161\u11ab\u1100\u116e\u11a8",
    "hebrew with cantillation": "\u05d1\u05bc\u05b0\u05e8\u05b5\u05d0\u05e9\u05c1\u05b4\u0596",
    "persian": "می\u200cخواهم",
    "hindi half form": "क्\u200dष",
    "malayalam chillu": "അവന്\u200d ",
    "sinhala": "ශ්\u200dරී ලංකා",
    "thai": "ภาษาไทยที่นี่",
    "tibetan": "བསྒྲུབས་",
    "mongolian with a variant": "\u182d\u180b",
    "heart": "❤\ufe0f and ❤\ufe0e",
    "keycap": "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "kiss with skin tones": "👩🏽\u200d❤\ufe0f\u200d💋\u200d👨🏿",
    "rainbow flag": "🏳\ufe0f\u200d🌈",
    "england": ENGLAND,
    "country": "🇳🇴",
    "maths": "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, 𝐛𝐨𝐥𝐝",
    "boxes": "┌─┐\n│█│\n└─┘ ⠿",
    "two runs of eight marks": "a" + "\u0301" * 8 + "b" + "\u0301" * 8,
}  # fmt: skip
PIECES = [
    *"ab1 \n\t\r\x00\x07\x08\x0b\x18\x1b\x7f\x80\x85\x90\x9b\x9c\x9d\ud83d\ude00\udb40\udc41",
    *"[];?\\mk(0#*é漢\u0301\u0e47\u094d\u0915\u0645\u182d\u845b\u1161\u2028\u202e\u200b\u00ad\ufeff",
    *"\u200c\u200d\ufe0e\ufe0f\u180b\U000e0067\U000e0062\U000e007f\U000e0100👩❤🏽🏴",
    *("\x1b[31m", "\x1b]0;x\x07", "\x1b]0;", "\x1b\\", "\x1bP", "\u0301" * 7, ENGLAND),
    *PROPER.values(),
]  # fmt: skip
hostile_texts = st.lists(st.sampled_from(PIECES) | st.characters(), max_size=25).map("".join)


def in_pieces(*pieces: str) -> str:
    sanitizer = Sanitizer()
    return "".join([*map(sanitizer.feed, pieces), sanitizer.flush()])


def in_pieces_of(size: int, text: str) -> str:
    return in_pieces(*(text[at : at + size] for at in range(0, len(text), size)))


def assert_every_split_gives(text: str, expected: str) -> None:
    for at in range(len(text) + 1):
        assert in_pieces(text[:at], text[at:]) == expected, (text, at)
    assert in_pieces(*text) == expected


# --- the terminal ------------------------------------------------------------------------------


def test_there_are_many_payloads() -> None:
    assert sum(FORBIDDEN.search(payload) is not None for payload in PAYLOADS) > 1000


@pytest.mark.parametrize("payloads", [PAYLOADS, ENDLESS], ids=["payloads", "endless"])
def test_nothing_forbidden_is_left_of_a_payload(payloads: list[str]) -> None:
    for payload in payloads:
        for shown in (clean(payload), clean_line(payload), safe_link(payload, payload)):
            assert not FORBIDDEN.search(shown), payload
            shown.encode()


def test_a_payload_split_in_two_anywhere_shows_the_same() -> None:
    for payload in PAYLOADS:
        assert_every_split_gives(payload, clean(payload))


@given(hostile_texts, st.lists(st.integers(0, 200)))
@settings(max_examples=600, deadline=None)
def test_a_text_cut_anywhere_shows_the_same(text: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    assert in_pieces(*(text[start:stop] for start, stop in pairwise(bounds))) == clean(text)


@given(hostile_texts)
@settings(max_examples=600, deadline=None)
def test_what_is_shown_needs_no_second_filter(text: str) -> None:
    assert clean(clean(text)) == clean(text)


class Screen:
    """A terminal with a title and an earlier line, whose cursor waits on the second line."""

    def __init__(self, columns: int = 500) -> None:
        self.screen = pyte.Screen(columns, 30)
        self.stream = pyte.Stream(self.screen)
        self.stream.feed("\x1b]2;ours\x07an earlier line\r\n")

    def state_after(self, text: str) -> tuple[object, ...]:
        """Everything but the lines that `text` itself writes."""
        self.stream.feed(text.replace("\n", "\r\n"))
        screen = self.screen
        earlier = "".join(screen.buffer[0][column].data for column in range(20))
        moved = screen.cursor.y - text.count("\n")
        modes = (frozenset(screen.mode), screen.margins, screen.charset, screen.cursor.hidden)
        return screen.title, screen.icon_name, earlier, moved, screen.cursor.attrs, modes


@pytest.mark.parametrize("payloads", [PAYLOADS, ENDLESS], ids=["payloads", "endless"])
def test_a_terminal_stays_as_it_was(payloads: list[str]) -> None:
    columns = 40 + max(len(clean(payload)) for payload in payloads)
    untouched = Screen(columns).state_after("")
    for payload in payloads:
        assert Screen(columns).state_after(clean(payload)) == untouched, payload


@pytest.mark.parametrize(
    "raw",
    [f"\x1b]2;{STOLEN_TITLE}\x07", "\x1b[A", "\x1b[H\x1b[K", "\x1b[31m", "\x1b[?25l", "\x1b[5;9r"],
)
def test_the_terminal_of_these_tests_would_notice(raw: str) -> None:
    assert Screen().state_after(raw) != Screen().state_after("")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m \x9b4mline\x9bm", "red line"),
        ("\x1b]0;title\x07a\x1b]0;title\x1b\\b\x9d0;title\x9cc", "abc"),
        ("\x1bPq#0~~\x1b\\a\x1b_Gf=24\x9cb\x1b^x\x07c\x1bXx\x1b\\d\x1bktitle\x1b\\e", "abcde"),
        ("\x1bca\x1b7b\x1b(0c\x1b#8d\x1b%Ge\x1b$(Cf", "abcdef"),
        ("\x1b]8;;https://evil.example/\x07bank.example\x1b]8;;\x07", "bank.example"),
    ],
)
def test_a_whole_sequence_goes_with_its_payload(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;never ended\nThe reply goes on.", "0;never ended\nThe reply goes on."),
        ("\x1b]0;never ended\x1b[1mThe reply", "0;never endedThe reply"),
        ("\x1b[31", "31"),
        ("\x1b[31\nred", "31\nred"),
        ("\x9d“quoted in cp1252\x94", "“quoted in cp1252"),
        ("the end\x1b", "the end"),
    ],
)
def test_of_a_sequence_that_never_ends_only_the_introducer_goes(text: str, shown: str) -> None:
    assert_every_split_gives(text, shown)


def test_an_endless_sequence_swallows_nothing_however_it_arrives() -> None:
    for payload in ENDLESS:
        assert in_pieces_of(4, payload) == clean(payload)


def test_a_sequence_has_a_longest_length() -> None:
    assert clean("a\x1b]" + "p" * 4096 + "\x07z") == "az"
    assert clean("a\x1b]" + "p" * 4097 + "\x07z") == "a" + "p" * 4097 + "z"
    assert_every_split_gives("a\x1b[" + "1" * 256 + "mz", "az")
    assert_every_split_gives("a\x1b[" + "1" * 257 + "mz", "a" + "1" * 257 + "mz")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("10%\r99%\rdone", "10%\n99%\ndone"),
        ("a\x0bb\x0cc\x85d", "a\nb\nc\nd"),
        ("a\x08\x00\x07\x7f\x80b", "ab"),
        ("half \ud83d, half \ude00, \ud83d\ude00 whole", "half \ufffd, half \ufffd, 😀 whole"),
    ],
)
def test_controls_and_surrogates(text: str, shown: str) -> None:
    assert_every_split_gives(text, shown)


# --- the reader --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", PROPER.values(), ids=PROPER.keys())
def test_text_in_proper_use_stays(text: str) -> None:
    assert_every_split_gives(text, text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("admin\u202e", "admin⟨U+202E⟩"),
        ("pass\u200bword", "pass⟨U+200B⟩word"),
        ("a\u200db a\u200cb", "a⟨U+200D⟩b a⟨U+200C⟩b"),
        ("👩\u200d", "👩⟨U+200D⟩"),
        ("\u200d👩", "⟨U+200D⟩👩"),
        ("👩\u200d\u200d👩", "👩⟨U+200D⟩⟨U+200D⟩👩"),
        ("می\u200c.", "می⟨U+200C⟩."),
        ("a\ufe0f", "a⟨U+FE0F⟩"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f⟨U+FE0F⟩"),
        ("a\ufe0f\u200d👩", "a⟨U+FE0F⟩⟨U+200D⟩👩"),
        ("a\U000e0100 葛\U000e0100\U000e0101", "a⟨U+E0100⟩ 葛\U000e0100⟨U+E0101⟩"),
        ("a" + ENGLAND[1:3], "a⟨U+E0067⟩⟨U+E0062⟩"),
        (ENGLAND[:-1], "🏴" + "".join(f"⟨U+{ord(tag):04X}⟩" for tag in ENGLAND[1:-1])),
        ("a\u2028b\u2029c", "a⟨U+2028⟩b⟨U+2029⟩c"),
        ("\ufeffa\u00adb", "⟨U+FEFF⟩a⟨U+00AD⟩b"),
    ],
)
def test_what_hides_is_named(text: str, shown: str) -> None:
    assert_every_split_gives(text, shown)


@pytest.mark.parametrize(
    "piled", ["\u0301", "\u0e47", "\u1161", "\ud7b0", "\U0001e944", "\u094d\u200d"]
)
def test_what_piles_up_is_cut_after_eight(piled: str) -> None:
    text = "a" + piled * 20 + "z"
    assert_every_split_gives(text, text[:9] + "⟨…⟩z")
    apart = "".join(char + "\x1b[m\x00" for char in text)
    assert_every_split_gives(apart, clean(text))
    assert in_pieces("a", *(2 * piled, "") * 10, "z") == in_pieces("a", piled * 20, "z")


def test_every_hidden_character_of_unicode_is_named_and_every_mark_is_counted() -> None:
    drawn = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
    for code in range(sys.maxunicode + 1):
        match unicodedata.category(chr(code)):
            case "Cf" | "Zl" | "Zp" if code not in drawn:
                assert clean(f"a{chr(code)}") == f"a⟨U+{code:04X}⟩"
            case "Cc" | "Cs":
                assert clean(chr(code)) in {"", "\n", "\t", "\ufffd"}
            case "Mn" | "Mc" | "Me":
                assert clean("a" + chr(code) * 9).endswith("⟨…⟩"), hex(code)


@pytest.mark.parametrize("text", ["", "a", "plain\ttext\n", "Größe, кот, 漢字 😀", "한국"])
def test_ordinary_text_is_returned_itself_and_at_once(text: str) -> None:
    assert Sanitizer().feed(text) is text


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("text\x1b", "text"),
        ("text\x1b]0;ti", "text"),
        ("text\r", "text"),
        ("👩\u200d", "👩"),
        ("👩\u200d👩", "👩\u200d👩"),
        ("❤\ufe0f", "❤\ufe0f"),
        (ENGLAND[:4], "🏴"),
        ("e\u0301", "e\u0301"),
        ("text\ud83d", "text"),
        ("bidi\u202e", "bidi⟨U+202E⟩"),
    ],
)
def test_only_what_is_undecided_is_held_back(text: str, now: str) -> None:
    assert Sanitizer().feed(text) == now


def test_a_second_text_starts_anew_after_a_flush() -> None:
    sanitizer = Sanitizer()
    assert sanitizer.feed("\x1b]0;❤") + sanitizer.flush() == "0;❤"
    assert sanitizer.feed("\ufe0fnext") + sanitizer.flush() == "⟨U+FE0F⟩next"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("My session\n", "My session"),
        ("one\r\n\n\ttwo", "one two"),
        ("\x1b]0;x\x07name\u202e", "name⟨U+202E⟩"),
        ("a" + "\u0301" * 9, "a" + "\u0301" * 8 + "⟨…⟩"),
    ],
)
def test_a_label_is_one_line(text: str, shown: str) -> None:
    assert clean_line(text) == shown

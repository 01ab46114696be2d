"""The toolbar in any room: never too wide, and what matters most is in it the longest."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.formatted_text import fragment_list_to_text
from prompt_toolkit.utils import get_cwidth

from chatcli.terminal.facts import Facts
from chatcli.terminal.theme import ASCII, UNICODE
from chatcli.terminal.toolbar import cropped, drawn

FACTS = Facts("openai:gpt-4o", "main", 7, "pirate", 1234, 8000, exact=False, cost="≈$0.002")
TOKENS = "██░░░░░░ ≈1,234 of 8,000 (15 %) tokens"
ALARM = "NOT SAVED: /save says why"


def line(facts: Facts, width: int, activity: str = "") -> str:
    return fragment_list_to_text(drawn(facts, width, UNICODE, activity))


@pytest.mark.parametrize(
    ("width", "wanted"),
    [
        (100, f"openai:gpt-4o · pirate · main · turn 7 · {TOKENS} · ≈$0.002"),
        (80, f"openai:gpt-4o · main · turn 7 · {TOKENS} · ≈$0.002"),
        (75, f"openai:gpt-4o · main · turn 7 · {TOKENS}"),
        (50, "openai:gpt-4o · main · ██░░░░░░ ≈1,234 (15 %)"),
        (40, "openai:gpt-4o · main · ██░░░░░░ ≈15 %"),
        (30, "gpt-4o · main · ██░░░░░░ ≈15 %"),
        (20, "gpt-4o · ≈15 %"),
        (10, "gpt-4o ·…"),
    ],
)
def test_the_least_important_goes_first(width: int, wanted: str) -> None:
    assert line(FACTS, width) == wanted


def test_warnings_come_first_and_in_their_own_style() -> None:
    facts = Facts("m", "main", 1, warnings=(ALARM, "over the budget"))
    (style, first), (_, rest) = (fragment[:2] for fragment in drawn(facts, 80, UNICODE))
    assert (style, first) == ("class:warning", f"{ALARM} · over the budget")
    assert rest == " · m · main · turn 1"
    assert line(facts, 20) == "NOT SAVED: /save sa…"


def test_what_goes_on_is_told_before_what_stands() -> None:
    assert line(Facts("m", "main", 1), 80, "93 MB: 40 %") == "93 MB: 40 % · m · main · turn 1"


@pytest.mark.parametrize(
    ("width", "wanted"),
    [
        (46, "anthropic/claude-sonnet-4-5-20250929 · ≈15 %"),
        (40, "anthropic/claude-sonnet-4-5-202… · ≈15 %"),
        (24, "anthropic/claud… · ≈15 %"),
    ],
)
def test_a_long_name_is_cut_before_the_numbers_behind_it_are(width: int, wanted: str) -> None:
    facts = replace(FACTS, model="openrouter:anthropic/claude-sonnet-4-5-20250929")
    assert line(facts, width) == wanted


def test_without_a_budget_there_is_no_bar() -> None:
    assert line(Facts("m", "main", 1, tokens=12), 80) == "m · main · turn 1 · 12 tokens"


def test_a_terminal_without_utf_8_gets_ascii() -> None:
    text = fragment_list_to_text(drawn(FACTS, 100, ASCII))
    assert text.isascii()
    assert "#" in text
    assert "~1,234" in text


def test_names_that_would_drive_the_terminal_are_shown() -> None:
    facts = Facts("m\x1b[2J\n", "a\u202eb", 1)
    assert line(facts, 80) == "m · a⟨U+202E⟩b · turn 1"


@given(
    model=st.text(max_size=30),
    branch=st.text("日本ab👍e\u0301", max_size=30),
    width=st.integers(0, 120),
    tokens=st.none() | st.integers(0, 10**7),
    budget=st.none() | st.integers(1, 10**7),
)
def test_it_is_never_wider_than_the_window(
    model: str, branch: str, width: int, tokens: int | None, budget: int | None
) -> None:
    facts = Facts(model, branch, 3, tokens=tokens, budget=budget, warnings=("日本語",))
    assert get_cwidth(line(facts, width)) <= width


def test_a_wide_letter_that_does_not_fit_is_left_out() -> None:
    assert cropped("日本語", 5, "…") == "日本…"
    assert cropped("日本語", 4, "…") == "日…"
    assert cropped("日本語", 6, "…") == "日本語"
    assert cropped("日本語", 0, "…") == ""

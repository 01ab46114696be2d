"""The toolbar: one line that says what matters most in whatever room there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.utils import get_cwidth

from chatcli.terminal.facts import Facts
from chatcli.terminal.gauge import ASCII_BLOCKS, BLOCKS, divided
from chatcli.terminal.sanitize import clean_line
from chatcli.terminal.theme import ASCII, Glyphs

CELLS_OF_BAR: Final = 8

LEAST_OF_MODEL: Final = 6
"""Cells of a model's name that are worth showing; what stands behind it can't be cut as well."""

NARROWER: Final = (
    *(("persona", 1), ("cost", 1), ("turn", 1), ("tokens", 1), ("tokens", 2)),
    *(("model", 1), ("branch", 1), ("tokens", 3)),
)
"""What is given up as the window narrows, in this order: the part, and its next spelling."""


def drawn(facts: Facts, width: int, glyphs: Glyphs, activity: str = "") -> StyleAndTextTuples:
    """Return the line in at most `width` cells, warnings first and in their own style.

    `activity` is what goes on in the background, if anything does.
    """
    warnings = [_spelled(each, glyphs) for each in facts.warnings]
    first = [*warnings, *([_spelled(activity, glyphs)] if activity else [])]
    spellings = _spellings(facts, glyphs)
    chosen = dict.fromkeys(spellings, 0)
    line = _line(first, spellings, chosen)
    for part, spelling in NARROWER:
        if _cells(glyphs.dot.join(line)) <= width:
            break
        chosen[part] = spelling
        line = _line(first, spellings, chosen)
    spellings["model"] = (_fitting(line, spellings["model"][chosen["model"]], width, glyphs),)
    line = _line(first, spellings, chosen)
    text = cropped(glyphs.dot.join(line), width, glyphs.ellipsis)
    alarm = len(glyphs.dot.join(warnings))
    return [("class:warning", text[:alarm]), ("class:toolbar", text[alarm:])]


def cropped(text: str, width: int, ellipsis: str) -> str:
    """Return `text` in at most `width` cells, ending in an ellipsis where it was cut."""
    if _cells(text) <= width:
        return text
    room = width - _cells(ellipsis)
    if room < 0:
        return ""
    used = 0
    for at, char in enumerate(text):
        used += get_cwidth(char)
        if used > room:
            return text[:at].rstrip() + ellipsis
    return text


def _fitting(line: list[str], model: str, width: int, glyphs: Glyphs) -> str:
    """Return the model's name, shortened where the line is too long and that would do."""
    over = _cells(glyphs.dot.join(line)) - width
    room = _cells(model) - over
    return cropped(model, room, glyphs.ellipsis) if over > 0 and room >= LEAST_OF_MODEL else model


def _line(
    first: list[str], spellings: Mapping[str, tuple[str, ...]], chosen: Mapping[str, int]
) -> list[str]:
    parts = [spellings[part][min(chosen[part], len(spellings[part]) - 1)] for part in spellings]
    return [each for each in (*first, *parts) if each]


def _spellings(facts: Facts, glyphs: Glyphs) -> dict[str, tuple[str, ...]]:
    """Return how each part can be written, the longest way first, in the order of the line."""
    model = _spelled(facts.model, glyphs)
    return {
        "model": (model, model.partition(":")[2] or model),
        "persona": (_spelled(facts.persona or "", glyphs), ""),
        "branch": (_spelled(facts.branch, glyphs), ""),
        "turn": (f"turn {facts.turn}", ""),
        "tokens": _tokens(facts, glyphs),
        "cost": (_spelled(facts.cost, glyphs), ""),
    }


def _tokens(facts: Facts, glyphs: Glyphs) -> tuple[str, ...]:
    tokens, budget = facts.tokens, facts.budget
    if tokens is None:
        return ("",)
    about = "" if facts.exact else _spelled("≈", glyphs)
    count = f"{about}{tokens:,}"
    if not budget:
        return f"{count} tokens", count
    share = f"{100 * tokens // budget} %"
    blocks = ASCII_BLOCKS if glyphs is ASCII else BLOCKS
    full, free = divided([tokens, max(budget - tokens, 0)], CELLS_OF_BAR)
    bar = f"{blocks[None] * full}{blocks['free'] * free}"
    return (
        f"{bar} {count} of {budget:,} ({share}) tokens",
        f"{bar} {count} ({share})",
        f"{bar} {about}{share}",
        f"{about}{share}",
    )


def _spelled(text: str, glyphs: Glyphs) -> str:
    """Return a text safe to show, with the signs that the terminal has."""
    line = clean_line(text).translate(glyphs.drawing)
    return line.replace("≈", "~") if glyphs is ASCII else line


def _cells(text: str) -> int:
    return get_cwidth(text)

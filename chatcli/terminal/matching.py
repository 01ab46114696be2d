"""Which of many names somebody means who types a few of their letters."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable
from typing import Final

from chatcli.commands.registry import Choice

MOST_OFFERED: Final = 100
"""More than that nobody scrolls through; another letter helps more."""


def matching(choices: Iterable[Choice], typed: str, most: int = MOST_OFFERED) -> list[Choice]:
    """Return the choices that `typed` may mean, the likeliest first, `most` of them at most.

    A choice matches when its name holds the typed letters in their order. One that begins with
    them comes first, then one with a word that does, one that holds them together, and one that
    holds them close to each other; among equals the order stays.
    """
    wanted = typed.casefold()
    names = [(choice.name.casefold(), choice) for choice in choices]
    together = [pair for pair in names if wanted in pair[0]]
    begun = [choice for name, choice in together if name.startswith(wanted)]
    if len(begun) >= most:
        return begun[:most]
    within = [pair for pair in together if not pair[0].startswith(wanted)]
    at_word = re.compile(rf"(?<![^\W_]){re.escape(wanted)}")
    within.sort(key=lambda pair: at_word.search(pair[0]) is None)
    found = begun + [choice for _, choice in within]
    if len(found) >= most:  # what is only scattered over a name has no place any more
        return found[:most]
    return found + _scattered(names, wanted, most - len(found))


def _scattered(names: Iterable[tuple[str, Choice]], wanted: str, most: int) -> list[Choice]:
    """Return the choices that hold the letters in their order but apart, the closest first."""
    letters = _in_their_order(wanted)
    found = [
        (match.end() - match.start(), index, choice)
        for index, (name, choice) in enumerate(names)
        if wanted not in name and (match := letters.search(name))
    ]
    return [choice for _, _, choice in heapq.nsmallest(most, found, key=lambda each: each[:2])]


def _in_their_order(letters: str) -> re.Pattern[str]:
    """Return what finds the letters with anything between, in a time that is linear in the name."""
    first, rest = letters[:1], letters[1:]
    gaps = "".join(f"[^{re.escape(each)}]*{re.escape(each)}" for each in rest)
    return re.compile(re.escape(first) + gaps)

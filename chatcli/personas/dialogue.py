"""The sample dialogue of a character card, as the pairs that a persona shows to the model.

spec_v1.md in malfoyslastname/character-card-spec-v2 has the form: blocks that begin with <START>,
in which each speaker's words follow the speaker's name and a colon.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_START: Final = re.compile("<START>", re.IGNORECASE)


def dialogue(text: str, character: str) -> tuple[list[dict[str, str]], str]:
    """Return the pairs in a sample dialogue, and the text of the blocks that are no such pairs.

    The user is called `{user}` in it. A block counts as a whole, so that no answer is shown
    without its question.
    """
    names = "|".join(re.escape(name) for name in ("{user}", "user", "you", character))
    speaker = re.compile(rf"[ \t]*({names})[ \t]*:[ \t]*", re.IGNORECASE)
    pairs: list[dict[str, str]] = []
    rest: list[str] = []
    for block in _START.split(text):
        found = _pairs(_speeches(block, speaker, character))
        if found:
            pairs += found
        elif block.strip():
            rest.append(block.strip())
    return pairs, "\n\n".join(rest)


def _speeches(block: str, speaker: re.Pattern[str], character: str) -> list[tuple[str, str]]:
    """Return who says what, each one's lines in a row joined; nothing where that is unclear."""
    found: list[tuple[str, list[str]]] = []
    for line in block.strip().splitlines():
        start = speaker.match(line)
        if start is None and not found:
            return []
        if start is not None:
            is_character = start[1].casefold() == character.casefold()
            role = "assistant" if is_character else "user"
            if not found or found[-1][0] != role:
                found.append((role, []))
        found[-1][1].append(line[start.end() :] if start else line)
    return [(role, "\n".join(lines).strip()) for role, lines in found]


def _pairs(speeches: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    roles = [role for role, _ in speeches]
    if roles != ["user", "assistant"] * (len(roles) // 2) or not all(said for _, said in speeches):
        return []
    texts = [said for _, said in speeches]
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [{"user": user, "assistant": reply} for user, reply in pairs]

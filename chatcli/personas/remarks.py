"""What there is to say about a persona that loads: keys that do nothing, things not taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chatcli.personas.keys import KEYS
from chatcli.personas.names import shown
from chatcli.personas.persona import OURS, Persona

_MOST: Final = 6
_MEANT: Final = {
    "max_tokens": "max_reply",
    "max_completion_tokens": "max_reply",
    "max_output_tokens": "max_reply",
    "stop_sequences": "stop",
    "effort": "reasoning_effort",
    "title": "name",
    "pairs": "window",
    "max_prompt_tokens": "budget",
    "first_mes": "greeting",
    "few_shot": "examples",
    "top_k": "extra_body",
    "system": "the text below the front matter",
    "system_prompt": "the text below the front matter",
    "prompt": "the text below the front matter",
}
"""What other programs call what we have."""


@dataclass(frozen=True)
class Remark:
    """What is the case with a persona's file, and what can be done about it. Texts are raw."""

    text: str
    hint: str = ""


def remarks(persona: Persona) -> list[Remark]:
    """Return what somebody should know who uses a persona: a line each, none where all is well."""
    file = persona.source.name if persona.source else persona.name
    found = []
    if persona.unknown:
        found.append(Remark(f"{file} has keys that mean nothing here: {_keys(persona.unknown)}"))
    if persona.form != OURS and persona.left_out:
        what = _some(list(persona.left_out))
        found.append(Remark(f"{file} is {_article(persona.form)}; not taken of it: {what}"))
    return found


def _keys(unknown: tuple[str, ...]) -> str:
    return _some([_with_nearest(key) for key in unknown])


def _with_nearest(key: str) -> str:
    from difflib import get_close_matches  # 7 ms that only a mistake costs

    named = key if key.isprintable() and len(key) <= 40 else shown(key)
    meant = _MEANT.get(key.lower().replace("-", "_"))
    near = [meant] if meant else get_close_matches(key[:40].lower(), KEYS, n=1, cutoff=0.7)
    return f"{named} (did you mean {near[0]}?)" if near else named


def _some(words: list[str]) -> str:
    more = len(words) - _MOST
    return ", ".join([*words[:_MOST], *([f"and {more} more"] if more > 0 else [])])


def _article(form: str) -> str:
    return f"{'an' if form[0] in 'aeiou' else 'a'} {form}"

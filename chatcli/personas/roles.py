"""Roles of aichat: Markdown files with model, temperature, top_p and use_tools in front.

The form is that of `Role` in aichat's src/config/role.rs. `__INPUT__` in a prompt is where the
user's message goes; a prompt may end in examples between `### INPUT:` and `### OUTPUT:`; names
between `{{__` and `__}}` are filled in with facts of the machine.
"""

from __future__ import annotations

import re
from typing import Final

from chatcli.personas.persona import Draft

FORM: Final = "aichat role"

_INPUT: Final = "__INPUT__"
_MARKS: Final = re.compile(r"### (INPUT|OUTPUT):")
_FACT: Final = re.compile(r"\{\{__([a-z_]{1,30})__\}\}")
_ARGUMENT: Final = re.compile(r"__ARG[0-9]__")
_PROFILES: Final = {"claude": "anthropic"}
"""What aichat calls by another name than we do."""


def is_role(draft: Draft) -> bool:
    """Tell whether a Markdown file was written for aichat."""
    text = draft.prompt
    return (
        "use_tools" in draft.values
        or _INPUT in text
        or _FACT.search(text) is not None
        or bool(_cases(text)[1])
    )


def adapted(draft: Draft) -> Draft:
    """Return what a role says, in our keys."""
    said = dict(draft.values)
    left_out = ["use_tools"] if said.pop("use_tools", None) is not None else []
    if isinstance(said.get("model"), str):
        profile, colon, model = str(said["model"]).partition(":")
        said["model"] = f"{_PROFILES.get(profile, profile)}{colon}{model}"
    prompt = draft.prompt.replace("{{__now__}}", "{date}")
    if _INPUT in prompt:
        prompt = prompt.replace(_INPUT, "(the user's message)")
    else:
        prompt, cases = _cases(prompt)
        if cases:
            said["examples"] = [*_list(said.get("examples")), *cases]
            prompt = prompt or "Answer as in the examples."
    gaps = [found[0] for found in _FACT.finditer(prompt)] + _ARGUMENT.findall(prompt)
    return Draft(said, prompt, FORM, left_out=(*left_out, *dict.fromkeys(gaps)))


def _cases(text: str) -> tuple[str, list[dict[str, str]]]:
    """Return the prompt above the examples, and these; the whole text where they don't pair up."""
    parts = _MARKS.split(text)
    marks, texts = parts[1::2], [part.strip() for part in parts[2::2]]
    paired = marks == ["INPUT", "OUTPUT"] * (len(marks) // 2)
    if not marks or not paired or not all(texts):
        return text, []
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return parts[0].strip(), [{"user": user, "assistant": reply} for user, reply in pairs]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []

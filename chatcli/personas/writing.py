"""Personas as text: the template of a new one, and one that is the copy of another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from chatcli.personas.described import settings_of
from chatcli.personas.keys import INJECTIONS, MEMORY, STRATEGY
from chatcli.personas.persona import OURS, Persona
from chatcli.personas.reading import front_and_prompt, text_of

TEMPLATE: Final = f"""---
# Between the lines of --- are the settings of a persona, below them its system prompt.
# A line that begins with # does nothing: take the # away to set what it says.
# In the prompt, {{turn}}, {{date}}, {{user}} and {{persona}} are filled in at each turn.

description: What it is for, in a few words

# model: ollama:llama3.2        # else the model that you use anyway
# temperature: 0.7              # from 0, the likeliest words, to 2
# top_p: 0.9
# max_reply: 500                # at most so many tokens
# stop: ["THE END"]             # where a reply is cut off
# seed: 7
# reasoning_effort: low         # for models that think first
# extra_body: {{top_k: 40}}       # what else a request says

# strategy: window              # {STRATEGY.expected}
# window: 5                     # pairs that `window` keeps
# budget: 4000                  # most tokens of a request

# inject: [turn, date]          # some of {", ".join(INJECTIONS)}
# memory: auto                  # {" or ".join(MEMORY)}: keep what you tell about yourself

# greeting: Hello! What shall we do?
# examples:                     # they show the model how to answer
#   - user: Good morning!
#     assistant: Good morning! The kettle is on.
---
You are a helpful assistant. Answer in plain words, and say so when you are not sure.
"""

_NAME: Final = re.compile(r"^[\"']?name[\"']?[ \t]*:.*\n?", re.MULTILINE)


def copy_of(persona: Persona) -> str:
    """Return the text of a persona that is another's copy and goes by a name of its own.

    One of ours is copied with its notes and unknown keys. One of another program is told anew.
    Raises PersonaError where its file can't be read any more.
    """
    if persona.form != OURS or persona.source is None:
        return written(persona)
    text = text_of(persona.source)
    front, prompt = front_and_prompt(persona.source, text)
    return _joined(_NAME.sub("", front.strip("\n"), count=1).strip("\n"), prompt)


def written(persona: Persona) -> str:
    """Return a persona as the text of a file that says the same, but for its name."""
    settings: dict[str, object] = {"description": persona.description or None}
    settings |= settings_of(persona)
    lines = [line for key, value in settings.items() for line in _lines(key, value)]
    return _joined("\n".join(lines), persona.prompt)


def _joined(front: str, prompt: str) -> str:
    if not front and not prompt.startswith("---"):
        return f"{prompt}\n"
    return f"---\n{front}\n---\n{prompt}\n"


def _lines(key: str, value: object) -> Iterator[str]:
    """Yield a key and its value as YAML, texts of several lines as they are read best."""
    if value is None:
        return
    if key == "examples" and isinstance(value, list):
        yield "examples:"
        for each in value:
            first, *more = (*_lines("user", each["user"]), *_lines("assistant", each["assistant"]))
            yield f"  - {first}"
            yield from (f"    {line}" if line else "" for line in more)
    elif isinstance(value, str) and "\n" in value and _reads_plainly(value):
        yield f"{key}: |-"
        yield from (f"  {line}" if line else "" for line in value.split("\n"))
    else:
        yield f"{key}: {_scalar(value)}"


def _reads_plainly(text: str) -> bool:
    """Tell whether YAML reads a block of these lines as nothing but these lines."""
    lines = text.split("\n")
    return (
        lines[0].strip() != ""
        and not text.startswith((" ", "\t"))
        and all(line.isprintable() and not (line and not line.strip()) for line in lines)
    )


def _scalar(value: object) -> str:
    """Return a value as JSON, which YAML reads, with what YAML would not take spelled out."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in text)

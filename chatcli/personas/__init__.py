"""Personas: files that say who answers, ours and those of other programs.

    ---
    description: A friendly pirate
    temperature: 0.5
    ---
    You are a friendly pirate…

A persona goes by its file's name. It may come from anybody and is read as data: a bounded file,
plain values, a fixed table of keys. The table is checked by hand and not by pydantic, because a
persona is loaded before the prompt is on screen and pydantic alone would take 100 ms of that.

Another program's format is a module that turns its file into a `Draft` in our keys; whatever
`reading.py` checks of ours it then checks of theirs.
"""

from chatcli.personas.described import described, settings_of
from chatcli.personas.keys import INJECTIONS, KEYS, MEMORY
from chatcli.personas.names import is_name
from chatcli.personas.persona import MAX_BYTES, Example, Persona
from chatcli.personas.reading import parse_persona, read_persona
from chatcli.personas.remarks import Remark, remarks
from chatcli.personas.store import PersonaStore, shipped_folder

__all__ = [
    "INJECTIONS",
    "KEYS",
    "MAX_BYTES",
    "MEMORY",
    "Example",
    "Persona",
    "PersonaStore",
    "Remark",
    "described",
    "is_name",
    "parse_persona",
    "read_persona",
    "remarks",
    "settings_of",
    "shipped_folder",
]

"""What a slash can do: one function each, in the module of its group."""

from __future__ import annotations

from chatcli.commands import (
    attach,
    branches,
    context,
    conversation,
    copying,
    costs,
    limits,
    look,
    marks,
    memory,
    questions,
    session,
    summaries,
    tools,
    voice,
)
from chatcli.commands.registry import Registry

MODULES = (
    *(session, conversation, branches, questions, context, limits, marks, summaries),
    *(voice, memory, look, attach, copying, costs, tools),
)


def shipped() -> Registry:
    """Return the commands that ship. A new group is a module and its name here."""
    return Registry(MODULES)

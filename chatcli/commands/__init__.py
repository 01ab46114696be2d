"""What a slash can do: one function each, in the module of its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatcli.commands.registry import Registry


def shipped() -> Registry:
    """Return the commands that ship. A new group is a module and its name here.

    They are imported here, because the first prompt has no use for them.
    """
    from chatcli.commands import (
        attach,
        beside,
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

    first = (session, conversation, branches, questions, context, limits, marks, summaries)
    return Registry((*first, voice, memory, look, attach, copying, beside, costs, tools))

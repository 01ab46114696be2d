"""Agent files of Claude Code and of Gemini CLI: Markdown whose body is the system prompt.

Their keys are in the table of front matter of Claude Code's page on subagents
(code.claude.com/docs/en/sub-agents) and in the schema in docs/core/subagents.md of
google-gemini/gemini-cli. The prompt, the description and a temperature are taken. Tools and what
governs them mean nothing in a chat, and a model is named in that program's words.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from chatcli.errors import PersonaError
from chatcli.personas.persona import Draft

FORM: Final = "agent file"

_ONLY_THEIRS: Final = (
    *("tools", "disallowedTools", "permissionMode", "maxTurns", "skills", "mcpServers", "hooks"),
    *("background", "effort", "isolation", "color", "initialPrompt"),  # Claude Code
    *("kind", "max_turns", "timeout_mins"),  # Gemini CLI
)
_MODELS: Final = ("inherit", "sonnet", "opus", "haiku")
_MEMORIES: Final = ("user", "project", "local")
_MOST: Final = 160
"""Characters of a description, which in these files is often a page with examples."""


def is_agent(draft: Draft) -> bool:
    """Tell whether a Markdown file was written for a coding agent."""
    said = draft.values
    return (
        any(key in said for key in _ONLY_THEIRS)
        or said.get("model") in _MODELS
        or said.get("memory") in _MEMORIES
    )


def adapted(path: Path, draft: Draft) -> Draft:
    """Return what an agent file says, in our keys. Raises PersonaError."""
    said = dict(draft.values)
    if said.get("kind") == "remote":
        told = f"{path}: the agent runs on another machine and has no prompt that could be taken"
        raise PersonaError(told, "use a local one")
    left_out = [key for key in _ONLY_THEIRS if said.pop(key, None) is not None]
    model = said.pop("model", None)
    if model not in {None, "inherit"}:
        left_out.append(f"model ({str(model)[:40]})")
    if said.get("memory") in _MEMORIES:
        left_out.append(f"memory ({said.pop('memory')})")
    name = said.pop("name", None)
    if isinstance(said.get("description"), str):
        said["description"] = _brief(str(said["description"]))
    return Draft(said, draft.prompt, FORM, name if isinstance(name, str) else None, tuple(left_out))


def _brief(description: str) -> str:
    """Return the beginning of a description, up to its examples; a `\\n` may be spelled out."""
    said = re.split(r"\\n|\n\s*\n|<example>|\bExamples?:", description, maxsplit=1)[0]
    words = " ".join(said.split())
    return words if len(words) <= _MOST else f"{words[:_MOST].rsplit(' ', 1)[0]} …"

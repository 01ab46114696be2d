"""Markdown files of other programs: agent files of Claude Code and Gemini CLI, roles of aichat."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatcli.personas import Example, PersonaStore, read_persona
from tests.personas.files import refusal, write

CLAUDE = """---
name: Code Reviewer
description: Use this agent after a change: it reviews.\\n\\nExamples:\\n<example>user: x</example>
tools: Read, Grep, Bash
model: sonnet
color: red
memory: project
hooks:
  Stop: [{hooks: [{type: command, command: ./run.sh}]}]
---

You review code.
"""
GEMINI = """---
name: security-auditor
description: Finds holes.
kind: local
tools: [read_file, "mcp_*"]
mcpServers: {mine: {command: node, args: [server.js]}}
model: gemini-3-flash-preview
temperature: 0.2
max_turns: 10
timeout_mins: 3
---
You are an auditor.
"""
CASES = """---
model: openai:gpt-4o
temperature: 0
top_p: 0.5
use_tools: fs,web_search
---
Answer in one word.

### INPUT:
2 + 2
### OUTPUT:
four

### INPUT:
capital of France
### OUTPUT:
Paris
"""


def test_an_agent_of_claude_code_is_its_prompt(tmp_path: Path) -> None:
    write(tmp_path, "code-reviewer", CLAUDE)
    persona = PersonaStore([tmp_path]).get("code-reviewer")
    assert persona.name == "code-reviewer"
    assert persona.form == "agent file"
    assert persona.description == "Use this agent after a change: it reviews."
    assert persona.prompt == "You review code."
    assert (persona.model, persona.parameters, persona.memory) == (None, {}, None)
    assert persona.left_out == ("tools", "hooks", "color", "model (sonnet)", "memory (project)")
    assert persona.unknown == ()


def test_an_agent_of_gemini_cli_keeps_its_temperature(tmp_path: Path) -> None:
    persona = read_persona(write(tmp_path, "auditor", GEMINI))
    assert persona.name == "auditor"
    assert persona.description == "Finds holes."
    assert persona.parameters == {"temperature": 0.2}
    assert persona.left_out == (
        *("tools", "mcpServers", "kind", "max_turns", "timeout_mins"),
        "model (gemini-3-flash-preview)",
    )


def test_an_agent_goes_by_its_own_name_where_its_file_has_none(tmp_path: Path) -> None:
    assert read_persona(write(tmp_path, "my agent (2)", CLAUDE)).name == "Code-Reviewer"


def test_an_agent_on_another_machine_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "far", "---\nkind: remote\nname: far\nagent_card_url: x\n---\nHi\n")
    assert refusal(path).startswith("the agent runs on another machine")


def test_what_an_agent_says_in_our_keys_is_as_strict_as_ever(tmp_path: Path) -> None:
    path = write(tmp_path, "x", "---\ntools: Read\ntemperature: hot\n---\nHi\n")
    assert refusal(path) == "line 3: temperature must be a number from 0 to 2, found 'hot'"
    path = write(tmp_path, "x", "---\ntools: Read\napi_key: sk-secret\n---\nHi\n")
    assert "can't be set by a persona" in refusal(path)


def test_a_long_description_is_told_in_part(tmp_path: Path) -> None:
    front = f"---\ntools: Read\ndescription: {'many words ' * 100}\n---\nHi\n"
    said = read_persona(write(tmp_path, "x", front)).description
    assert said.endswith(("many …", "words …"))
    assert len(said) < 170


@pytest.mark.parametrize(
    "text", ["Colons: here, and: there", "Rocket: 🚀 é", "Quotes: \"a\" and 'b' # no note"]
)
def test_a_description_may_have_a_colon_without_quotes(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "x", f"---\nseed: 1\ndescription: {text}\n---\nHi\n")
    assert read_persona(path).description == text


def test_a_role_of_aichat_brings_model_parameters_and_examples(tmp_path: Path) -> None:
    persona = read_persona(write(tmp_path, "word", CASES))
    assert persona.form == "aichat role"
    assert persona.prompt == "Answer in one word."
    assert persona.model == "openai:gpt-4o"
    assert persona.parameters == {"temperature": 0.0, "top_p": 0.5}
    assert persona.examples == (Example("2 + 2", "four"), Example("capital of France", "Paris"))
    assert persona.left_out == ("use_tools",)


def test_a_role_that_is_all_examples_has_a_prompt(tmp_path: Path) -> None:
    persona = read_persona(write(tmp_path, "x", "### INPUT:\na\n### OUTPUT:\nb\n"))
    assert (persona.prompt, len(persona.examples)) == ("Answer as in the examples.", 1)


@pytest.mark.parametrize(
    "cases",
    ["### INPUT:\na\n", "### INPUT:\na\n### INPUT:\nb\n", "### OUTPUT:\na\n### INPUT:\nb\n"],
)
def test_examples_of_a_role_that_do_not_pair_up_are_prompt(tmp_path: Path, cases: str) -> None:
    persona = read_persona(write(tmp_path, "x", f"Be brief.\n{cases}"))
    assert persona.prompt == f"Be brief.\n{cases}".strip()
    assert (persona.examples, persona.form) == ((), "persona")


def test_the_places_of_a_role_are_told_in_words(tmp_path: Path) -> None:
    text = (
        "---\nmodel: claude:sonnet-x\n---\nconvert __INPUT__ to __ARG1__, {{__now__}}, {{__os__}}"
    )
    persona = read_persona(write(tmp_path, "x", text))
    assert persona.prompt == "convert (the user's message) to __ARG1__, {date}, {{__os__}}"
    assert persona.model == "anthropic:sonnet-x"
    assert persona.left_out == ("{{__os__}}", "__ARG1__")

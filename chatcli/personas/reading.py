"""From a file to a persona: its text, what it says in our keys, and whether that may be said."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Final

from chatcli.errors import PersonaError
from chatcli.parameters import PARAMETERS
from chatcli.personas import agents, keys, roles
from chatcli.personas.names import CARDS, name_of, slug
from chatcli.personas.persona import MAX_BYTES, OURS, Draft, Persona
from chatcli.plainyaml import BadYaml, read_mapping

_FENCE: Final = re.compile(r"^---[ \t]*$\n?", re.MULTILINE)
_DESCRIPTION: Final = re.compile(r"^description:[ \t]+(?![\"'\[{>|&*!%@`#])(\S.*)$", re.MULTILINE)


def read_persona(path: Path) -> Persona:
    """Return the persona that a file describes. Raises PersonaError.

    It is a Markdown file of ours, of aichat or of a coding agent, or a character card. Without
    front matter the whole text is the prompt. The persona's name is the file's.
    """
    if path.suffix.lower() in CARDS:
        from chatcli.personas.cards import read_card

        return _persona(path, read_card(path))
    return parse_persona(path, text_of(path))


def parse_persona(path: Path, text: str) -> Persona:
    """Return the persona that the Markdown `text` of the file at `path` describes."""
    front, prompt = front_and_prompt(path, text)
    draft = Draft(_parse(path, front), prompt)
    if agents.is_agent(draft):
        draft = agents.adapted(path, draft)
    elif roles.is_role(draft):
        draft = roles.adapted(draft)
    return _persona(path, draft, front)


def _persona(path: Path, draft: Draft, front: str = "") -> Persona:
    """Return what a file says as a persona, once every key of it is checked."""
    told = keys.Keys(path, draft.values, front)
    name = told.take("name", keys.NAME) or name_of(path) or slug(draft.name or "")
    if name is None:
        raise PersonaError(
            f"{path}: the file's name is not {keys.NAME.expected}",
            "rename it" if draft.form != OURS else "rename it, or give it a `name`",
        )
    if not draft.prompt:
        raise PersonaError(f"{path}: there is no prompt", "write it below the front matter")
    parameters = {key: told.take(key, kind) for key, kind in PARAMETERS.items()}
    return Persona(
        name=name,
        description=told.take("description", keys.LINE) or "",
        prompt=draft.prompt,
        model=told.take("model", keys.MODEL),
        parameters={key: value for key, value in parameters.items() if value is not None},
        strategy=told.take("strategy", keys.STRATEGY),
        window=told.take("window", keys.WINDOW),
        budget=told.take("budget", keys.BUDGET),
        greeting=told.take("greeting", keys.TEXT),
        inject=told.take("inject", keys.INJECT) or (),
        examples=told.take("examples", keys.EXAMPLES) or (),
        memory=told.take("memory", keys.MEMORIES),
        source=path,
        unknown=told.untaken(),
        form=draft.form,
        left_out=draft.left_out,
    )


def text_of(path: Path) -> str:
    """Return the text of a Markdown file. Raises PersonaError."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            # Opening a pipe would wait for its writer.
            raise PersonaError(f"{path}: not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise PersonaError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > MAX_BYTES:
        raise PersonaError(f"{path}: larger than {MAX_BYTES // 1024} KB, which no persona is")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PersonaError(f"{path}: not UTF-8 text") from error
    if "\0" in text:
        raise PersonaError(f"{path}: not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def front_and_prompt(path: Path, text: str) -> tuple[str, str]:
    """Return the front matter, at its own lines of the file, and the prompt.

    Raises PersonaError.
    """
    opening = _FENCE.match(text, len(text) - len(text.lstrip()))
    if opening is None:
        return "", text.strip()
    closing = _FENCE.search(text, opening.end())
    if closing is None:
        told = f"{path}: the front matter that begins with --- has no end"
        raise PersonaError(told, "write --- alone on the line below the last key")
    above = "\n" * text.count("\n", 0, opening.end())
    return above + text[opening.end() : closing.start()], text[closing.end() :].strip()


def _parse(path: Path, front: str) -> dict[str, object]:
    """Return the keys of a front matter. Raises PersonaError.

    A description is a sentence and may have a colon, which agent files put in no quotes.
    """
    try:
        return read_mapping(front, "the front matter")
    except BadYaml as error:
        quoted = _DESCRIPTION.sub(_quoted, front, 1)
        if quoted != front:
            try:
                return read_mapping(quoted, "the front matter")
            except BadYaml:
                pass
        raise PersonaError(f"{path}: {error}", error.hint) from error


def _quoted(line: re.Match[str]) -> str:
    return f"description: {json.dumps(line[1], ensure_ascii=False)}"

"""Character cards, versions 1 to 3: who somebody is, as JSON, alone or inside a picture.

The fields and how they count in a prompt are those of spec_v1.md and spec_v2.md in
malfoyslastname/character-card-spec-v2 and of SPEC_V3.md in kwaroran/character-card-spec-v3. A PNG
holds the JSON in base64, as a text with the keyword `chara`, or `ccv3`, which comes first. A card
may be anybody's: only texts are taken of it, each checked, and together no larger than a persona.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chatcli.conversation.text import whole_text
from chatcli.errors import PersonaError
from chatcli.personas import png
from chatcli.personas.dialogue import dialogue
from chatcli.personas.names import shown
from chatcli.personas.persona import MAX_BYTES, Draft

FORM: Final = "character card"
MAX_JSON: Final = 4 * 1024 * 1024
"""Bytes of a card's JSON, most of which may be a lorebook that is not taken."""

_KEYWORDS: Final = (b"ccv3", b"chara")
_NAMES: Final = ("name", "nickname", "creator")
_TEXTS: Final = (
    *("description", "personality", "scenario", "first_mes", "mes_example"),
    *("system_prompt", "post_history_instructions", "creator_notes"),
)
_NOT_TAKEN: Final = ("alternate_greetings", "group_only_greetings", "assets")
_CHARACTER: Final = re.compile(r"\{\{char\}\}|<(?:bot|char)>", re.IGNORECASE)
_USER: Final = re.compile(r"\{\{user\}\}|<user>", re.IGNORECASE)
_ASIDES: Final = re.compile(r"\{\{original\}\}|\{\{(?://|comment:)[^{}]*\}\}", re.IGNORECASE)
_MOST_OF_NOTES: Final = 160


def read_card(path: Path) -> Draft:
    """Return what a card says, in the keys of a persona. Raises PersonaError."""
    card = _card(path, _json(path))
    said = {key: _said(path, card, key) for key in (*_NAMES, *_TEXTS)}
    name = said["name"] or path.stem
    character = said["nickname"] or name
    _refuse_large(path, said)
    filled = {key: _filled(said[key], character) for key in _TEXTS}
    _refuse_large(path, filled)
    examples, rest = dialogue(filled["mes_example"], character)
    values: dict[str, object] = {
        "description": _notes(filled["creator_notes"]) or f"{name}, {_made_by(said['creator'])}",
        "greeting": filled["first_mes"] or None,
        "examples": examples or None,
    }
    return Draft(values, _prompt(filled, character, rest), FORM, name, _left_out(card))


def _prompt(said: Mapping[str, str], character: str, examples: str) -> str:
    """Return one system prompt out of what other programs put in several places of a request.

    What a card wants below the history stands last. The model must know how the conversation was
    opened, since a greeting is shown and not sent.
    """
    who = f"You are {character}. Answer as {character} would, and never speak for {{user}}."
    parts = [
        said["system_prompt"] or who,
        said["description"],
        _headed("Personality", said["personality"]),
        _headed("Scenario", said["scenario"]),
        examples and f"How {character} talks:\n{examples}",
        said["post_history_instructions"],
        _headed("You have opened the conversation with these words", said["first_mes"]),
    ]
    return "\n\n".join(part for part in parts if part)


def _headed(heading: str, text: str) -> str:
    if not text:
        return ""
    return f"{heading}:\n{text}" if "\n" in text else f"{heading}: {text}"


def _filled(text: str, character: str) -> str:
    """Return a text with the card's own marks filled in; the user's name is filled in later."""
    text = _ASIDES.sub("", text)
    text = _CHARACTER.sub(lambda _: character, text)
    return _USER.sub("{user}", text).strip()


def _notes(text: str) -> str:
    """Return the first line of what the card's maker says to its users, without its markup."""
    plain = re.sub(r"<[^<>]*>|[*#_`]+", " ", text[:4000])
    line = next((line for line in plain.splitlines() if line.strip()), "")
    words = " ".join(line.split())
    return words if len(words) <= _MOST_OF_NOTES else f"{words[:_MOST_OF_NOTES]} …"


def _made_by(creator: str) -> str:
    return f"a character by {creator}" if creator else "a character"


def _left_out(card: Mapping[str, object]) -> tuple[str, ...]:
    """Return what a card has that a persona can't."""
    found = []
    book = card.get("character_book")
    if isinstance(book, Mapping):
        entries = book.get("entries")
        found.append(f"character_book ({len(entries) if isinstance(entries, list) else 0} entries)")
    for key in _NOT_TAKEN:
        value = card.get(key)
        if isinstance(value, list) and value:
            found.append(f"{key} ({len(value)})")
    return tuple(found)


# From a file to the fields of a card


def _card(path: Path, found: object) -> Mapping[str, object]:
    """Return the fields, which versions 2 and 3 keep in `data` and version 1 does not."""
    if isinstance(found, Mapping):
        inner = found.get("data")
        card = inner if isinstance(inner, Mapping) else found
        if any(key in card for key in _TEXTS):
            return card
    raise _no_card(path)


def _said(path: Path, card: Mapping[str, object], key: str) -> str:
    value = card.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise PersonaError(f"{path}: {key} must be text, found {shown(value)}")
    text = whole_text(value).replace("\r\n", "\n").replace("\r", "\n").strip()
    return " ".join(text.split())[:200] if key in _NAMES else text


def _refuse_large(path: Path, texts: Mapping[str, str]) -> None:
    """Raise PersonaError where the texts of a card are larger than any persona may be."""
    if sum(map(len, texts.values())) > MAX_BYTES:
        raise PersonaError(f"{path}: its texts are larger than {MAX_BYTES // 1024} KB")


def _json(path: Path) -> object:
    data = _data(path)
    if len(data) > MAX_JSON:
        raise PersonaError(f"{path}: larger than {MAX_JSON // 2**20} MB, which no character is")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        told = f"{path}: the character card in it is no JSON"
        raise PersonaError(told, "save it again with the program that made it") from error


def _data(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # Opening a pipe would wait for its writer.
            raise PersonaError(f"{path}: not a regular file")
        with path.open("rb") as file:
            if path.suffix.lower() != ".png":
                return file.read(MAX_JSON + 1)
            found = png.texts(file, _KEYWORDS)
    except (OSError, ValueError) as error:
        raise PersonaError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    for keyword in _KEYWORDS:
        if keyword in found:
            return _decoded(path, found[keyword])
    raise _no_card(path)


def _decoded(path: Path, text: bytes) -> bytes:
    """Return the JSON of a picture, which few programs put there as it is."""
    if text.lstrip()[:1] == b"{":
        return text
    try:
        return base64.b64decode(text + b"==")
    except binascii.Error as error:
        raise PersonaError(f"{path}: the character card in it is broken") from error


def _no_card(path: Path) -> PersonaError:
    return PersonaError(f"{path}: there is no character card in it", "name a persona's file")

"""Files of personas for tests, and what is said of those that are none."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from chatcli.errors import PersonaError
from chatcli.personas import read_persona

PNG = b"\x89PNG\r\n\x1a\n"
ADA: dict[str, Any] = {
    "name": "Ada Lovelace",
    "description": "{{char}} writes letters to {{user}}.",
    "personality": "curious",
    "scenario": "London, 1843",
    "first_mes": "Ah, <USER>!\n\nThe Engine awaits.",
    "mes_example": "<START>\n{{user}}: What is a loop?\n{{char}}: A cycle, {{user}}.\nIt returns.",
    "creator_notes": "<b>A card</b> for trying.\nMore.",
    "system_prompt": "",
    "post_history_instructions": "Stay in 1843.",
}
PIRATE = "You are a pirate."


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a Markdown file."""
    path = folder / f"{name}.md"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path) -> str:
    """Return what is said of a file that can't be a persona: one line that names the file."""
    with pytest.raises(PersonaError) as raised:
        read_persona(path)
    said = str(raised.value)
    assert said.startswith(f"{path}: ")
    assert len(said.splitlines()) == 1
    return said.removeprefix(f"{path}: ")


def refusal_of(folder: Path, front: str) -> str:
    return refusal(write(folder, "x", f"---\n{front}\n---\n{PIRATE}\n"))


def is_persona_or_refused(path: Path) -> bool:
    """Tell whether a file is a persona, or an error that names it; nothing else may happen."""
    try:
        return bool(read_persona(path).prompt)
    except PersonaError as error:
        said = str(error)
        return said.startswith(f"{path}: ") and len(said) < len(str(path)) + 300


def card(**more: object) -> dict[str, object]:
    """Return a character card of version 2."""
    return {"spec": "chara_card_v2", "spec_version": "2.0", "data": {**ADA, **more}}


def as_json(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def encoded(value: object) -> bytes:
    """Return a card as a picture holds it."""
    return base64.b64encode(json.dumps(value).encode())


def chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    """Return a chunk of a PNG; with another `length`, one that lies about its own."""
    size = len(data) if length is None else length
    return struct.pack(">I", size) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(*chunks: bytes) -> bytes:
    """Return a PNG with these chunks before its picture."""
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    idat = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return PNG + ihdr + b"".join(chunks) + idat + chunk(b"IEND", b"")


TEXT_CHUNKS = {
    "tEXt": chunk(b"tEXt", b"chara\0" + encoded(card())),
    "zTXt": chunk(b"zTXt", b"chara\0\0" + zlib.compress(encoded(card()))),
    "iTXt": chunk(b"iTXt", b"chara\0\0\0en\0chara\0" + encoded(card())),
    "packed iTXt": chunk(b"iTXt", b"chara\0\1\0\0\0" + zlib.compress(encoded(card()))),
    "plain JSON": chunk(b"tEXt", b"chara\0" + json.dumps(card()).encode()),
    "a capital": chunk(b"tEXt", b"Chara\0" + encoded(card())),
}
"""A card in each kind of text that a picture can hold."""

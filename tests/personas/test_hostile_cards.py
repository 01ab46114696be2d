"""What hostile character cards cost: a line, and no time."""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chatcli.personas import png, read_persona
from chatcli.personas.cards import MAX_JSON
from tests.personas.files import (
    ADA,
    PNG,
    TEXT_CHUNKS,
    as_json,
    card,
    chunk,
    encoded,
    is_persona_or_refused,
    picture,
    refusal,
)

BOMB = zlib.compress(b"\0" * (100 * 2**20), 9)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "no character card"),
    "no picture": (b"hello", "no character card"),
    "a picture alone": (picture(), "no character card"),
    "a bomb": (picture(chunk(b"zTXt", b"chara\0\0" + BOMB)), "no character card"),
    "a bomb in iTXt": (picture(chunk(b"iTXt", b"chara\0\1\0\0\0" + BOMB)), "no character card"),
    "broken packing": (picture(chunk(b"zTXt", b"chara\0\0xx")), "no character card"),
    "another packing": (picture(chunk(b"zTXt", b"chara\0\7" + BOMB)), "no character card"),
    "no end of the keyword": (picture(chunk(b"tEXt", b"chara")), "no character card"),
    "half an iTXt": (picture(chunk(b"iTXt", b"chara\0\0\0en")), "no character card"),
    "a length that lies": (PNG + chunk(b"tEXt", b"chara\0" + b"e30=", 2**31), "no character card"),
    "a length past the end": (PNG + chunk(b"tEXt", b"chara\0e30=", 5000), "no character card"),
    "no base64": (picture(chunk(b"tEXt", b"chara\0a")), "the character card in it is broken"),
    "no JSON": (picture(chunk(b"tEXt", b"chara\0AAAA")), "the character card in it is no JSON"),
    "a deep one": (
        picture(chunk(b"tEXt", b"chara\0" + b'{"data":' * 100_000)),
        "the character card in it is no JSON",
    ),
    "a large one": (
        picture(chunk(b"tEXt", b"chara\0" + encoded({"name": "x" * MAX_JSON}))),
        "larger than 4 MB",
    ),
    "a larger one": (picture(chunk(b"tEXt", b"chara\0" + b"A" * png.MAX_TEXT)), "no character"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_costs_one_line(tmp_path: Path, name: str) -> None:
    data, told = HOSTILE[name]
    path = tmp_path / "x.png"
    path.write_bytes(data)
    began = time.monotonic()
    assert told in refusal(path)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "no character card"),
        ({"role": "user", "content": "Hi"}, "no character card"),
        ({"data": {"data": ADA}}, "no character card"),
        (card(description=["a"]), "description must be text, found ['a']"),
        (card(name={"a": 1}), "name must be text, found {'a': 1}"),
        (card(scenario="a\0b"), "scenario must be text, found 'a\\x00b'"),
        (card(description="x" * 300_000), "its texts are larger than 256 KB"),
        (card(mes_example="x" * 300_000), "its texts are larger than 256 KB"),
        (card(name="x" * 200, first_mes="<bot>" * 50_000), "its texts are larger than 256 KB"),
    ],
)
def test_json_that_is_no_card_costs_one_line(tmp_path: Path, value: Any, told: str) -> None:
    assert told in refusal(as_json(tmp_path / "x.json", value))


def test_half_a_character_in_a_card_does_not_reach_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"name": "x", "description": "a\\ud800b"}')
    assert "a\ufffdb" in read_persona(path).prompt


def test_a_gigabyte_of_picture_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(PNG + chunk(b"IDAT", b"", 2**30))
    os.truncate(path, 2**30 + 100)
    with path.open("r+b") as file:
        file.seek(len(PNG) + 8 + 2**30 + 4)
        file.write(TEXT_CHUNKS["tEXt"])
    began = time.monotonic()
    assert "Ada Lovelace" in read_persona(path).prompt
    assert time.monotonic() - began < 1


VALUES = some.recursive(
    some.none() | some.booleans() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = some.dictionaries(
    some.sampled_from([*ADA, "nickname", "character_book", "alternate_greetings", "creator"]),
    some.text(some.characters(codec=None), max_size=40) | VALUES,
)


@given(fields=FIELDS, nested=some.booleans())
def test_no_fields_do_more_than_make_a_persona_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, fields: dict[str, object], nested: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "fields.json"
    assert is_persona_or_refused(as_json(path, {"data": fields} if nested else fields))


@given(
    cut=some.integers(0, 400), flip=some.integers(0, 3000), held=some.sampled_from([*TEXT_CHUNKS])
)
def test_no_spoilt_picture_does_more_than_make_a_persona_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int, held: str
) -> None:
    data = bytearray(picture(TEXT_CHUNKS[held]))
    data[flip % len(data)] ^= 0xFF
    path = tmp_path_factory.getbasetemp() / "spoilt.png"
    path.write_bytes(data[: len(data) - cut])
    assert is_persona_or_refused(path)

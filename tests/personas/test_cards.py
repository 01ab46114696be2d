"""Character cards, as JSON and inside pictures, and what hostile ones cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatcli.personas import Example, PersonaStore, read_persona
from tests.personas.files import (
    ADA,
    TEXT_CHUNKS,
    as_json,
    card,
    chunk,
    encoded,
    picture,
)

PROMPT = """You are Ada Lovelace. Answer as Ada Lovelace would, and never speak for {user}.

Ada Lovelace writes letters to {user}.

Personality: curious

Scenario: London, 1843

Stay in 1843.

You have opened the conversation with these words:
Ah, {user}!

The Engine awaits."""


def png_of(folder: Path, *chunks: bytes) -> Path:
    path = folder / "ada.png"
    path.write_bytes(picture(*chunks))
    return path


# What a card says


def test_a_card_is_a_persona(tmp_path: Path) -> None:
    persona = read_persona(as_json(tmp_path / "ada.json", card()))
    assert persona.name == "ada"
    assert persona.form == "character card"
    assert persona.description == "A card for trying."
    assert persona.prompt == PROMPT
    assert persona.greeting == "Ah, {user}!\n\nThe Engine awaits."
    assert persona.examples == (Example("What is a loop?", "A cycle, {user}.\nIt returns."),)
    assert (persona.left_out, persona.unknown) == ((), ())


@pytest.mark.parametrize("held", TEXT_CHUNKS)
def test_a_picture_holds_the_same_in_any_kind_of_text(tmp_path: Path, held: str) -> None:
    assert read_persona(png_of(tmp_path, TEXT_CHUNKS[held])).prompt == PROMPT


def test_version_1_has_no_data_and_version_3_a_nickname(tmp_path: Path) -> None:
    assert read_persona(as_json(tmp_path / "ada.json", ADA)).prompt == PROMPT
    third = {"spec": "chara_card_v3", "data": {**ADA, "nickname": "Countess"}}
    persona = read_persona(as_json(tmp_path / "ada.json", third))
    assert persona.prompt == PROMPT.replace("Ada Lovelace", "Countess")


def test_of_two_cards_in_a_picture_the_newer_version_counts(tmp_path: Path) -> None:
    third = chunk(b"tEXt", b"ccv3\0" + encoded({"data": {"name": "C", "description": "third"}}))
    for order in ([TEXT_CHUNKS["tEXt"], third], [third, TEXT_CHUNKS["tEXt"]]):
        assert "third" in read_persona(png_of(tmp_path, *order)).prompt


def test_a_cards_own_prompt_comes_first(tmp_path: Path) -> None:
    path = as_json(tmp_path / "a.json", card(system_prompt="{{original}}Be {{CHAR}}.{{// no}}"))
    assert read_persona(path).prompt.startswith("Be Ada Lovelace.\n\nAda Lovelace writes")


def test_what_is_not_taken_of_a_card_is_counted(tmp_path: Path) -> None:
    more = {
        "character_book": {"entries": [{}, {}, {}]},
        "alternate_greetings": ["a", "b"],
        "group_only_greetings": [],
        "assets": [{}],
        "extensions": {"x": 1},
        "tags": ["t"],
    }
    assert read_persona(as_json(tmp_path / "a.json", card(**more))).left_out == (
        "character_book (3 entries)",
        "alternate_greetings (2)",
        "assets (1)",
    )


def test_a_card_without_notes_is_described_by_its_name(tmp_path: Path) -> None:
    path = as_json(tmp_path / "a.json", card(creator_notes="", creator="Babbage"))
    assert read_persona(path).description == "Ada Lovelace, a character by Babbage"


@pytest.mark.parametrize(
    ("dialogue", "pairs", "rest"),
    [
        ("<START>\n{{user}}: a\n{{char}}: b\n<START>\nYou: c\nAda Lovelace: d", 2, ""),
        ("{{user}}: a\n{{user}}: more\n{{char}}: b\n\nand on", 1, ""),
        ("<START>\n{{char}}: I begin.", 0, "Ada Lovelace: I begin."),
        ("<START>\n{{user}}: a\n{{char}}: b\n<START>\n{{user}}: only asks", 1, "only asks"),
        ("She speaks softly.", 0, "She speaks softly."),
        ("<START>\n<START>\n", 0, ""),
    ],
)
def test_dialogue_that_pairs_up_is_examples_and_the_rest_is_prompt(
    tmp_path: Path, dialogue: str, pairs: int, rest: str
) -> None:
    persona = read_persona(as_json(tmp_path / "a.json", card(mes_example=dialogue)))
    assert len(persona.examples) == pairs
    assert ("How Ada Lovelace talks:" in persona.prompt) == bool(rest)
    assert rest in persona.prompt


# Where cards are found


def test_a_card_in_the_folder_goes_by_its_files_name(tmp_path: Path) -> None:
    (tmp_path / "Ada Lovelace (v2).png").write_bytes(picture(TEXT_CHUNKS["tEXt"]))
    (tmp_path / "notes.txt").write_text("no persona")
    store = PersonaStore([tmp_path])
    assert store.names() == ["Ada-Lovelace-v2"]
    assert store.get("ada-lovelace-V2").prompt == PROMPT


def test_a_picture_beside_a_persona_is_only_its_picture(tmp_path: Path) -> None:
    (tmp_path / "ada.md").write_text("The real one.")
    (tmp_path / "ada.PNG").write_bytes(picture())
    assert PersonaStore([tmp_path]).get("ada").prompt == "The real one."
    assert PersonaStore([tmp_path]).broken() == []


def test_a_card_needs_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = png_of(tmp_path, TEXT_CHUNKS["tEXt"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [str(path), "ada.png", "./ada.png", "~/ada.png"]:
        assert PersonaStore([]).get(name).name == "ada"
    path.rename(tmp_path / "***.png")
    assert PersonaStore([]).get("***.png").name == "Ada-Lovelace"

"""The template of a new persona, copies of others, and what is said of odd ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chatcli.conversation.events import Document, Notice
from chatcli.personas import (
    KEYS,
    Example,
    Persona,
    parse_persona,
    read_persona,
    remarks,
    settings_of,
)
from chatcli.personas.meeting import LONGEST_GREETING, greeting
from chatcli.personas.writing import TEMPLATE, copy_of, written
from tests.personas.files import as_json, card, write

HERE = Path("x.md")


def test_the_template_is_a_persona_as_it_stands() -> None:
    persona = parse_persona(HERE, TEMPLATE)
    assert persona.prompt
    assert settings_of(persona) == {}
    assert remarks(persona) == []


def test_every_line_of_the_template_that_is_set_means_something() -> None:
    set_all = re.sub(r"^# ( *(?:[a-z_]+:|- |assistant:))", r"\1", TEMPLATE, flags=re.MULTILINE)
    persona = parse_persona(HERE, set_all)
    assert persona.unknown == ()
    assert {"description", *settings_of(persona)} == set(KEYS) - {"name"}


def test_a_copy_keeps_notes_and_unknown_keys_but_not_the_name(tmp_path: Path) -> None:
    text = "---\n# A note.\nname: x\nseed: 7\ncolour: red\n---\nHi\n"
    copy = copy_of(read_persona(write(tmp_path, "x", text)))
    assert copy == "---\n# A note.\nseed: 7\ncolour: red\n---\nHi\n"


@pytest.mark.parametrize("text", ["Hi\n", "---\n---\nHi\n", "---\nname: x\n---\nHi\n"])
def test_a_copy_of_a_prompt_is_the_prompt(tmp_path: Path, text: str) -> None:
    assert copy_of(read_persona(write(tmp_path, "x", text))) == "Hi\n"


def test_a_copy_of_a_card_says_the_same_in_markdown(tmp_path: Path) -> None:
    ada = read_persona(as_json(tmp_path / "ada.json", card()))
    copy = parse_persona(HERE, copy_of(ada))
    assert copy.form == "persona"
    for name in ("description", "prompt", "greeting", "examples"):
        assert getattr(copy, name) == getattr(ada, name)


TEXTS = some.text(
    some.characters(codec="utf-8", exclude_characters="\0\r") | some.sampled_from("\n\n -:#|"),
    min_size=1,
    max_size=40,
).map(str.strip)
TEXTS = TEXTS.filter(bool)


@given(prompt=TEXTS, greeting=TEXTS, example=some.tuples(TEXTS, TEXTS))
def test_what_is_written_of_a_persona_is_read_back(
    prompt: str, greeting: str, example: tuple[str, str]
) -> None:
    persona = Persona("x", "A: b", prompt, greeting=greeting, examples=(Example(*example),))
    read = parse_persona(HERE, written(persona))
    assert (read.prompt, read.greeting) == (prompt, greeting)
    assert (read.description, read.examples) == ("A: b", persona.examples)


# What is pointed out


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("temprature", "temprature (did you mean temperature?)"),
        ("max_tokens", "max_tokens (did you mean max_reply?)"),
        ("Max-Tokens", "Max-Tokens (did you mean max_reply?)"),
        ("system", "system (did you mean the text below the front matter?)"),
        ("colour", "colour"),
        ('"a\\nb"', r"'a\nb'"),
    ],
)
def test_an_unknown_key_is_pointed_out_with_what_is_nearest(
    tmp_path: Path, key: str, told: str
) -> None:
    (remark,) = remarks(read_persona(write(tmp_path, "x", f"---\n{key}: 1\n---\nHi\n")))
    assert remark.text == f"x.md has keys that mean nothing here: {told}"


def test_a_hundred_unknown_keys_are_told_in_part(tmp_path: Path) -> None:
    front = "".join(f"{'q' * 60}{number}: 1\n" for number in range(100))
    (remark,) = remarks(read_persona(write(tmp_path, "x", f"---\n{front}---\nHi\n")))
    assert remark.text.endswith(", and 94 more")
    assert len(remark.text) < 500


def test_what_is_not_taken_of_another_programs_file_is_told(tmp_path: Path) -> None:
    text = "---\ntools: Read\nmodel: opus\ncolour: red\n---\nHi\n"
    unknown, left_out = remarks(read_persona(write(tmp_path, "x", text)))
    assert unknown.text == "x.md has keys that mean nothing here: colour"
    assert left_out.text == "x.md is an agent file; not taken of it: tools, model (opus)"


def test_a_greeting_is_filled_in_and_never_fills_the_screen() -> None:
    said = list(greeting(Persona("x", "", "Hi", greeting="Ahoy {user}, I am {persona} {x}"), "Al"))
    assert said == [Notice("Ahoy Al, I am x {x}")]
    (long,) = greeting(Persona("x", "", "Hi", greeting="a\n" * 100_000), None)
    assert isinstance(long, Document)
    assert len(long.markdown) == LONGEST_GREETING
    assert list(greeting(Persona("x", "", "Hi"), None)) == []

"""What a file of ours may say, and that what is written is what is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from chatcli.conversation.strategies import STRATEGIES
from chatcli.personas import INJECTIONS, MEMORY, Example, Persona, read_persona
from tests.personas.files import refusal_of, write


def test_every_key_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "captain",
        """---
name: Captain
description: Runs
  the ship
model: ollama:llama3.2:3b
temperature: 1
top_p: 9e-1
max_reply: 200
stop: [no, "\\n\\n"]
seed: 7
reasoning_effort: low
extra_body: {top_k: 40}
strategy: window
window: 4
budget: 3000
greeting: 'Ahoy: all hands'
inject: [date, turn, date]
memory: auto
examples:
  - user: Who are you?
    assistant: The captain.
---

You run the ship.
""",
    )
    assert read_persona(path) == Persona(
        name="Captain",
        description="Runs the ship",
        prompt="You run the ship.",
        model="ollama:llama3.2:3b",
        parameters={
            "temperature": 1.0,
            "top_p": 0.9,
            "max_reply": 200,
            "stop": ("no", "\n\n"),
            "seed": 7,
            "reasoning_effort": "low",
            "extra_body": {"top_k": 40},
        },
        strategy="window",
        window=4,
        budget=3000,
        greeting="Ahoy: all hands",
        inject=("date", "turn"),
        memory="auto",
        examples=(Example("Who are you?", "The captain."),),
        source=path,
    )


@pytest.mark.parametrize("front", ["", "---\n---\n", "---\n# nothing\n---\n", "---\nmodel:\n---\n"])
def test_a_file_that_sets_nothing_is_its_prompt(tmp_path: Path, front: str) -> None:
    path = write(tmp_path, "plain", f"{front}# Be brief\n\n---\n\nAlways.\n")
    assert read_persona(path) == Persona("plain", "", "# Be brief\n\n---\n\nAlways.", source=path)


def test_a_mark_at_the_start_and_the_line_ends_of_windows_change_nothing(tmp_path: Path) -> None:
    text = "---\ndescription: Größe\n---\nOne.\nTwo.\n"
    plain = read_persona(write(tmp_path, "x", text))
    assert read_persona(write(tmp_path, "x", "\ufeff" + text.replace("\n", "\r\n"))) == plain


def test_unknown_keys_are_pointed_out_and_harm_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, "x", "---\ncolour: red\ntemprature: hot\n<<: {top_p: 1}\n---\nHi\n")
    persona = read_persona(path)
    assert persona.unknown == ("colour", "temprature", "<<")
    assert persona.parameters == {}


@pytest.mark.parametrize("word", ["no", "on", "12:30", "2024-13-45", "1_000", "0x10", ".nan"])
def test_words_that_only_old_yaml_turns_into_something_else_stay_words(
    tmp_path: Path, word: str
) -> None:
    path = write(tmp_path, "x", f"---\ndescription: {word}\n---\nHi\n")
    assert read_persona(path).description == word


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("temperature: hot", "temperature must be a number from 0 to 2, found 'hot'"),
        ("temperature: '1'", "temperature must be a number from 0 to 2, found '1'"),
        ("temperature: true", "temperature must be a number from 0 to 2, found True"),
        ("temperature: 2.1", "temperature must be a number from 0 to 2, found 2.1"),
        ("temperature: 1e999", "temperature must be a number from 0 to 2, found inf"),
        ("top_p: -1", "top_p must be a number from 0 to 1, found -1"),
        ("max_reply: 1.0", "max_reply must be a whole number from 1 to 1000000, found 1.0"),
        ("seed: true", "seed must be a whole number from 0 to 4294967295, found True"),
        ("window: 0", "window must be a whole number from 1 to 10000, found 0"),
        ("budget: many", "budget must be a whole number from 1 to 100000000, found 'many'"),
        ("stop: ['']", "stop must be a text or a list of texts, found ['']"),
        ("stop: 3", "stop must be a text or a list of texts, found 3"),
        ("strategy: guess", f"strategy must be one of {', '.join(STRATEGIES)}, found 'guess'"),
        ("strategy: [full]", f"strategy must be one of {', '.join(STRATEGIES)}, found ['full']"),
        ("inject: date", f"inject must be a list of some of {', '.join(INJECTIONS)}, found 'date'"),
        ("inject: [[]]", f"inject must be a list of some of {', '.join(INJECTIONS)}, found [[]]"),
        ("greeting: [Hi]", "greeting must be text, found ['Hi']"),
        ("description: 5", "description must be text, found 5"),
        ('model: "a\\nb"', "model must be the name of a model, found 'a\\nb'"),
        ("name: ../x", "name must be a name of letters, digits, `.`, `_` and `-`, found '../x'"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(
    tmp_path: Path, front: str, told: str
) -> None:
    assert refusal_of(tmp_path, front) == f"line 2: {told}"


@pytest.mark.parametrize(
    "pair",
    ["{user: a}", "{user: a, assistant: b, system: c}", "{user: a, assistant: ''}", "a", "3"],
)
def test_an_example_is_a_whole_exchange(tmp_path: Path, pair: str) -> None:
    assert refusal_of(tmp_path, f"examples: [{pair}]").startswith(
        "line 2: examples must be a list of pairs"
    )


def test_a_long_value_is_quoted_in_part(tmp_path: Path) -> None:
    assert len(refusal_of(tmp_path, f"temperature: {'x' * 10_000}")) < 120


# A law: what a persona says can be written to a file and read back

TEXT = some.text(
    some.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=30
).filter(lambda text: text == " ".join(text.split()) and not text.startswith("\ufeff"))
# A number in YAML 1.2, which PyYAML, a writer of 1.1, does not put in quotes.
TEXT = TEXT.filter(lambda text: not re.fullmatch(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", text))
FRONTS = some.fixed_dictionaries(
    {},
    optional={
        "description": TEXT,
        "temperature": some.floats(0, 2),
        "top_p": some.floats(0, 1),
        "max_reply": some.integers(1, 1_000_000),
        "stop": some.lists(TEXT, min_size=1, max_size=3),
        "seed": some.integers(0, 2**32 - 1),
        "memory": some.sampled_from(MEMORY),
        "strategy": some.sampled_from(sorted(STRATEGIES)),
        "window": some.integers(1, 10_000),
        "budget": some.integers(1, 100_000_000),
        "greeting": TEXT,
        "inject": some.lists(some.sampled_from(INJECTIONS), unique=True),
        "examples": some.lists(some.fixed_dictionaries({"user": TEXT, "assistant": TEXT})),
    },
)


@given(front=FRONTS, prompt=TEXT.filter(lambda text: not text.startswith("---")))
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, front: dict[str, object], prompt: str
) -> None:
    written = yaml.safe_dump(front, allow_unicode=True) if front else ""
    path = write(tmp_path_factory.getbasetemp(), "law", f"---\n{written}---\n{prompt}\n")
    persona = read_persona(path)
    found: dict[str, object] = {
        **persona.parameters,
        "description": persona.description,
        "strategy": persona.strategy,
        "memory": persona.memory,
        "window": persona.window,
        "budget": persona.budget,
        "greeting": persona.greeting,
        "inject": list(persona.inject),
        "examples": [vars(example) for example in persona.examples],
    }
    if "stop" in found:
        found["stop"] = list(persona.parameters["stop"])  # type: ignore[arg-type]  # it is a tuple
    assert {key: value for key, value in found.items() if key in front} == front
    assert not [key for key in found if key not in front and found[key]]
    assert persona.prompt == prompt
    assert persona.unknown == ()

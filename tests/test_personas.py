"""Personas: what ships, what a file may say, and what the worst file costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from chatcli.conversation.context import STRATEGIES
from chatcli.errors import PersonaError
from chatcli.personas import (
    INJECTIONS,
    MAX_BYTES,
    Example,
    Persona,
    PersonaStore,
    read_persona,
    shipped_folder,
)

SHIPPED = ["assistant", "coder", "editor", "pirate", "shell", "tutor"]


def write(folder: Path, name: str, content: str | bytes) -> Path:
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
    return refusal(write(folder, "x", f"---\n{front}\n---\nYou are a pirate.\n"))


# What ships


def test_the_six_that_ship_are_listed() -> None:
    assert PersonaStore([shipped_folder()]).names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_that_ships_reads_well(name: str) -> None:
    persona = PersonaStore([shipped_folder()]).get(name)
    assert persona.name == name
    assert persona.unknown == ()
    assert persona.description
    assert persona.greeting
    assert len(persona.greeting.splitlines()) == 1
    assert 20 < len(persona.prompt.split()) < 100


def test_the_pirate_shows_the_model_how_a_name_is_remembered() -> None:
    pirate = PersonaStore([shipped_folder()]).get("pirate")
    asked = [example.user for example in pirate.examples]
    assert len(asked) == 4
    assert all("name" in question for question in asked)
    assert "pirate" in pirate.prompt


# What a file may say


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
strategy: window
window: 4
budget: 3000
greeting: 'Ahoy: all hands'
inject: [date, turn, date]
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
        },
        strategy="window",
        window=4,
        budget=3000,
        greeting="Ahoy: all hands",
        inject=("date", "turn"),
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
    assert refusal_of(tmp_path, front) == told


@pytest.mark.parametrize(
    "pair",
    ["{user: a}", "{user: a, assistant: b, system: c}", "{user: a, assistant: ''}", "a", "3"],
)
def test_an_example_is_a_whole_exchange(tmp_path: Path, pair: str) -> None:
    assert refusal_of(tmp_path, f"examples: [{pair}]").startswith(
        "examples must be a list of pairs"
    )


def test_a_long_value_is_quoted_in_part(tmp_path: Path) -> None:
    assert len(refusal_of(tmp_path, f"temperature: {'x' * 10_000}")) < 120


@pytest.mark.parametrize(
    "key",
    ["base_url", "Base-URL", "OPENAI_BASE_URL", "endpoint", "api_key", "APIKEY", "key", "token"],
)
def test_a_persona_can_not_say_where_messages_and_keys_go(tmp_path: Path, key: str) -> None:
    said = refusal_of(tmp_path, f"{key}: sk-secret")
    assert said.startswith(f"{key} can't be set by a persona, which may come from anybody")
    assert "sk-secret" not in said


# What the worst file costs


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("a: &a [x]\nb: [*a, *a]", "line 2: anchors and aliases are not read here"),
        ("b: *a", "line 2: anchors and aliases are not read here"),
        ("a: &a\n  - *a", "line 2: anchors and aliases are not read here"),
        ("a: !!python/object/apply:os.abort []", "line 2: tags are not read here"),
        ("temperature: !!float 1", "line 2: tags are not read here"),
        ("name: !x y", "line 2: tags are not read here"),
        ("a: " + "[" * 200_000, "line 2: nested more than 8 deep"),
        ("a: " + "{b: " * 50_000, "line 2: nested more than 8 deep"),
        ("a:\n" + "- " * 100_000, "line 3: nested more than 8 deep"),
        ("? " * 100_000, "line 2: nested more than 8 deep"),
        ("\n".join(" " * i + "a:" for i in range(500)), "line 10: nested more than 8 deep"),
        ("seed: 1\nseed: 2", "line 3: 'seed' is there twice"),
        ("[a]: 1", "line 2: a key must be a word"),
        ("{a: 1}: 1", "line 2: a key must be a word"),
        ("- a", "line 2: the front matter must be lines of `key: value`"),
        ("just words", "line 2: the front matter must be lines of `key: value`"),
        ("a: b: c", "line 2: mapping values are not allowed in this context; text with a colon"),
        ("a: [", "line 3: "),
        ("a: 1\n...\nb: 2", "line 4: "),
        ("a: \x07", "a control character in the front matter"),
    ],
)
def test_yaml_that_is_more_than_plain_values_is_refused(
    tmp_path: Path, front: str, told: str
) -> None:
    began = time.monotonic()
    assert refusal_of(tmp_path, front).startswith(told)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "front",
    ["a: " + "[" * 20_000, "a: &a [x]\nb: *a", "a: !!python/name:os.system x", 'name: "\\ud800"'],
)
def test_the_slower_parser_of_a_python_without_libyaml_is_as_strict(
    tmp_path: Path, front: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert refusal_of(tmp_path, front).startswith("line 2: ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no prompt"),
        (b"---\nseed: 1\n---\n \n", "there is no prompt"),
        (b"---\nseed: 1\nYou are a pirate.\n", "the front matter that begins with --- has no end"),
        (b"\xff\xfeh\0i\0", "not UTF-8 text"),
        (b"\x7fELF\0\0", "not text"),
        (b"x" * (MAX_BYTES + 1), "larger than 256 KB"),
    ],
)
def test_a_file_that_is_no_persona_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    assert refusal(write(tmp_path, "x", content)).startswith(told)


def test_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, "x", "You are a pirate.")
    os.truncate(path, 2**30)
    began = time.monotonic()
    assert refusal(path).startswith("larger than 256 KB")
    assert time.monotonic() - began < 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.md")
    assert refusal(tmp_path / "x.md") == "not a regular file"


def test_a_folder_and_a_file_that_is_not_there_are_no_personas(tmp_path: Path) -> None:
    (tmp_path / "x.md").mkdir()
    assert refusal(tmp_path / "x.md") == "not a regular file"
    assert "No such file" in refusal(tmp_path / "y.md")
    assert "null" in refusal(tmp_path / "nul\0.md")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    try:
        (tmp_path / "x.md").symlink_to(tmp_path / "x.md")
    except OSError:
        pytest.skip("links can't be made here")
    assert refusal(tmp_path / "x.md")


def is_persona_or_refused(path: Path) -> bool:
    try:
        return bool(read_persona(path).prompt)
    except PersonaError as error:
        return str(error).startswith(f"{path}: ")


@given(some.binary(max_size=300))
def test_no_bytes_do_more_than_make_a_persona_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    assert is_persona_or_refused(write(tmp_path_factory.getbasetemp(), "bytes", content))


YAML_SCRAPS = some.sampled_from(list("-.?:,[]{}&*!|>'\"#%@`~\\a1é \t\n")) | some.sampled_from(
    ["---\n", "...\n", "\n  ", "\r\n", "<<", "null", "1.5", "temperature: ", "stop: ", "examples: "]
)


@given(some.lists(YAML_SCRAPS, max_size=25).map("".join))
def test_no_front_matter_does_more_than_make_a_persona_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, front: str
) -> None:
    content = f"---\n{front}\n---\nHi\n"
    assert is_persona_or_refused(write(tmp_path_factory.getbasetemp(), "scraps", content))


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


# The store


def test_the_users_own_come_before_those_that_ship(tmp_path: Path) -> None:
    write(tmp_path, "Pirate", "Mine.")
    write(tmp_path, "zoe", "Mine too.")
    store = PersonaStore([tmp_path, shipped_folder()])
    assert store.names() == ["assistant", "coder", "editor", "Pirate", "shell", "tutor", "zoe"]
    assert store.get("pirate").prompt == "Mine."
    assert [persona.name for persona in store.list()] == store.names()


def test_names_match_whatever_their_case_and_however_they_are_stored(tmp_path: Path) -> None:
    write(tmp_path, "Ge\u0301ne\u0301ral", "Hi")
    store = PersonaStore([tmp_path])
    assert store.names() == ["Général"]
    assert store.get("GÉNÉRAL").name == "Général"


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path, "good", "Hi")
    write(tmp_path, "hot", "---\ntemperature: hot\n---\nHi")
    write(tmp_path, "empty", "")
    store = PersonaStore([tmp_path])
    assert [persona.name for persona in store.list()] == ["good"]
    assert [error.message for error in store.broken()] == [
        f"{tmp_path / 'empty.md'}: there is no prompt",
        f"{tmp_path / 'hot.md'}: temperature must be a number from 0 to 2, found 'hot'",
    ]


def test_files_that_can_not_be_named_are_left_alone(tmp_path: Path) -> None:
    for name in [".hidden", "-flag", "two words", "semi;colon", "x" * 65]:
        write(tmp_path, name, "Hi")
    (tmp_path / "notes.txt").write_text("Hi")
    assert PersonaStore([tmp_path, tmp_path / "absent"]).names() == []


def test_a_name_of_nobody_suggests_the_nearest() -> None:
    store = PersonaStore([shipped_folder()])
    with pytest.raises(PersonaError) as raised:
        store.get("pirat")
    assert raised.value.exit_code == 2
    assert str(raised.value) == (
        "no persona is named 'pirat'; did you mean pirate? `chatcli personas list` shows them all"
    )
    with pytest.raises(PersonaError, match=r"^no persona is named 'q'; `chatcli personas list`"):
        store.get("q")


@pytest.mark.parametrize("name", ["", ".", "..", "*", "pirate\n", "a" * 5000])
def test_odd_names_are_nobodys(name: str) -> None:
    with pytest.raises(PersonaError, match="no persona is named"):
        PersonaStore([shipped_folder()]).get(name)


def test_a_path_needs_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "crew", "---\nname: bosun\n---\nHi")
    monkeypatch.chdir(tmp_path)
    store = PersonaStore([])
    for path in [str(tmp_path / "crew.md"), "crew.md", "./crew.md"]:
        assert store.get(path).name == "bosun"


def test_a_path_to_a_file_without_a_usable_name_must_name_itself(tmp_path: Path) -> None:
    path = write(tmp_path, "two words", "Hi")
    assert refusal(path).endswith("rename it, or give it a `name`")
    write(tmp_path, "two words", "---\nname: words\n---\nHi")
    assert PersonaStore([]).get(str(path)).name == "words"


def test_a_persona_of_a_folder_is_called_as_its_file_is(tmp_path: Path) -> None:
    path = write(tmp_path, "mine", "---\nname: pirate\n---\nHi")
    store = PersonaStore([tmp_path])
    with pytest.raises(PersonaError) as raised:
        store.get("mine")
    assert raised.value.message == (
        f"{path}: name must be mine, as the file is called, found 'pirate'"
    )


# What it costs


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_naming_the_personas_loads_no_yaml_and_reading_one_no_pydantic() -> None:
    start = "from chatcli.personas import PersonaStore, shipped_folder\n"
    start += "store = PersonaStore([shipped_folder()])\n"
    assert not modules_after(start + "store.names()") & {"yaml", "pydantic", "difflib"}
    assert "pydantic" not in modules_after(start + "store.list()")

"""Where personas are found, and the twelve that ship."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chatcli.errors import PersonaError
from chatcli.personas import PersonaStore, remarks, shipped_folder
from tests.personas.files import refusal, write

SHIPPED = [
    *("assistant", "coder", "companion", "debugger", "editor", "explainer"),
    *("pirate", "reviewer", "shell", "translator", "turnkeeper", "tutor"),
]


def test_the_twelve_that_ship_are_listed() -> None:
    assert PersonaStore([shipped_folder()]).names() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_that_ships_reads_well(name: str) -> None:
    persona = PersonaStore([shipped_folder()]).get(name)
    assert persona.name == name
    assert persona.source == shipped_folder() / f"{name}.md"
    assert remarks(persona) == []
    assert 20 < len(persona.description) < 70
    assert persona.greeting
    assert len(persona.greeting.splitlines()) == 1
    assert 20 < len(persona.prompt.split()) < 100


def test_those_that_show_what_a_persona_can_do_set_it() -> None:
    shipped = {each.name: each for each in PersonaStore([shipped_folder()]).list()}
    assert shipped["turnkeeper"].inject == ("turn",)
    assert shipped["tutor"].inject == ("questions",)
    assert (shipped["translator"].strategy, shipped["translator"].window) == ("window", 5)
    assert shipped["companion"].memory == "auto"
    assert "memory" in shipped["companion"].inject


def test_the_pirate_shows_the_model_how_a_name_is_remembered() -> None:
    pirate = PersonaStore([shipped_folder()]).get("pirate")
    asked = [example.user for example in pirate.examples]
    assert len(asked) == 4
    assert all("name" in question for question in asked)
    assert "pirate" in pirate.prompt


def test_the_users_own_come_before_those_that_ship(tmp_path: Path) -> None:
    write(tmp_path, "Pirate", "Mine.")
    write(tmp_path, "zoe", "Mine too.")
    store = PersonaStore([tmp_path, shipped_folder()])
    assert store.names() == sorted([*SHIPPED[:6], "Pirate", *SHIPPED[7:], "zoe"], key=str.casefold)
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
        f"{tmp_path / 'hot.md'}: line 2: temperature must be a number from 0 to 2, found 'hot'",
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

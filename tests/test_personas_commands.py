"""`chatcli personas …` and /persona, as their user meets them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chatcli.personas import PersonaStore, shipped_folder
from tests.personas.files import as_json, card, write
from tests.personas.running import Run, own, personas
from tests.support.program import run_chatcli
from tests.support.server import ChatServer

ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
__all__ = ["own", "personas"]

EVIL = "x \\e]0;owned\\a \\u202e y"


# list


def test_list_has_a_line_for_each_and_tells_what_is_wrong_beside_it(
    personas: Run, own: Path
) -> None:
    write(own, "pirate", "---\ndescription: Mine\n---\nHi\n")
    write(own, "bare", "Answer in rhymes.\n")
    write(own, "odd", "---\ntemprature: 1\n---\nHi\n")
    write(own, "hot", "---\ntemperature: hot\n---\nHi\n")
    done = personas("list")
    lines = dict(line.split(None, 1) for line in done.out.splitlines())
    assert done.code == 0
    assert len(lines) == 14
    assert lines["pirate"] == "Mine"
    assert lines["bare"] == "Answer in rhymes."
    assert done.err.splitlines() == [
        f"chatcli: {own / 'hot.md'}: line 2: temperature must be a number from 0 to 2, found 'hot'",
        "chatcli: odd.md has keys that mean nothing here: temprature (did you mean temperature?)",
    ]


def test_list_as_json_says_where_each_comes_from(personas: Run, own: Path) -> None:
    write(own, "mine", "---\ntools: Read\ndescription: M\n---\nHi\n")
    found = {each["name"]: each for each in json.loads(personas("list", "--json").out)}
    assert found["mine"] == {
        "name": "mine",
        "description": "M",
        "form": "agent file",
        "path": str(own / "mine.md"),
    }
    assert found["pirate"]["path"] == str(shipped_folder() / "pirate.md")


# show


def test_show_has_the_settings_the_price_and_the_prompt(personas: Run) -> None:
    done = personas("show", "Pirate")
    pirate = PersonaStore([shipped_folder()]).get("pirate")
    head, _, prompt = done.out.partition("\n\n")[2].partition("\n\n")
    facts = dict(line.split(None, 1) for line in head.splitlines())
    assert done.out.startswith(f"pirate: {pirate.description}\n")
    assert facts["file"] == str(pirate.source)
    assert facts["temperature"] == "0.5"
    assert facts["examples"] == "4 pairs"
    assert re.fullmatch(r"≈\d+, ≈\d+ with its examples", facts["tokens"])
    assert prompt == f"{pirate.prompt}\n"
    assert done.err == ""


def test_the_price_is_exact_for_a_model_whose_vocabulary_is_known(
    personas: Run, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATCLI_MODEL", "openai:gpt-4o")
    write(own, "x", "You are a pirate.\n")
    told = json.loads(personas("show", "x", "--json").out)
    # 5 tokens of text, 4 of the message, 3 of the request, as OpenAI's cookbook counts them.
    assert (told["tokens"], told["tokens_with_examples"], told["exact"]) == (12, 12, True)


def test_show_as_json_has_all_that_a_file_says(personas: Run, own: Path) -> None:
    write(own, "x", "---\nstop: [a, b]\nextra_body: {k: 1}\ncolour: red\n---\nHi {user}\n")
    told = json.loads(personas("show", "x", "--json").out)
    assert told["settings"] == {"stop": ["a", "b"], "extra_body": {"k": 1}}
    assert (told["prompt"], told["unknown"], told["left_out"]) == ("Hi {user}", ["colour"], [])


def test_show_takes_a_path_to_a_card_and_says_what_is_not_taken(
    personas: Run, tmp_path: Path
) -> None:
    as_json(tmp_path / "ada.json", card(alternate_greetings=["a"]))
    done = personas("show", "./ada.json")
    assert "form      character card" in done.out
    assert done.err == (
        "chatcli: ada.json is a character card; not taken of it: alternate_greetings (1)\n"
    )


@pytest.mark.parametrize("name", ["pirat", "no/such.md", "~nobody-here/x.md"])
@pytest.mark.parametrize("command", ["show", "path"])
def test_a_persona_that_is_not_there_costs_a_line(personas: Run, command: str, name: str) -> None:
    done = personas(command, name)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert ("did you mean pirate?" in done.err) == (name == "pirat")


def test_what_a_strangers_persona_says_drives_no_terminal(personas: Run, own: Path) -> None:
    front = f'description: "{EVIL}"\ngreeting: "{EVIL}"\n"{EVIL}": 1\nstop: "{EVIL}"'
    write(own, "evil", f"---\n{front}\n---\nA \x1b]0;owned\x07 \u202e prompt\n")
    as_json(own / "card.json", card(creator_notes="x \x1b]0;owned\x07", assets=["\x1b[2J"]))
    for args in (["list"], ["list", "--json"]):
        done = personas(*args)
        assert not ESCAPE.search(done.out + done.err)
    for name in ("evil", "card"):
        for more in ([], ["--json"]):
            done = personas("show", name, *more)
            assert done.code == 0
            assert not ESCAPE.search(done.out + done.err)


# path


def test_path_is_the_folder_or_the_file(personas: Run, own: Path) -> None:
    broken = write(own, "broken", "")
    assert personas("path").out == f"{own}\n"
    assert personas("path", "broken").out == f"{broken}\n"
    assert personas("path", "pirate").out == f"{shipped_folder() / 'pirate.md'}\n"


# In a chat


def chatted(home: Path, server: ChatServer, lines: list[str], *args: str) -> str:
    env = {"OPENAI_API_KEY": "sk-test", "CHATCLI_MODEL": "gpt-4o", "OPENAI_BASE_URL": server.url}
    done = run_chatcli("chat", *args, input="\n".join(lines) + "\n", env=env, home=home)
    return done.stdout + done.stderr


def test_a_persona_takes_over_in_the_middle_and_earlier_turns_stay(
    tmp_path: Path, own: Path, chat_server: ChatServer
) -> None:
    as_json(own / "ada.json", card(assets=[{}]))
    write(own, "odd", "---\ntemprature: 1\nexamples: [{user: A, assistant: B}]\n---\nBe odd.\n")
    lines = ["One", "/persona ada", "Two", "/persona pirate", "Three", "/persona nobody"]
    said = chatted(tmp_path, chat_server, lines, "-p", "odd")
    assert "temprature (did you mean temperature?)" in said
    assert "ada.json is a character card; not taken of it: assets (1)" in said
    assert "Ah, you!\n\nThe Engine awaits." in said
    assert "no persona is named 'nobody'" in said
    first, second, third = (request.messages for request in chat_server.requests)
    assert [m["content"] for m in first] == ["Be odd.", "A", "B", "One"]
    assert second[0]["content"].startswith("You are Ada Lovelace.")
    assert [m["content"] for m in second[3:]] == ["One", "Echo: One", "Two"]
    assert "pirate" in third[0]["content"]
    assert [m["content"] for m in third[-5:]] == ["One", "Echo: One", "Two", "Echo: Two", "Three"]


# The shell


def test_names_complete_in_the_shell(tmp_path: Path, own: Path) -> None:
    write(own, "pious", "Hi\n")
    words = {"_CHATCLI_COMPLETE": "complete_bash", "COMP_WORDS": "chatcli personas show pi"}
    offered = run_chatcli(env=words | {"COMP_CWORD": "3"}, home=tmp_path).stdout.split()
    assert offered == ["pious", "pirate"]

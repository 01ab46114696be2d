"""What is offered for a few letters: commands, their arguments, files, and little work for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document

from chatcli.app import App, Options
from chatcli.commands.registry import Choice
from chatcli.settings import load
from chatcli.storage.library import Stored
from chatcli.terminal import paths
from chatcli.terminal.completion import CommandCompleter, offers_by_itself
from chatcli.terminal.matching import MOST_OFFERED, matching
from tests.support.server import ChatServer


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A chat whose user stands in an empty folder of their own."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    running = App(load(environ={"CHATCLI_HOME": str(tmp_path / "home")}), Options())
    yield running
    running.close()


def completions(app: App, line: str) -> list[Completion]:
    return list(CommandCompleter(app).get_completions(Document(line), CompleteEvent()))


def offered(app: App, line: str) -> list[str]:
    return [each.text for each in completions(app, line)]


def completed(app: App, line: str) -> str:
    """The line after its first completion."""
    first = completions(app, line)[0]
    return line[: len(line) + first.start_position] + first.text


def store(app: App, *names: str) -> None:
    app.library.folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (app.library.folder / f"{name}.json").write_text("[]")


def letter_by_letter(choices: list[Choice], letters: str) -> list[Choice]:
    """The choices that hold the letters in their order, as one writes it who is in a hurry."""

    def holds(name: str) -> bool:
        left = iter(name)
        return all(letter in left for letter in letters)

    return [each for each in choices if holds(each.name.casefold())]


def make(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")


def names(*choices: str) -> list[Choice]:
    return [Choice(each) for each in choices]


def test_the_likeliest_comes_first() -> None:
    choices = names("a-t-r-i-p", "patripol", "my-trip", "trip", "tr-and-ip", "other")
    found = [each.name for each in matching(choices, "TRIP")]
    assert found == ["trip", "my-trip", "patripol", "a-t-r-i-p", "tr-and-ip"]


def test_signs_that_mean_something_in_a_pattern_are_only_signs() -> None:
    assert [each.name for each in matching(names("a.b[c]", "axb"), ".[]")] == ["a.b[c]"]
    assert [each.name for each in matching(names("a-z^", "b"), "-^")] == ["a-z^"]


def test_a_name_that_almost_matches_everywhere_costs_no_time() -> None:
    began = time.process_time()
    assert matching(names(*["a" * 100] * 1000), "a" * 12 + "b") == []
    assert time.process_time() - began < 1


def test_commands_come_with_what_they_do(app: App) -> None:
    first = completions(app, "/bran")[0]
    assert first.text == "branch"
    assert "Fork" in first.display_meta_text
    assert "switch" in offered(app, "/swt")


def test_arguments_come_from_what_there_is(app: App) -> None:
    assert "pirate" in offered(app, "/persona pi")
    assert offered(app, "/strategy win") == ["window"]
    assert "ollama" in offered(app, "/model oll")
    assert offered(app, "/switch ") == ["main"]


def test_what_follows_a_first_word_is_offered_alone(app: App) -> None:
    app.settings.folders.cache.mkdir(parents=True)
    app.choices._catalog.learn("ollama", ["llama3.2:3b", "qwen3:8b", "my model"])
    assert offered(app, "/model ollama:") == ["llama3.2:3b", "qwen3:8b", "my model"]
    assert completed(app, "/model ollama:lm") == "/model ollama:llama3.2:3b"
    assert completed(app, "/model ollama:qwen3:") == "/model ollama:qwen3:8b"
    assert completed(app, "/model ollama:my m") == "/model ollama:my model"


def test_a_model_is_found_without_its_profile(app: App) -> None:
    app.choices._catalog.learn("ollama", ["llama3.2:3b"])
    assert completed(app, "/model lla3") == "/model ollama:llama3.2:3b"
    assert offered(app, "/model oll")[0] == "ollama"


def test_a_profile_that_can_not_be_asked_offers_nothing(app: App) -> None:
    assert offered(app, "/model groq:") == []
    assert offered(app, "/model local:") == ["smollm2"]


def test_a_password_in_an_address_is_not_offered(tmp_path: Path) -> None:
    environ = {"CHATCLI_HOME": str(tmp_path), "OPENAI_BASE_URL": "http://me:hunter2@localhost:1/v1"}
    running = App(load(environ=environ, cwd=tmp_path), Options(model="local"))
    shown = [each.display_meta_text for each in completions(running, "/model ")]
    running.close()
    assert "http://…@localhost:1/v1" in shown
    assert "hunter2" not in "".join(shown)


def test_an_endpoint_offers_the_models_that_it_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatcli.providers.catalog.FIRST_ANSWER_WITHIN", 10)
    with ChatServer(models=("alpha-large", "beta")) as server:
        environ = {"CHATCLI_HOME": str(tmp_path), "OPENAI_BASE_URL": server.url}
        running = App(load(environ=environ, cwd=tmp_path), Options())
        assert completed(running, "/model openai:lrg") == "/model openai:alpha-large"
        running.close()


def test_a_name_with_spaces_is_completed_as_a_whole(app: App) -> None:
    store(app, "a trip to Tortuga", "another trip")
    assert completed(app, "/load a trip to") == "/load a trip to Tortuga"
    assert completed(app, "/load anth tr") == "/load another trip"


def test_a_message_is_left_alone(app: App) -> None:
    make("notes.md")
    lines = ("no", "/usr/bin is", "//load ", "mail me@notes", "/nothing x", "/load x\n")
    for line in lines:
        assert offered(app, line) == [], line


def test_an_at_sign_at_the_start_of_a_word_offers_files(app: App) -> None:
    make("notes.md", "src/deep/model.py", "a b.txt", "odd name/file.txt")
    assert completed(app, "see @not") == "see @notes.md"
    assert completed(app, "first\n@src/") == "first\n@src/deep/"
    assert completed(app, "@model") == "@src/deep/model.py"
    assert completed(app, "@a") == '@"a b.txt"'
    assert completed(app, '@"a b') == '@"a b.txt"'
    assert completed(app, "@odd") == '@"odd name/'
    assert completed(app, '@"odd name/f') == '@"odd name/file.txt"'


def test_files_say_how_large_they_are(app: App) -> None:
    make("notes.md", "src/x.py")
    about = {each.text: each.display_meta_text for each in completions(app, "@")}
    assert about == {"src/": "folder", "notes.md": "4 B"}


def test_hidden_files_come_with_their_dot_and_binary_ones_not_at_all(app: App) -> None:
    make(".env", "a.pyc", "model.gguf", "picture.png", ".git/config")
    assert offered(app, "@") == ["picture.png"]
    assert offered(app, "@.e") == [".env"]
    assert "config" not in " ".join(offered(app, "@config"))


def test_load_takes_sessions_and_json_files_and_export_a_folder(app: App) -> None:
    store(app, "trip")
    make("old.json", "notes.md", "out/x.json")
    assert offered(app, "/load tri") == ["trip"]
    assert offered(app, "/load old") == ["old.json"]
    assert offered(app, "/load ./") == ["./out/", "./old.json"]
    assert offered(app, "/export ") == ["out/"]


def test_names_that_drive_a_terminal_are_shown_and_never_typed(app: App) -> None:
    make("plain.txt", "evil\x1b[2J.txt", "bidi\u202etxt.exe.md")
    assert offered(app, "@") == ["plain.txt"]


def test_completions_come_by_themselves_where_they_help() -> None:
    for line in ("/", "/lo", "/load x", "see @", "two\nlines @x"):
        assert offers_by_itself(Document(line)), line
    for line in ("", "hello", "a@b", "//x", "/usr/bin", "/load x\ny", "@a b"):
        assert not offers_by_itself(Document(line)), line


def test_a_huge_tree_is_not_walked_and_links_are_not_followed(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        make(*(f"folder{number}/file{each}.txt" for each in range(40)))
    make("node_modules/needle.txt", "one/two/three/four/five/six/seven/needle.txt")
    Path("loop").symlink_to(Path.cwd())
    looked_into: list[str] = []
    scan = os.scandir

    def counted(path: Path) -> object:
        looked_into.append(str(path))
        return scan(path)

    with monkeypatch.context() as watched:
        watched.setattr(os, "scandir", counted)
        watched.setattr(paths, "MOST_WALKED", 500)
        assert len(offered(app, "@file")) == MOST_OFFERED
    assert 10 < len(looked_into) <= 15, "500 entries at 40 a folder"
    assert offered(app, "@needle") == []
    assert all(not each.startswith("loop/") for each in offered(app, "@file"))


def many_sessions() -> list[Stored]:
    return [
        Stored(f"2026-11-{n % 30:02}-what is number {n}", f"/s/{n}.json", 1.7e9 - n, 1)
        for n in range(10_000)
    ]


def test_many_sessions_are_listed_once_while_one_types(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings: list[int] = []
    stored = many_sessions()

    def listed() -> list[Stored]:
        listings.append(1)
        return stored

    monkeypatch.setattr(app.library, "stored", listed)
    monkeypatch.setattr("chatcli.terminal.completion.KEPT_FOR", 600)
    completer = CommandCompleter(app)
    typed = "/load what number 99"
    for length in range(len("/load "), len(typed) + 1):
        found = list(completer.get_completions(Document(typed[:length]), CompleteEvent()))
        assert 0 < len(found) <= MOST_OFFERED
    assert len(listings) == 1


def test_many_sessions_are_matched_about_as_quickly_as_each_letter_is_looked_at() -> None:
    choices = [Choice(each.name) for each in many_sessions()]
    for typed in ("w", "what", "wat nmbr 99", "zzz"):
        ours = quickest(partial(matching, choices, typed))
        floor = quickest(partial(letter_by_letter, choices, typed))
        assert ours < 2 * floor, typed


def quickest(work: Callable[[], object]) -> float:
    """The least CPU time that some work takes: others run beside it."""
    taken = []
    for _ in range(5):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


def test_a_persona_is_offered_by_its_name_or_else_by_its_file(app: App) -> None:
    for name in ("ada.png", "zeno.MD", "zeno.txt"):
        Path(name).write_text("")
    assert offered(app, "/persona pir")[0] == "pirate"
    assert offered(app, "/persona zen") == ["zeno.MD"]
    assert offered(app, "/persona ./a") == ["./ada.png"]

"""`chatcli sessions …`, and /rename /export /search in a chat: the shelf, as its owner meets it."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from chatcli.storage.foreign import FILES, THOUGHTS, TOOLS
from chatcli.storage.journal import FileJournal
from tests.storage.test_formats_chatgpt import hostile
from tests.storage.test_formats_llm import threads
from tests.support.foreign_files import as_json, chatgpt_message, chatgpt_tree
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.server import ChatServer
from tests.support.terminal import Terminal

ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")
KEY = "sk-canary-4711"


def run(home: Path, *args: str, server: ChatServer | None = None, stdin: str = "") -> str:
    """Run chatcli, which must succeed, and return what it printed."""
    done = tried(home, *args, server=server, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tried(
    home: Path, *args: str, server: ChatServer | None = None, stdin: str = ""
) -> CompletedProcess[str]:
    env = {"OPENAI_API_KEY": KEY, "CHATCLI_MODEL": "gpt-4o"}
    if server is not None:
        env["OPENAI_BASE_URL"] = server.url
    return run_chatcli(*args, input=stdin, env=env, home=home)


def refused(home: Path, *args: str, stdin: str = "") -> str:
    """Run chatcli, which must fail with one line, and return that line."""
    done = tried(home, *args, stdin=stdin)
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("chatcli: ").strip()


def sessions(home: Path) -> Path:
    return home / "chatcli" / "sessions"


def keep(home: Path, name: str, *texts: str) -> Path:
    """Store a plain list of messages as a session, by the user and the model in turn."""
    messages = [
        {"role": "assistant" if number % 2 else "user", "content": text}
        for number, text in enumerate(texts)
    ]
    sessions(home).mkdir(parents=True, exist_ok=True)
    return as_json(sessions(home) / f"{name}.json", messages)


# show


def test_show_prints_what_was_said_and_json_has_the_facts(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    run(tmp_path, "ask", "-s", "trip", "Hello", server=chat_server)
    shown = run(tmp_path, "sessions", "show", "trip")
    assert shown.startswith("trip · ")
    assert "gpt-4o · branch main of 1\n" in shown
    assert "1 " in shown
    assert "Hello" in shown
    assert "Echo: Hello" in shown
    facts = json.loads(run(tmp_path, "sessions", "show", "trip", "--json"))
    assert [(m["role"], m["content"]) for m in facts["messages"]] == [
        ("user", "Hello"),
        ("assistant", "Echo: Hello"),
    ]
    assert (facts["name"], facts["branch"], facts["branches"]) == ("trip", "main", ["main"])


def test_show_takes_another_branch(tmp_path: Path, chat_server: ChatServer) -> None:
    lines = "One\n/branch side\nTwo\n/switch main\n"
    run(tmp_path, "chat", "-s", "trip", server=chat_server, stdin=lines)
    assert "Two" not in run(tmp_path, "sessions", "show", "trip")
    assert "Two" in run(tmp_path, "sessions", "show", "trip", "--branch", "side")
    assert refused(tmp_path, "sessions", "show", "trip", "--branch", "x") == (
        "there is no branch `x`; it has main, side"
    )


def test_what_others_wrote_drives_no_terminal(tmp_path: Path) -> None:
    keep(tmp_path, "evil", "find me \x1b]0;owned\x07\x9b31m\u202e")
    for args in (
        ["show", "evil"],
        ["show", "evil", "--json"],
        ["search", "find"],
        ["search", "find", "--json"],
        ["export", "evil"],
        ["export", "evil", "--format", "json"],
        ["export", "evil", "--format", "tree"],
    ):
        printed = run(tmp_path, "sessions", *args)
        assert "find me" in printed
        assert not ESCAPE.search(printed), args
    (message,) = json.loads(run(tmp_path, "sessions", "export", "evil", "--format", "json"))
    assert message["content"] == "find me \x1b]0;owned\x07\x9b31m\u202e"


# search


def test_search_names_the_session_and_the_number(tmp_path: Path) -> None:
    keep(tmp_path, "ships", "What is a sloop?", "A ship with one mast.")
    keep(tmp_path, "other", "Hi")
    assert run(tmp_path, "sessions", "search", "ONE", "mast") == (
        "ships 2: A ship with one mast.\n"
    )
    found = json.loads(run(tmp_path, "sessions", "search", "mast", "--json"))
    assert found["hits"] == [
        {
            "session": "ships",
            "branch": "main",
            "number": 2,
            "role": "assistant",
            "snippet": "A ship with one mast.",
        }
    ]


def test_search_says_what_it_did_not_show(tmp_path: Path) -> None:
    keep(tmp_path, "ships", "a sloop", "a sloop", "a sloop")
    (sessions(tmp_path) / "bad.json").write_text("sloop")
    done = tried(tmp_path, "sessions", "search", "sloop", "--most", "2")
    assert done.stdout.count("\n") == 2
    assert "there is more: --most N shows more" in done.stderr
    nothing = tried(tmp_path, "sessions", "search", "brig")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert nothing.stderr == "chatcli: nothing that is stored has these words\n"


# rename and remove


def test_rename_gives_a_session_another_name(tmp_path: Path, chat_server: ChatServer) -> None:
    run(tmp_path, "ask", "-s", "trip", "My name is Alice.", server=chat_server)
    assert run(tmp_path, "sessions", "rename", "trip", "the journey") == (
        "trip is the journey now\n"
    )
    assert [path.name for path in sessions(tmp_path).iterdir()] == ["the journey.json"]
    reply = run(tmp_path, "ask", "-s", "the journey", "What is my name?", server=chat_server)
    assert reply == "Your name is Alice.\n"


def test_rename_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    one, two = keep(tmp_path, "one", "Hi"), keep(tmp_path, "two", "Ho")
    before = one.read_bytes(), two.read_bytes()
    assert refused(tmp_path, "sessions", "rename", "one", "two").startswith(
        "there is a session two already"
    )
    assert "can't be called" in refused(tmp_path, "sessions", "rename", "one", "../two")
    assert "no session `three`" in refused(tmp_path, "sessions", "rename", "three", "four")
    assert (one.read_bytes(), two.read_bytes()) == before
    run(tmp_path, "sessions", "rename", "one", "three")
    assert (sessions(tmp_path) / "three.json").read_bytes() == before[0]


def test_remove_deletes_a_session_and_what_lies_beside_it(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        path = keep(tmp_path, name, "Hi")
        for ending in (".partial", ".torn"):
            path.with_name(f"{path.name}{ending}").write_text("x")
    told = run(tmp_path, "sessions", "remove", "one", "two", "--yes")
    assert told == "one is deleted\ntwo is deleted\n"
    assert {path.name for path in sessions(tmp_path).iterdir()} == {
        "three.json",
        "three.json.partial",
        "three.json.torn",
    }


def test_remove_wants_a_yes_and_names_that_are_there(tmp_path: Path) -> None:
    path = keep(tmp_path, "one", "Hi")
    asked = refused(tmp_path, "sessions", "remove", "one", stdin="y\n")
    assert asked == "nobody is there to ask; --yes deletes without asking"
    assert "no session `two`" in refused(tmp_path, "sessions", "remove", "one", "two", "--yes")
    assert "is a path" in refused(tmp_path, "sessions", "remove", str(path), "--yes")
    assert path.exists()


@pytest.mark.parametrize(("answer", "there"), [("n", True), ("", True), ("y", False)])
def test_remove_asks_on_a_terminal(tmp_path: Path, answer: str, there: bool) -> None:
    path = keep(tmp_path, "one", "Hi")
    argv = chatcli_argv("sessions", "remove", "one")
    with Terminal(argv, env=clean_env(tmp_path), cwd=tmp_path) as terminal:
        terminal.wait_for("Delete one for good?")
        terminal.type(answer).key("enter")
        assert terminal.wait_exit() == 0
    assert path.exists() == there


def test_a_session_that_is_being_written_is_left_alone(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    run(tmp_path, "ask", "-s", "trip", "Hello", server=chat_server)
    journal, _, _ = FileJournal.open(sessions(tmp_path) / "trip.json")
    try:
        for args in (["remove", "trip", "--yes"], ["rename", "trip", "x"]):
            assert refused(tmp_path, "sessions", *args) == "another chatcli is writing trip"
    finally:
        journal.close()
    assert "Hello" in run(tmp_path, "sessions", "show", "trip")


# export and import


def test_what_is_exported_is_imported_the_same(tmp_path: Path, chat_server: ChatServer) -> None:
    lines = "One\n/branch side\nTwo\n/switch main\nThree\n"
    run(tmp_path, "chat", "-s", "trip", server=chat_server, stdin=lines)
    where = run(tmp_path, "sessions", "export", "trip", "trip.tree.json")
    assert where == f"{tmp_path / 'trip.tree.json'}\n"
    name = run(tmp_path, "sessions", "import", "trip.tree.json").strip()
    for branch in ("main", "side"):
        args = ("--branch", branch, "--json")
        before = json.loads(run(tmp_path, "sessions", "show", "trip", *args))
        after = json.loads(run(tmp_path, "sessions", "show", name, *args))
        assert after["messages"] == before["messages"]
        assert sorted(after["branches"]) == sorted(before["branches"])


@pytest.mark.parametrize("name", ["x.md", "x.json", "x.tree.json"])
def test_an_export_writes_over_nothing_and_holds_no_key(
    tmp_path: Path, chat_server: ChatServer, name: str
) -> None:
    run(tmp_path, "ask", "-s", "trip", "Hello", server=chat_server)
    run(tmp_path, "sessions", "export", "trip", name)
    written = (tmp_path / name).read_text()
    assert "Echo: Hello" in written
    assert KEY not in written
    assert chat_server.url not in written
    told = refused(tmp_path, "sessions", "export", "trip", name)
    assert told == f"{name} is there already; choose another name"
    assert (tmp_path / name).read_text() == written


def test_an_export_to_nowhere_or_in_no_form_says_what_to_do(tmp_path: Path) -> None:
    keep(tmp_path, "trip", "Hi")
    export = ("sessions", "export", "trip")
    assert refused(tmp_path, *export, "x.pdf") == (
        "the ending of x.pdf names no form; end it in one of .tree.json, .json, .md"
    )
    assert refused(tmp_path, *export, "no/x.md").startswith("there is no folder no; ")
    assert refused(tmp_path, *export, "--format", "pdf").startswith("there is no form `pdf`; ")
    run(tmp_path, *export, "x.pdf", "--format", "md")
    assert (tmp_path / "x.pdf").read_text().startswith("# Hi\n")


def test_an_export_without_a_file_is_printed_as_markdown(tmp_path: Path) -> None:
    keep(tmp_path, "trip", "Hi", "# Arr")
    text = run(tmp_path, "sessions", "export", "trip")
    assert text.startswith("# Hi\n\n")
    assert text.endswith("## You\n\nHi\n\n## Assistant\n\n### Arr\n")


def test_import_prints_the_names_and_says_what_it_left_out(tmp_path: Path) -> None:
    tree = chatgpt_tree(
        {
            "q": (None, chatgpt_message("user", "What is a sloop?")),
            "t": ("q", chatgpt_message("tool", "x")),
            "r": ("t", chatgpt_message("assistant", "A ship.")),
        },
        "r",
    )
    as_json(tmp_path / "conversations.json", [tree, {"mapping": {}}, tree])
    threads(tmp_path / "logs.db")
    done = tried(tmp_path, "sessions", "import", "conversations.json", "logs.db")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "2023-07-22-ships",
        "2023-07-22-ships-2",
        "2025-03-01-ships",
        re.search(r"^\S*fork$", done.stdout, re.MULTILINE)[0],  # type: ignore[index]  # it is
    ]
    assert done.stderr.splitlines() == [
        "chatcli: conversations.json: nothing was said in 1 of its conversations",
        f"chatcli: conversations.json: left out: {TOOLS} (2)",
        f"chatcli: logs.db: left out: {FILES} (1), {THOUGHTS} (1), {TOOLS} (2)",
    ]
    assert "A ship." in run(tmp_path, "sessions", "show", "2023-07-22-ships")


def test_what_is_imported_takes_its_place_among_the_older_sessions(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    run(tmp_path, "ask", "-s", "now", "Hello", server=chat_server)
    tree = chatgpt_tree({"q": (None, chatgpt_message("user", "Hi"))}, "q")
    as_json(tmp_path / "conversations.json", [tree])
    run(tmp_path, "sessions", "import", "conversations.json")
    assert run(tmp_path, "sessions", "list").splitlines() == ["now", "2023-07-22-ships"]


def test_import_goes_on_after_a_file_that_is_none(tmp_path: Path) -> None:
    as_json(tmp_path / "good.json", [{"role": "user", "content": "Hi there"}])
    (tmp_path / "bad.json").write_text("{")
    done = tried(tmp_path, "sessions", "import", "bad.json", "missing.json", "good.json")
    assert done.returncode == 2
    assert done.stdout.endswith("-hi-there\n")
    bad, missing = done.stderr.splitlines()
    assert bad.startswith("chatcli: bad.json can't be read: it is no JSON: ")
    assert missing == "chatcli: there is no file missing.json"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux does it")
def test_hostile_files_cost_a_line_each_in_little_memory(tmp_path: Path) -> None:
    files = {name: data for name, data in hostile().items() if name != "wide characters"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (300_000_000, 300_000_000))

    done = subprocess.run(
        chatcli_argv("sessions", "import", *files),
        env=clean_env(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=limited,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    complaints = done.stderr.splitlines()
    assert len(complaints) == len(files)
    for name, complaint in zip(files, complaints, strict=True):
        assert complaint.startswith(f"chatcli: {name}")
        assert len(complaint) < 200


# In the chat


def chatted(home: Path, server: ChatServer, lines: Sequence[str], *args: str) -> str:
    done = tried(home, "chat", *args, server=server, stdin="\n".join(lines) + "\n")
    return done.stdout + done.stderr


def test_rename_in_a_chat_is_save_with_a_name(tmp_path: Path, chat_server: ChatServer) -> None:
    said = chatted(tmp_path, chat_server, ["Hello", "/rename", "/rename trip", "/rename a/b"])
    assert "/rename wants a name" in said
    assert "saved as `trip`" in said
    assert "can't be called `a/b`" in said
    assert [path.name for path in sessions(tmp_path).iterdir()] == ["trip.json"]


def test_export_in_a_chat_writes_by_the_ending_and_over_nothing(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    lines = ["/export x.md", "Hello", "/export x.md", "/export x.json", "/export x.tree.json"]
    said = chatted(tmp_path, chat_server, [*lines, "/export x.md", "/export x.doc"])
    assert "there is nothing to export yet" in said
    assert "x.md is there already" in said
    assert "the ending of x.doc names no form" in said
    assert f"written to {tmp_path / 'x.md'}" in said
    assert "## You\n\nHello\n" in (tmp_path / "x.md").read_text()
    assert json.loads((tmp_path / "x.json").read_text())[0]["content"] == "Hello"
    assert "chatcli" in json.loads((tmp_path / "x.tree.json").read_text())[0]


def test_export_without_a_name_finds_one(tmp_path: Path, chat_server: ChatServer) -> None:
    chatted(tmp_path, chat_server, ["Hello there", "/export", "/export"])
    names = sorted(path.name for path in tmp_path.glob("*.md"))
    assert [re.sub(r"^[\d-]{10}", "", name) for name in names] == [
        "-hello-there-2.md",
        "-hello-there.md",
    ]


def test_search_in_a_chat_shows_a_table(tmp_path: Path, chat_server: ChatServer) -> None:
    keep(tmp_path, "ships", "What is a sloop?", "A ship with one mast.")
    said = chatted(tmp_path, chat_server, ["/search", "/search SLOOP", "/search brig"])
    assert "nothing to search for" in said
    assert re.search(r"ships +1 +What is a sloop\?", said)
    assert "nothing that is stored has these words" in said


# The shell


@contextmanager
def completing(home: Path, words: str) -> Iterator[list[str]]:
    env = clean_env(
        home,
        _CHATCLI_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
    )
    done = subprocess.run(
        chatcli_argv(), env=env, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    yield done.stdout.split("\n")


def test_names_complete_in_the_shell(tmp_path: Path) -> None:
    keep(tmp_path, "ships", "Hi")
    keep(tmp_path, "other", "Hi")
    for command in ("show", "export", "rename", "remove"):
        with completing(tmp_path, f"chatcli sessions {command} sh") as offered:
            assert [word for word in offered if word] == ["ships"]
    os.rename(sessions(tmp_path), tmp_path / "gone")  # noqa: PTH104
    with completing(tmp_path, "chatcli sessions show sh") as offered:
        assert [word for word in offered if word] == []


# Paths that lead nowhere

NOWHERE = ("~nosuchuser/x.json", f"{'x' * 300}.json")


def costs_a_line(done: CompletedProcess[str]) -> bool:
    wrong = "Traceback" in done.stderr or "mistake in chatcli" in done.stderr
    return done.returncode in {1, 2} and done.stderr.count("\n") == 1 and not wrong


@pytest.mark.parametrize(
    "args",
    [
        ("chat", "-s"),
        ("ask", "Hello", "-s"),
        ("ask", "Hello", "-f"),
        ("sessions", "show"),
        ("sessions", "export"),
        ("sessions", "import"),
    ],
    ids=" ".join,
)
def test_a_path_that_leads_nowhere_costs_a_line(
    tmp_path: Path, chat_server: ChatServer, args: tuple[str, ...]
) -> None:
    for path in (*NOWHERE, "x" * 300):
        done = tried(tmp_path, *args, path, server=chat_server)
        assert costs_a_line(done), done.stderr
    assert chat_server.requests == []


def test_a_chat_that_is_to_load_what_leads_nowhere_goes_on(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    lines = [f"/load {path}" for path in (*NOWHERE, "x" * 300)]
    done = tried(tmp_path, "chat", server=chat_server, stdin="\n".join([*lines, "Hello\n"]))
    assert "Echo: Hello" in done.stdout
    assert "Traceback" not in done.stderr
    assert "mistake in chatcli" not in done.stderr
    told = ("no such user", "File name too long", "can't be called")
    assert all(line in done.stderr for line in told), done.stderr

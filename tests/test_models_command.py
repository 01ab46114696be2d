"""`chatcli models …`, and what a shell offers, as their user meets them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatcli import cli
from chatcli.providers.hub.curated import CURATED
from tests.support.canary import CANARY
from tests.support.hubserver import HubServer, Repository, gguf, hang_after
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.protocol import MODELS, Json
from tests.support.server import ChatServer
from tests.support.statuses import refusal
from tests.support.terminal import Terminal

QWEN = CURATED["qwen3-4b"].reference
WEIGHTS = gguf(5_000_000)


@dataclass
class Told:
    code: int
    out: str
    err: str


class Shell:
    """Somebody at a shell: commands run in this process, in surroundings of their own."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.models = home / "cache" / "models"
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HF_ENDPOINT", "HF_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        self.set("CHATCLI_HOME", str(home))
        monkeypatch.chdir(home)

    def set(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)

    def run(self, *args: str) -> Told:
        self._monkeypatch.setattr(sys, "argv", ["chatcli", *args])
        with pytest.raises(SystemExit) as left:
            cli.main()
        out, err = self._capsys.readouterr()
        return Told(int(str(left.value.code)), out, err)

    def prints(self, *args: str) -> str:
        told = self.run(*args)
        assert told.code == 0, told.err
        return told.out

    def offered(self, *words: str) -> list[str]:
        """Return what bash is told when Tab is pressed after the last of the words.

        They are what bash takes for words: each run of colons is one of its own.
        """
        with self._monkeypatch.context() as pressed:
            pressed.setenv("_CHATCLI_COMPLETE", "complete_bash")
            pressed.setenv("COMP_WORDS", "\n".join(("chatcli", *words)))
            pressed.setenv("COMP_CWORD", str(len(words)))
            told = self.run()
        assert told.err == ""
        return told.out.split()

    def refuses(self, *args: str, code: int = 2) -> str:
        """Run what must fail, with one line, and return that line."""
        told = self.run(*args)
        assert (told.code, told.out, told.err.count("\n")) == (code, "", 1), told
        return told.err.removeprefix("chatcli: ").strip()


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    return Shell(tmp_path, monkeypatch, capsys)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    assert QWEN.file is not None
    with HubServer({QWEN.repo: Repository({QWEN.file: WEIGHTS})}) as server:
        yield server


def test_the_profiles_are_listed_with_where_and_with_what(shell: Shell) -> None:
    shell.set("OPENAI_API_KEY", CANARY)
    lines = shell.prints("models", "list").splitlines()
    assert lines[0].split() == ["profile", "key", "default", "model", "where"]
    assert lines[2].split()[:2] == ["openai", "set"]
    assert "missing: GROQ_API_KEY" in next(line for line in lines if line.startswith("groq"))
    assert "http://localhost:11434/v1" in next(line for line in lines if line.startswith("ollama"))
    rows = {row["name"]: row for row in json.loads(shell.prints("models", "list", "--json"))}
    assert rows["openai"]["key"] == "from the environment (OPENAI_API_KEY)"
    assert (rows["openai"]["ready"], rows["groq"]["ready"]) == (True, False)
    assert CANARY not in shell.prints("models", "list") + shell.prints("models", "list", "--json")


def test_a_password_in_an_address_is_not_shown(shell: Shell) -> None:
    shell.set("OPENAI_BASE_URL", "http://me:hunter2@localhost:1/v1")
    assert "hunter2" not in shell.prints("models", "list", "--json")


def test_an_endpoint_is_asked_for_its_models(shell: Shell) -> None:
    with ChatServer(models=("alpha", "beta\x1b[2J")) as server:
        shell.set("OPENAI_BASE_URL", server.url)
        assert json.loads(shell.prints("models", "list", "openai", "--json"))[0] == "alpha"
        assert "\x1b" not in shell.prints("models", "list", "openai:")
        assert shell.offered("chat", "--model", "openai", ":", "al") == ["alpha"]


def test_an_endpoint_that_is_not_there_costs_a_line(shell: Shell) -> None:
    assert "there is no profile `nobody`; " in shell.refuses("models", "list", "nobody")
    assert "GROQ_API_KEY" in shell.refuses("models", "list", "groq")


def test_outside_a_chat_no_advice_takes_a_slash_command(shell: Shell) -> None:
    shell.set("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    told = shell.refuses("models", "list", "openai", code=1)
    assert told.endswith("is the server up, and the address right?")


def test_debug_shows_where_an_error_comes_from_and_no_key_that_a_server_repeats(
    shell: Shell,
) -> None:
    """The canary of the suite fails this test where the answer is shown as it came."""
    with ChatServer() as server:
        body: Json = {"error": {"message": f"{CANARY} is no key"}}
        server.fail_next(refusal("repeated", "repeats the key", 401, body), path=MODELS)
        shell.set("OPENAI_BASE_URL", server.url)
        shell.set("OPENAI_API_KEY", CANARY)
        told = shell.run("--debug", "models", "list", "openai")
    assert told.code == 1
    assert "openai.AuthenticationError\n" in told.err
    assert "listing.py" in told.err
    assert "… is no key" in told.err
    assert CANARY not in told.err


def test_weights_are_pulled_by_a_name_of_the_list(shell: Shell, hub: HubServer) -> None:
    shell.set("HF_ENDPOINT", f"{hub.url}/")
    out = shell.prints("models", "pull", "qwen3-4b")
    assert out.splitlines() == [
        f"qwen3-4b is here now: 5 MB from {QWEN.repo}, apache-2.0",
        "ask it: chatcli chat --model local:qwen3-4b",
    ]
    assert (shell.models / "qwen3-4b.gguf").read_bytes() == WEIGHTS
    rows = {
        row["name"]: row for row in json.loads(shell.prints("models", "list", "local", "--json"))
    }
    assert (rows["qwen3-4b"]["here"], rows["qwen3-4b"]["on_disk"]) == (True, len(WEIGHTS))
    assert rows["qwen3-8b"]["here"] is False
    assert "was here already" in shell.prints("models", "pull", "qwen3-4b")
    assert "5 MB in" in shell.prints("models", "list", "local")


def test_they_can_be_called_something_else(shell: Shell, hub: HubServer) -> None:
    shell.set("HF_ENDPOINT", hub.url)
    out = shell.prints("models", "pull", f"{QWEN.repo}/{QWEN.file}", "--name", "my own")
    assert out.splitlines()[1] == "ask it: chatcli chat --model 'local:my own'"
    assert "is no name for weights" in shell.refuses("models", "pull", "a/b", "--name", "../x")


def test_what_can_not_be_pulled_costs_a_line(shell: Shell, hub: HubServer) -> None:
    shell.set("HF_ENDPOINT", hub.url)
    assert "did you mean qwen3-4b?" in shell.refuses("models", "pull", "qwen3-4")
    assert "shows no repository a/b" in shell.refuses("models", "pull", "a/b")
    assert "is no repository of the hub" in shell.refuses("models", "pull", "../../etc/passwd")
    shell.set("HF_ENDPOINT", "http://127.0.0.1:9")
    assert "can't be reached" in shell.refuses("models", "pull", "a/b", code=1)


def test_weights_are_removed_when_one_agrees(shell: Shell, hub: HubServer) -> None:
    shell.set("HF_ENDPOINT", hub.url)
    shell.prints("models", "pull", "qwen3-4b")
    assert "nobody is there to ask" in shell.refuses("models", "remove", "qwen3-4b")
    assert "there are no weights `other`" in shell.refuses(
        "models", "remove", "qwen3-4b", "other", "--yes"
    )
    assert (shell.models / "qwen3-4b.gguf").exists()
    assert shell.prints("models", "remove", "qwen3-4b", "--yes") == "qwen3-4b is deleted\n"
    assert list(shell.models.iterdir()) == []


def test_a_chat_says_how_to_get_weights_that_are_not_here(tmp_path: Path) -> None:
    done = run_chatcli("ask", "--model", "local:qwen3-4b", "hi", home=tmp_path)
    assert "`chatcli models pull qwen3-4b` fetches it (2.5 GB)" in done.stderr


def test_ctrl_c_keeps_what_has_come_and_the_next_pull_goes_on(
    tmp_path: Path, hub: HubServer
) -> None:
    hub.fail_next(hang_after(3_000_000))
    argv = chatcli_argv("models", "pull", "qwen3-4b")
    env = clean_env(tmp_path, HF_ENDPOINT=hub.url)
    with Terminal(argv, env=env, cwd=tmp_path) as terminal:
        terminal.wait_for("3 of 5 MB")
        terminal.key("ctrl-c")
        assert terminal.wait_exit() == 130
        assert "stopped; what has come is kept" in terminal.transcript()
    done = run_chatcli("models", "pull", "qwen3-4b", home=tmp_path, env={"HF_ENDPOINT": hub.url})
    assert done.returncode == 0, done.stderr
    assert hub.storage_requests[-1].headers["range"] == "bytes=3000000-"
    kept = (tmp_path / "chatcli" / "cache" / "models" / "qwen3-4b.gguf").read_bytes()
    assert hashlib.sha256(kept).digest() == hashlib.sha256(WEIGHTS).digest()


# What a shell offers


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("chat", "--model", "oll"), ["ollama"]),
        (("ask", "-m", "local", ":"), ["smollm2", "mine"]),
        (("ask", "-m", "local", ":", "m"), ["mine"]),
        (("ask", "-m", "local:m"), ["local:mine"]),  # where bash was told to leave colons alone
        (("ask", "-m", "local", ":", "mine", "--fallback", "oll"), ["ollama"]),
        (("chat", "--persona", "pir"), ["pirate"]),
        (("chat", "--session", "tr"), ["trip"]),
        (("sessions", "show", "tr"), ["trip"]),
        (("models", "list", "gro"), ["groq"]),
        (("models", "pull", "qwen3-4"), ["qwen3-4b"]),
        (("models", "remove", "m"), ["mine"]),
    ],
)
def test_a_shell_offers_what_there_is(
    shell: Shell, words: tuple[str, ...], expected: list[str]
) -> None:
    shell.models.mkdir(parents=True)
    (shell.models / "mine.gguf").write_bytes(gguf(9))
    sessions = shell.models.parent.parent / "sessions"
    sessions.mkdir()
    (sessions / "trip.json").write_text("[]")
    (sessions / "tr\x1b[2Jick.json").write_text("[]")
    assert shell.offered(*words) == expected


def test_a_shell_is_not_told_of_a_broken_configuration(shell: Shell) -> None:
    (shell.models.parent.parent / "config.toml").write_text("profiles = [[[")
    assert shell.offered("chat", "--model", "o") == []
    assert shell.offered("chat", "--persona", "p") == []

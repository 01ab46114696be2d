"""Keys that chatcli keeps: where, and whom they may go to."""

from __future__ import annotations

import getpass
import io
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.cli.config import _asked_key
from chatcli.config.addresses import origin_of
from chatcli.config.keyfile import StoredKey, read_keys, written
from chatcli.errors import UsageError
from chatcli.providers.profiles import resolve
from chatcli.settings import load
from tests.support.canary import CANARY
from tests.support.door import Done, through_the_door
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.server import ChatServer
from tests.support.terminal import Terminal


def key(home: Path, *args: str, stdin: str = "", **env: str) -> Done:
    return through_the_door(home, "config", "key", *args, stdin=stdin, env=env)


def test_a_stored_key_is_used_and_goes_to_its_own_address_alone(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    file = tmp_path / "chatcli" / "config.toml"
    file.parent.mkdir()
    file.write_text(f"[profiles.mine]\nbase_url = '{chat_server.url}'\nmodel = 'm'\n")
    assert key(tmp_path, "set", "mine", stdin=f"{CANARY}\n").code == 0
    kept = tmp_path / "chatcli" / "keys.toml"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert through_the_door(tmp_path, "ask", "-m", "mine", "Hi").out == "Echo: Hi\n"
    assert chat_server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    with ChatServer() as other:
        file.write_text(f"[profiles.mine]\nbase_url = '{other.url}'\nmodel = 'm'\n")
        done = through_the_door(tmp_path, "ask", "-m", "mine", "Hi")
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert f"is for {chat_server.url.removesuffix('/v1')}" in done.err
        assert other.requests == []


def test_the_key_of_openai_makes_it_the_default_and_follows_no_other_address(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    key(tmp_path, "set", "openai", stdin=CANARY)
    assert resolve(load(environ={"CHATCLI_HOME": str(tmp_path / "chatcli")})).profile == "openai"
    done = through_the_door(tmp_path, "ask", "Hi", env={"OPENAI_BASE_URL": chat_server.url})
    assert done.code == 2
    assert "stored for `openai` is for https://api.openai.com" in done.err
    assert chat_server.requests == []


def test_a_list_without_a_key_says_so(tmp_path: Path) -> None:
    done = key(tmp_path, "list")
    assert (done.code, done.out) == (0, "")
    assert "no profile has a key" in done.err


def test_list_and_remove(tmp_path: Path) -> None:
    key(tmp_path, "set", "groq", stdin=CANARY)
    environ = {"MISTRAL_API_KEY": "0123456789abcdefghij"}
    listed = key(tmp_path, "list", **environ)
    assert [line.split()[:2] for line in listed.out.splitlines()] == [
        ["groq", "sk-…c1e8"],
        ["mistral", "012…ghij"],
    ]
    rows = json.loads(key(tmp_path, "list", "--json", **environ).out)
    assert [row["origin"] for row in rows] == ["https://api.groq.com", "https://api.mistral.ai"]
    assert key(tmp_path, "remove", "groq").code == 0
    assert CANARY not in (tmp_path / "chatcli" / "keys.toml").read_text()
    assert key(tmp_path, "remove", "groq").code == 2


def test_setting_a_key_tells_of_one_that_comes_before_it(tmp_path: Path) -> None:
    done = key(tmp_path, "set", "groq", stdin=CANARY, GROQ_API_KEY="gsk-0123456789")
    assert done.code == 0
    assert "the environment (GROQ_API_KEY) has a key for groq too" in done.err


def test_setting_a_key_tells_of_a_variable_that_comes_before_it_and_holds_none(
    tmp_path: Path,
) -> None:
    done = key(tmp_path, "set", "groq", stdin=CANARY, GROQ_API_KEY="a b")
    assert done.code == 0
    assert "the key in GROQ_API_KEY holds spaces" in done.err
    assert "comes before this one" in done.err


@pytest.mark.parametrize("args", [("set", "groq", CANARY), ("set", CANARY), ("remove", CANARY)])
def test_a_key_that_is_typed_on_the_command_line_is_not_repeated(
    tmp_path: Path, args: tuple[str, ...]
) -> None:
    """The canary of the suite fails this test where one of them prints it."""
    done = through_the_door(tmp_path, "config", "key", *args)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert not (tmp_path / "chatcli" / "keys.toml").exists()


def test_no_key_is_kept_for_an_address_from_a_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=https://evil.example/v1\nOPENAI_API_KEY=x\n")
    done = key(tmp_path, "set", "openai", stdin=CANARY)
    assert done.code == 2
    assert "./.env sets OPENAI_BASE_URL" in done.err
    assert key(tmp_path, "set", "groq", stdin=CANARY).code == 0


def test_processes_that_keep_keys_at_the_same_moment_lose_none(tmp_path: Path) -> None:
    names = [["groq", "mistral", "xai"], ["openai", "gemini", "deepseek"]]
    script = (
        "import sys\nfrom chatcli import keychain\nfrom chatcli.settings import load\n"
        "sys.stdin.readline()\n"
        "for round in range(8):\n"
        "    for name in sys.argv[1:]:\n"
        "        keychain.keep(load(), name, f'key-of-{name}-{round}')\n"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", script, *each],
            env=clean_env(tmp_path),
            cwd=tmp_path,
            stdin=subprocess.PIPE,
        )
        for each in names
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait(30) for writer in writers] == [0, 0]
    kept = read_keys(tmp_path / "chatcli" / "keys.toml")
    assert {name: entry.key for name, entry in kept.items()} == {
        name: f"key-of-{name}-7" for each in names for name in each
    }
    assert [each.name for each in (tmp_path / "chatcli").iterdir()] == ["keys.toml"]


def test_a_folder_that_can_not_be_written_costs_a_line(tmp_path: Path) -> None:
    (tmp_path / "chatcli").write_text("a file, and no folder")
    done = key(tmp_path, "set", "groq", stdin=CANARY)
    assert (done.code, done.err.count("\n"), "a mistake" in done.err) == (1, 1, False)


def test_a_key_can_be_removed_and_listed_whatever_is_wrong_with_the_settings(
    tmp_path: Path,
) -> None:
    key(tmp_path, "set", "groq", stdin=CANARY)
    (tmp_path / "chatcli" / "config.toml").write_text("window = 'x'\n[profiles.a]\nbase_ur = 1\n")
    listed = key(tmp_path, "list")
    assert (listed.code, listed.out.split()[0], len(listed.err.splitlines())) == (2, "groq", 2)
    assert key(tmp_path, "remove", "groq").code == 0
    assert read_keys(tmp_path / "chatcli" / "keys.toml") == {}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("opnai", "did you mean `openai`"),
        ("azure", "[profiles.azure]"),
        ("local", "wants no key"),
        ("\x1b[2J", "there is no profile"),
    ],
)
def test_a_profile_that_can_have_no_key_is_told_before_one_is_asked_for(
    tmp_path: Path, name: str, said: str
) -> None:
    done = key(tmp_path, "set", name)
    assert done.code == 2
    assert said in done.err
    assert "\x1b" not in done.err


def test_a_key_file_that_others_could_read_is_closed_and_told_once(tmp_path: Path) -> None:
    key(tmp_path, "set", "groq", stdin=CANARY)
    kept = tmp_path / "chatcli" / "keys.toml"
    kept.chmod(0o644)
    assert "open to others" in through_the_door(tmp_path, "config", "show").err
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert through_the_door(tmp_path, "config", "show").err == ""


def test_what_a_link_leads_to_is_told_and_let_be(tmp_path: Path) -> None:
    """A folder's .env may call any folder our home, and lay a link there to any file."""
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "shared.txt").write_text("")
    (tmp_path / "shared.txt").chmod(0o644)
    (tmp_path / "chatcli" / "keys.toml").symlink_to(tmp_path / "shared.txt")
    assert (
        "is open to others, and can't be closed" in through_the_door(tmp_path, "config", "show").err
    )
    assert stat.S_IMODE((tmp_path / "shared.txt").stat().st_mode) == 0o644


@pytest.mark.parametrize("data", [b"\xff", b"[openai", f'key = "{CANARY}"x'.encode(), b"[" * 9999])
def test_a_spoiled_key_file_is_told_without_what_is_in_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "chatcli").mkdir(mode=0o700)
    (tmp_path / "chatcli" / "keys.toml").write_bytes(data)
    (tmp_path / "chatcli" / "keys.toml").chmod(0o600)
    done = key(tmp_path, "list")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "keys.toml" in done.err
    shown = through_the_door(tmp_path, "config", "show")
    assert (shown.code, shown.err) == (2, done.err)
    assert "\nmemory " in shown.out
    examined = through_the_door(tmp_path, "doctor", "--offline")
    assert examined.code == 1
    assert "keys.toml is not what chatcli wrote" in " ".join(examined.out.split())
    assert "models" in examined.out


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.dictionaries(NAMES, st.tuples(NAMES, NAMES | st.none()), max_size=5))
def test_whatever_names_and_keys_there_are_the_file_gives_them_back(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, tuple[str, str | None]]
) -> None:
    stored = {name: StoredKey(*entry) for name, entry in entries.items()}
    file = tmp_path_factory.getbasetemp() / "keys.toml"
    file.write_bytes(written(stored))
    assert read_keys(file) == stored


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://api.x.ai/v1", "https://API.x.ai:443/v2/", True),
        ("http://h/v1", "http://h:80", True),
        ("https://h/v1", "http://h/v1", False),
        ("https://h/v1", "https://h:8443/v1", False),
        ("https://h/v1", "https://h.evil.example/v1", False),
        ("https://h/v1", "https://h@evil.example/v1", False),
        ("http://[::1]:8000/v1", "http://[0::1]:8000/v1", False),
    ],
)
def test_whom_a_key_is_for_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (origin_of(one) == origin_of(other)) is same


def test_where_there_is_no_input_at_all_no_key_is_kept(tmp_path: Path) -> None:
    argv = chatcli_argv("config", "key", "set", "groq")
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *argv],
        env=clean_env(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "chatcli: that key is empty; copy it again\n")


def test_a_terminal_that_would_show_the_key_is_not_typed_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Python's own getpass goes on where it can't turn the echo off."""
    fallback = getpass.fallback_getpass  # type: ignore[attr-defined]  # typeshed leaves it out
    monkeypatch.setattr(getpass, "getpass", fallback)
    monkeypatch.setattr(sys, "stdin", _Typing(f"{CANARY}\n"))
    with pytest.raises(UsageError, match="would show the key"):
        _asked_key("groq")


class _Typing(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_key_is_not_shown(tmp_path: Path) -> None:
    """The canary of the suite is what is typed: a terminal that shows it fails this test."""
    argv = chatcli_argv("config", "key", "set", "groq")
    with Terminal(argv, env=clean_env(tmp_path), cwd=tmp_path) as terminal:
        terminal.wait_for("Key of groq (it is not shown):")
        terminal.type(CANARY).key("enter")
        terminal.wait_for("is kept in")
        assert terminal.wait_exit() == 0
    assert CANARY in (tmp_path / "chatcli" / "keys.toml").read_text()


# The keyring


def keyring_env(home: Path) -> dict[str, str]:
    return {
        "PYTHON_KEYRING_BACKEND": "tests.support.keychain_file.FileKeyring",
        "KEYCHAIN_FILE": str(home / "system.secret"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }


def test_the_keyring_keeps_a_key_where_there_is_one(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    env = keyring_env(tmp_path)
    (tmp_path / "chatcli").mkdir()
    config = f"[profiles.mine]\nbase_url = '{chat_server.url}'\nmodel = 'm'\n"
    (tmp_path / "chatcli" / "config.toml").write_text(config)
    done = run_chatcli("config", "key", "set", "mine", input=CANARY, env=env, home=tmp_path)
    assert done.stdout == "the key of mine is kept in the keyring\n"
    assert CANARY not in (tmp_path / "chatcli" / "keys.toml").read_text()
    asked = run_chatcli("ask", "-m", "mine", "Hi", env=env, home=tmp_path)
    assert asked.stdout == "Echo: Hi\n"
    assert chat_server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    (tmp_path / "system.secret.locked").touch()
    locked = run_chatcli("ask", "-m", "mine", "Hi", env=env, home=tmp_path)
    assert locked.returncode == 1
    assert "the keyring did not give the key of `mine`" in locked.stderr
    (tmp_path / "system.secret.locked").unlink()
    run_chatcli("config", "key", "remove", "mine", env=env, home=tmp_path)
    assert json.loads((tmp_path / "system.secret").read_text()) == {}


def test_starting_up_never_imports_keyring(tmp_path: Path) -> None:
    (tmp_path / "chatcli").mkdir()
    stored = {"openai": StoredKey("https://api.openai.com")}
    (tmp_path / "chatcli" / "keys.toml").write_bytes(written(stored))
    script = (
        "import sys\nfrom chatcli.settings import load\n"
        "from chatcli.providers.profiles import resolve\n"
        "assert resolve(load()).key.source == 'the keyring'\n"
        "assert 'keyring' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], env=clean_env(tmp_path), check=True)

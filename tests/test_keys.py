"""Keys: where they come from, and what can be one."""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatcli.config.addresses import origin_of
from chatcli.config.keyfile import StoredKey, written
from chatcli.errors import Refused, UsageError
from chatcli.providers import keys
from chatcli.settings import Settings, load
from tests.support.canary import CANARY
from tests.support.door import through_the_door
from tests.support.server import ChatServer

OPENAI = "https://api.openai.com/v1"


def settings(home: Path, **environ: str) -> Settings:
    return load(environ={"CHATCLI_HOME": str(home), **environ}, cwd=home)


def store(home: Path, name: str, base_url: str, key: str = CANARY) -> None:
    (home / "keys.toml").write_bytes(written({name: StoredKey(origin_of(base_url), key)}))


def prints(home: Path, script: str) -> list[str]:
    """A key_command that runs some Python, of which nobody minds that it holds a key."""
    program = home / "prints.secret"
    program.write_text(script)
    return [sys.executable, str(program)]


# What can be a key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("sk-one\nsk-two", "line ends"),
        ("sk one", "spaces"),
        ("sk-\x1b[2J", "no key has"),
        ("sk-\N{EN DASH}x", "no key has"),
        ("sk-…", "no key has"),
        ("'sk-x'", "quotes around it"),
        ('"sk-x"', "quotes around it"),
        ("k" * 9000, "longer than any key: 9,000 characters"),
    ],
)
def test_what_can_be_no_key_is_told_without_being_quoted(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        keys.checked(text, "the key in X")
    assert said in str(caught.value)
    assert "sk" not in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=40))
def test_what_passes_can_go_into_a_header(text: str) -> None:
    try:
        key = keys.checked(text, "it")
    except UsageError:
        return
    assert key
    assert key == text.strip()
    assert all("!" <= sign <= "~" for sign in key)


@given(st.text("abc123-", min_size=1, max_size=60))
def test_a_masked_key_shows_less_than_half_of_it(key: str) -> None:
    assert len(keys.masked(key).replace("…", "")) < len(key) / 2


# Where they come from


def test_the_order_is_environment_dotenv_stored_command(tmp_path: Path) -> None:
    command = prints(tmp_path, "print('from-command')")

    def found(**environ: str) -> tuple[str, str]:
        key = keys.find(settings(tmp_path, **environ), "openai", "OPENAI_API_KEY", command, OPENAI)
        assert key is not None
        return key.source, key.value()

    assert found() == ("the output of its key_command", "from-command")
    store(tmp_path, "openai", OPENAI, "from-file")
    assert found() == (str(tmp_path / "keys.toml"), "from-file")
    (tmp_path / ".env").write_text("OPENAI_API_KEY=from-dotenv\nGROQ_API_KEY=no\n")
    assert found() == ("./.env", "from-dotenv")
    assert found(OPENAI_API_KEY="from-env") == ("the environment (OPENAI_API_KEY)", "from-env")


def test_dotenv_holds_no_other_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROQ_API_KEY=no\n")
    assert keys.find(settings(tmp_path), "groq", "GROQ_API_KEY", None, "https://x/v1") is None


def test_a_variable_that_holds_no_key_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the key in GROQ_API_KEY has quotes around it"):
        keys.find(settings(tmp_path, GROQ_API_KEY="'x'"), "groq", "GROQ_API_KEY", None, OPENAI)


# key_command


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; sys.exit('the key is hush')", "failed with code 1"),
        ("print()", "is empty"),
        ("print('a b')", "no key has"),
        ("print('\\x1b[2J')", "no key has"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "no key has"),
    ],
)
def test_a_command_that_prints_no_key_is_told_in_a_line(
    tmp_path: Path, script: str, said: str
) -> None:
    key = keys.find(settings(tmp_path), "mine", None, prints(tmp_path, script), OPENAI)
    assert key is not None
    with pytest.raises(Refused) as caught:
        key.value()
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_command_that_is_not_there_is_told_without_what_may_be_the_key(tmp_path: Path) -> None:
    key = keys.find(settings(tmp_path), "mine", None, CANARY, OPENAI)
    assert key is not None
    with pytest.raises(Refused, match="the key_command of `mine` is not there") as caught:
        key.value()
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert CANARY not in key.source


def test_a_command_that_never_ends_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "COMMAND_WITHIN", 0.2)
    command = prints(tmp_path, "import time; time.sleep(60)")
    key = keys.find(settings(tmp_path), "slow", None, command, OPENAI)
    assert key is not None
    began = time.monotonic()
    with pytest.raises(Refused, match="did not end within"):
        key.value()
    assert time.monotonic() - began < 20


def test_a_command_goes_through_no_shell(tmp_path: Path) -> None:
    text = f"{sys.executable} -c 'import sys; print(sys.argv[1])' $HOME;touch"
    key = keys.find(settings(tmp_path), "mine", None, text, OPENAI)
    assert key is not None
    assert key.value() == "$HOME;touch"


@pytest.mark.parametrize("command", ["echo 'a", ["echo", 3], [" "], 3])
def test_a_command_that_is_none_is_told_or_not_there(tmp_path: Path, command: object) -> None:
    def ask() -> None:
        key = keys.find(settings(tmp_path), "mine", None, command, OPENAI)
        assert key is not None
        key.value()

    with pytest.raises((UsageError, Refused), match="key_command of `mine`"):
        ask()


def test_a_command_runs_when_a_request_is_made_and_once(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    """Two questions of one chat, and its start: the command has run once, at the first of them."""
    script = f"open({str(tmp_path / 'runs')!r}, 'a').write('x')\nprint({CANARY!r})"
    (tmp_path / "chatcli").mkdir()
    (tmp_path / "chatcli" / "config.toml").write_text(
        f"[profiles.mine]\nbase_url = {json.dumps(chat_server.url)}\nmodel = 'm'\n"
        f"key_command = {json.dumps(prints(tmp_path, script))}\n"
    )
    chat = ("chat", "--model", "mine")
    assert through_the_door(tmp_path, *chat, stdin="/model\n").code == 0
    assert not (tmp_path / "runs").exists()
    through_the_door(tmp_path, *chat, stdin="one\ntwo\n")
    assert (tmp_path / "runs").read_text() == "x"
    sent = {request.headers["authorization"] for request in chat_server.requests}
    assert sent == {f"Bearer {CANARY}"}


def test_a_key_that_is_refused_is_asked_for_once_more(tmp_path: Path) -> None:
    """Each run of the command prints another key, as one does whose keys expire."""
    script = (
        f"import pathlib\nruns = pathlib.Path({str(tmp_path / 'runs')!r})\n"
        "runs.write_text((runs.read_text() if runs.exists() else '') + 'x')\n"
        "print('key-' + runs.read_text())"
    )
    key = keys.find(settings(tmp_path), "mine", None, prints(tmp_path, script), OPENAI)
    assert key is not None
    assert [key.value(), key.value()] == ["key-x"] * 2
    assert key.renewed("key-x") == "key-xx"
    # Another thread that was refused with the same key finds it renewed already.
    assert key.renewed("key-x") == "key-xx"
    assert key.value() == "key-xx"


def test_a_key_that_nothing_else_can_be_had_for_is_not_renewed(tmp_path: Path) -> None:
    same = keys.find(settings(tmp_path), "mine", None, prints(tmp_path, "print('same')"), OPENAI)
    fixed = keys.find(settings(tmp_path, MINE="fixed"), "mine", "MINE", None, OPENAI)
    assert same is not None
    assert fixed is not None
    assert same.renewed(same.value()) is None
    assert fixed.renewed(fixed.value()) is None

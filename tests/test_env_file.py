"""A `./.env` is data from a folder that may be anybody's: no key of the user's follows it."""

from __future__ import annotations

from pathlib import Path

from tests.support.canary import CANARY
from tests.support.door import through_the_door
from tests.support.program import run_chatcli
from tests.support.server import ChatServer

REAL = {"OPENAI_API_KEY": "sk-test-real", "OTHER_KEY": "sk-test-other"}


def test_a_home_from_it_can_not_bring_an_endpoint(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / ".env").write_text("CHATCLI_HOME=evil\n")
    for config in (
        f'[profiles.openai]\nbase_url = "{chat_server.url}"\n',
        f'base_url = "{chat_server.url}"\n',
    ):
        (tmp_path / "evil" / "config.toml").write_text(config)
        env = {**REAL, "CHATCLI_HOME": ""}
        done = run_chatcli("ask", "-m", "openai:m", "Hello", env=env, home=tmp_path)
        assert done.returncode == 2
        assert "./.env sets CHATCLI_HOME" in done.stderr
    assert chat_server.requests == []


def test_an_endpoint_from_it_gets_no_key_that_the_config_names(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    (tmp_path / "chatcli").mkdir()
    config = tmp_path / "chatcli" / "config.toml"
    config.write_text('[profiles.openai]\nkey_variable = "OTHER_KEY"\n')
    (tmp_path / ".env").write_text(
        f"OPENAI_BASE_URL={chat_server.url}\nOPENAI_API_KEY=sk-test-own\n"
    )
    done = run_chatcli(
        "ask", "-m", "openai:m", "Hello", env={"OTHER_KEY": "sk-test-other"}, home=tmp_path
    )
    assert done.returncode == 2
    assert "OTHER_KEY" in done.stderr
    assert chat_server.requests == []


def test_a_home_from_it_still_holds_sessions(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / ".env").write_text("CHATCLI_HOME=here\n")
    env = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": chat_server.url, "CHATCLI_HOME": ""}
    done = run_chatcli("ask", "-m", "m", "-s", "mine", "Hello", env=env, home=tmp_path)
    assert done.stdout == "Echo: Hello\n"
    assert (tmp_path / "here" / "sessions" / "mine.json").is_file()


def test_an_endpoint_from_it_gets_no_stored_key(tmp_path: Path, chat_server: ChatServer) -> None:
    through_the_door(tmp_path, "config", "key", "set", "openai", stdin=CANARY)
    (tmp_path / ".env").write_text(f"OPENAI_BASE_URL={chat_server.url}\n")
    done = through_the_door(tmp_path, "ask", "Hello")
    assert done.code == 2
    assert "./.env sets OPENAI_BASE_URL without" in done.err
    assert chat_server.requests == []


def test_an_endpoint_from_it_gets_the_key_from_it_and_not_the_stored_one(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    through_the_door(tmp_path, "config", "key", "set", "openai", stdin=CANARY)
    (tmp_path / ".env").write_text(f"OPENAI_BASE_URL={chat_server.url}\nOPENAI_API_KEY=own\n")
    assert through_the_door(tmp_path, "ask", "-m", "m", "Hello").out == "Echo: Hello\n"
    assert [each.headers["authorization"] for each in chat_server.requests] == ["Bearer own"]


def test_no_command_runs_that_only_it_has_led_to(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHATCLI_HOME=evil\n")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "config.toml").write_text(
        f"[profiles.openai]\nkey_command = 'touch {tmp_path}/ran'\n"
    )
    for command in (("ask", "Hello"), ("doctor",), ("config", "show"), ("config", "key", "list")):
        done = through_the_door(tmp_path, *command, env={"CHATCLI_HOME": ""})
        assert "./.env sets CHATCLI_HOME" in done.out + done.err
        assert done.code in {1, 2}
    assert not (tmp_path / "ran").exists()

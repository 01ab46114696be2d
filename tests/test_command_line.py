"""`chatcli ask`, the chat through a pipe, flags, exit codes: what a script meets."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support.faults import FAULTS
from tests.support.program import run_chatcli
from tests.support.server import ChatServer

ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def run(
    home: Path, server: ChatServer, *args: str, stdin: str | None = None, **env: str
) -> CompletedProcess[str]:
    surroundings = {
        "OPENAI_BASE_URL": server.url,
        "OPENAI_API_KEY": "sk-test",
        "CHATCLI_MODEL": "gpt-4o",
        **env,
    }
    return run_chatcli(*args, input=stdin, env=surroundings, home=home)


def test_ask_prints_the_reply_alone(tmp_path: Path, chat_server: ChatServer) -> None:
    chat_server.reply_with("**Blue**, because of the air.")
    done = run(tmp_path, chat_server, "ask", "Why is the sky blue?")
    assert (done.returncode, done.stdout) == (0, "**Blue**, because of the air.\n")


def test_ask_appends_what_is_piped_in_and_attaches_files(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    (tmp_path / "notes.txt").write_text("in a file\n")
    run(tmp_path, chat_server, "ask", "Sum up", "-f", "notes.txt", stdin="from a pipe")
    question = chat_server.requests[0].messages[-1]["content"]
    assert question == "Sum up\n\nnotes.txt:\n```\nin a file\n```\n\nfrom a pipe"


def test_ask_json_is_one_object_with_its_session(tmp_path: Path, chat_server: ChatServer) -> None:
    done = run(tmp_path, chat_server, "ask", "--json", "Hello")
    answer = json.loads(done.stdout)
    assert answer["reply"] == "Echo: Hello"
    assert answer["finish"] == "stop"
    assert answer["model"] == "openai:gpt-4o"
    assert answer["usage"]["prompt_tokens"] > 0
    assert (tmp_path / "chatcli" / "sessions" / f"{answer['session']}.json").is_file()


def test_ask_goes_on_with_a_session(tmp_path: Path, chat_server: ChatServer) -> None:
    run(tmp_path, chat_server, "ask", "-s", "trip", "My name is Alice.")
    done = run(tmp_path, chat_server, "ask", "-c", "What is my name?")
    assert done.stdout == "Your name is Alice.\n"


def test_a_chat_through_a_pipe_reads_one_input_a_line(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    lines = "My name is Bob.\n\n/branch side\nWhat is my name?\n//slash\n/usr/bin is full\n"
    done = run(tmp_path, chat_server, "chat", stdin=lines)
    assert done.returncode == 0
    assert "Echo: My name is Bob.\n" in done.stdout
    assert "you are on `side`" in done.stdout
    assert "Your name is Bob.\n" in done.stdout
    assert [request.messages[-1]["content"] for request in chat_server.requests] == [
        "My name is Bob.",
        "What is my name?",
        "/slash",
        "/usr/bin is full",
    ]
    assert not ESCAPE.search(done.stdout + done.stderr)


def test_a_chat_through_a_pipe_ends_where_a_line_says_so(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    done = run(tmp_path, chat_server, "chat", stdin="one\nexit\ntwo\n")
    assert done.returncode == 0
    assert len(chat_server.requests) == 1


def test_hostile_text_never_reaches_a_pipe_as_control_characters(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.reply_with("safe \x1b]0;owned\x07\x1b[2J\x9b31m text\u202e")
    done = run(tmp_path, chat_server, "ask", "Attack")
    assert done.stdout == "safe  text⟨U+202E⟩\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["chat", "--perso", "pirate"], "--perso"),
        (["chat", "--persona", "pirat"], "pirate"),
        (["chat", "--budget", "many"], "--budget"),
        (["chat", "--strategy", "hope"], "strategy"),
        (["chat", "--session", "../../x y/\x01"], "no file"),
        (["chat", "-c"], "no session"),
        (["chat", "-c", "-s", "x"], "--continue"),
        (["ask"], "no question"),
        (["ask", "-f", "missing.txt", "x"], "missing.txt"),
        (["chat", "--model", "groq:x"], "GROQ_API_KEY"),
        (["chat", "--model", "azure:x"], "base_url"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_is_one_line_and_code_two(
    tmp_path: Path, chat_server: ChatServer, args: list[str], said: str
) -> None:
    done = run(tmp_path, chat_server, *args)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("chatcli: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_a_failed_provider_is_one_line_and_code_one(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    chat_server.fail_next(FAULTS["401-openai"])
    done = run(tmp_path, chat_server, "ask", "Hello", OPENAI_API_KEY="sk-canary-4711")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "does not accept the key" in done.stderr
    assert "sk-canary-4711" not in done.stderr


def test_a_model_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    done = run_chatcli("ask", "--model", "local:/no/such.gguf", "x", home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "✗ there is no file /no/such.gguf\n"


def test_no_save_leaves_nothing_on_the_disk(tmp_path: Path, chat_server: ChatServer) -> None:
    done = run(tmp_path, chat_server, "chat", "--no-save", stdin="secret\n/save x\n")
    assert "Echo: secret" in done.stdout
    assert list(tmp_path.rglob("*.json")) == []


def test_sessions_are_for_the_user_alone(tmp_path: Path, chat_server: ChatServer) -> None:
    run(tmp_path, chat_server, "ask", "-s", "mine", "Hello")
    folder = tmp_path / "chatcli" / "sessions"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "mine.json").stat().st_mode) == 0o600


def test_a_folder_named_sessions_takes_them_in(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / "sessions").mkdir()
    run(tmp_path, chat_server, "ask", "-s", "here", "Hello")
    assert (tmp_path / "sessions" / "here.json").is_file()


def test_a_plain_list_of_messages_loads_as_one_branch(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    messages = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "My name is Carol."},
        {"role": "assistant", "content": "Hello Carol."},
    ]
    (tmp_path / "old.json").write_text(json.dumps(messages))
    done = run(tmp_path, chat_server, "chat", stdin="/load old.json\nWhat is my name?\n")
    assert "Your name is Carol." in done.stdout
    sent = [(m["role"], m["content"]) for m in chat_server.requests[0].messages]
    assert sent[:3] == [(m["role"], m["content"]) for m in messages]
    assert json.loads((tmp_path / "old.json").read_text()) == messages


def test_an_env_file_cannot_send_a_key_elsewhere(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / ".env").write_text(f"OPENAI_BASE_URL={chat_server.url}\n")
    done = run_chatcli("ask", "Hello", env={"OPENAI_API_KEY": "sk-test-real"}, home=tmp_path)
    assert done.returncode == 2
    assert "./.env sets OPENAI_BASE_URL" in done.stderr
    assert chat_server.requests == []


def test_an_env_file_with_its_own_key_is_used(tmp_path: Path, chat_server: ChatServer) -> None:
    (tmp_path / ".env").write_text(
        f"OPENAI_BASE_URL={chat_server.url}\nOPENAI_API_KEY=sk-test-own\nCHATCLI_MODEL=m\n"
    )
    done = run_chatcli("ask", "Hello", home=tmp_path)
    assert done.stdout == "Echo: Hello\n"
    assert chat_server.requests[0].headers["authorization"] == "Bearer sk-test-own"


def test_tokens_show_the_next_request_against_the_budget(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    lines = "Hello\n/tokens\n"
    done = run(tmp_path, chat_server, "chat", "--budget", "500", "--system", "Hi", stdin=lines)
    assert re.search(r"system prompt +≈?\d+\n", done.stdout)
    assert re.search(r"budget \(truncate\) +500\n", done.stdout)
    assert "the endpoint reported" in done.stdout


def test_a_small_budget_leaves_the_oldest_turns_out_and_history_keeps_them(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    lines = "".join(f"This is turn number {n} of this talk\n" for n in range(12)) + "/history\n"
    done = run(tmp_path, chat_server, "chat", "--budget", "120", "--system", "S", stdin=lines)
    last = chat_server.requests[-1].messages
    assert last[0]["role"] == "system"
    assert last[-1]["content"] == "This is turn number 11 of this talk"
    assert len(last) < 24
    assert all(f"turn number {n} of" in done.stdout for n in range(12))


def test_a_proxy_is_not_asked_for_this_machine(tmp_path: Path, chat_server: ChatServer) -> None:
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    nowhere = {"NO_PROXY": "", "no_proxy": ""}
    done = run(tmp_path, chat_server, "ask", "Hello", **proxy, **nowhere)
    assert done.stdout == "Echo: Hello\n"


def test_help_says_how_to_start(tmp_path: Path) -> None:
    done = run_chatcli("--help", home=tmp_path)
    assert done.returncode == 0
    assert "chatcli chat --persona pirate" in done.stdout
    assert "--version" in done.stdout


@pytest.mark.parametrize(
    "group", [(), ("sessions",), ("personas",), ("models",), ("config", "key")], ids=" ".join
)
def test_a_group_of_commands_alone_shows_what_is_in_it(
    tmp_path: Path, group: tuple[str, ...]
) -> None:
    done = run_chatcli(*group, home=tmp_path)
    asked = run_chatcli(*group, "--help", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", asked.stdout)
    assert "\nCommands:\n" in done.stderr
    assert "..." not in done.stderr.partition("Commands:")[2], "each line on a command is whole"


def test_a_wrong_word_points_to_the_help_of_the_command_before_it(tmp_path: Path) -> None:
    done = run_chatcli("sessions", "nonsense", home=tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("'nonsense'; `chatcli sessions --help` shows what there is\n")


def test_version_is_one_line(tmp_path: Path) -> None:
    done = run_chatcli("--version", home=tmp_path)
    assert re.fullmatch(r"chatcli \d+\.\d+\.\d+\n", done.stdout)


def test_completion_can_be_installed(tmp_path: Path) -> None:
    # Without a shell above the tests there is none to be found: so nobody looks for one.
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = run_chatcli("--show-completion", "bash", env=env, home=tmp_path)
    assert "_CHATCLI_COMPLETE" in done.stdout


def test_a_first_run_says_in_three_lines_what_answers_where_it_is_kept_and_how_to_go_on(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    done = run(tmp_path, chat_server, "chat", stdin="/exit\n")
    answers, kept, helps = done.stderr.splitlines() or done.stdout.splitlines()
    assert answers == "· openai:gpt-4o answers"
    assert kept == f"· what is said is kept in {Path('~') / 'chatcli' / 'sessions'}"
    assert helps == "· /help lists the commands"

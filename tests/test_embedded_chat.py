"""The way in, with nothing but the embedded model: no key, no server of anybody's."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.embedded import weights
from tests.support.program import chatcli_argv, clean_env, run_chatcli
from tests.support.terminal import Terminal

pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
pytestmark = [pytest.mark.embedded, pytest.mark.timeout(180)]
__all__ = ["weights"]

# A small model may ramble on until it is cut off.
ENDED = re.compile(r"tokens/s|cut off")


@pytest.fixture
def home(tmp_path: Path, weights: Path) -> Path:
    """A newcomer's home, but for the weights, which are there already."""
    models = tmp_path / "chatcli" / "cache" / "models"
    models.mkdir(parents=True)
    for file in weights.parent.glob(f"{weights.name}*"):
        os.link(file, models / file.name)
    return tmp_path


def stored(home: Path) -> list[dict[str, object]]:
    (file,) = (home / "chatcli" / "sessions").glob("*.json")
    records: list[dict[str, object]] = json.loads(file.read_text())
    return records


def engines_of(terminal: Terminal) -> list[int]:
    """Return the processes that run a model for the program on this terminal."""
    parent = str(terminal._child.pid)
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, ppid, args in rows if ppid == parent and "engine.py" in args]


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_stranger_talks_to_a_pirate_and_comes_back(home: Path) -> None:
    argv = chatcli_argv("chat", "--persona", "pirate")
    with Terminal(argv, env=clean_env(home), cwd=home, anew=True) as terminal:
        terminal.wait_for_prompt()
        terminal.type("My name is Alice.").key("enter")
        terminal.wait_for(ENDED, timeout=60)
        terminal.wait_for_prompt()
        terminal.key("ctrl-d")
        assert terminal.wait_exit() == 0
        assert "llama" not in terminal.transcript().lower()

    roles = [record["role"] for record in stored(home) if "role" in record]
    assert roles == ["system", "user", "assistant"]
    reply = next(record for record in stored(home) if record.get("role") == "assistant")
    assert len(str(reply["content"])) > 10
    first_usage = reply["usage"]

    with Terminal(chatcli_argv("chat", "--continue"), env=clean_env(home), cwd=home) as terminal:
        terminal.wait_for("My name is Alice.")
        terminal.wait_for_prompt()
        terminal.type("What is my name?").key("enter")
        terminal.wait_for(ENDED, timeout=60)
        engines = engines_of(terminal)
        assert engines
        terminal.key("ctrl-d")
        terminal.wait_exit()
        assert not any(lives(engine) for engine in engines), "an engine ends with its chat"

    usages = [record["usage"] for record in stored(home) if record.get("role") == "assistant"]
    assert isinstance(first_usage, dict)
    assert isinstance(usages[1], dict)
    longer = usages[1]["prompt_tokens"] - first_usage["prompt_tokens"]
    assert longer > first_usage["completion_tokens"], "the earlier turns were sent again"


def test_ctrl_c_ends_a_reply_of_the_embedded_model(home: Path) -> None:
    with Terminal(chatcli_argv("chat"), env=clean_env(home), cwd=home) as terminal:
        terminal.wait_for_prompt()
        terminal.type("Tell me a very long story about the sea.").key("enter")
        terminal.wait_until(lambda: re.search(r"\n\w+ \w+ \w+", terminal.screen()), timeout=60)
        terminal.key("ctrl-c")
        terminal.wait_for("stopped", timeout=5)
        terminal.wait_for_prompt()
    (reply,) = [record for record in stored(home) if record.get("role") == "assistant"]
    assert reply["finish"] == "interrupted"


def test_ask_answers_without_a_key(home: Path) -> None:
    done = run_chatcli("ask", "--json", "Say hello.", home=home, timeout=120)
    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer["model"] == "local:smollm2"
    assert answer["reply"]
    assert "llama" not in done.stderr.lower()


def test_the_embedded_model_counts_as_its_engine_does(home: Path) -> None:
    lines = "Hello there\nHow are you?\nGood to hear\n/tokens\n"
    done = run_chatcli("chat", "--system", "Be brief.", input=lines, home=home, timeout=120)
    assert "the endpoint reported" in done.stdout
    assert "counted: exact" in done.stdout

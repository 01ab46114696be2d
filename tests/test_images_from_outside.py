"""Images by way of the command line and of the library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chatcli import Session
from chatcli.errors import AttachmentError
from tests.support.pictures import png
from tests.support.piped import surroundings
from tests.support.program import run_chatcli
from tests.support.server import ChatServer


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").write_bytes(png(512, 512))
    (tmp_path / "notes.md").write_text("# Notes\n")


def kinds(server: ChatServer) -> list[str]:
    """The parts of the newest question."""
    messages = server.requests[-1].body["messages"]
    assert isinstance(messages, list)
    return [part["type"] for part in messages[-1]["content"]]


def test_a_question_is_asked_about_an_image_and_a_pipe(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    done = run_chatcli(
        *("ask", "What is it?", "-f", "cat.png", "-f", "notes.md"),
        input="and this",
        env=surroundings(chat_server),
        home=tmp_path,
    )
    whole = "What is it?\n\nnotes.md:\n```\n# Notes\n```\n\nand this"
    assert (done.returncode, done.stdout) == (0, f"Echo: {whole}\n")
    size = f"cat.png, 512×512 ({len(png(512, 512)) / 1024:.0f} KiB)"
    assert done.stderr == f"· {size} goes along: ≈255 tokens\n"
    assert kinds(chat_server) == ["text", "image_url"]


def test_a_model_that_sees_nothing_is_not_even_started(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(png()[:40])
    for file, why in (
        ("cat.png", "local:smollm2 takes no images; --model asks one that does"),
        ("torn.png", "torn.png is a picture that is torn or whose header lies; save it again"),
    ):
        done = run_chatcli("ask", "What is it?", "-m", "local", "-f", file, home=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.strip().endswith(why)
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.rglob("*.json")) == []


def test_a_script_sends_files_and_finds_them_in_the_history(
    tmp_path: Path, chat_server: ChatServer
) -> None:
    talk = Session(model="gpt-4o", base_url=chat_server.url, api_key="sk-test")
    talk.send("Compare", files=["notes.md", tmp_path / "cat.png"])
    assert kinds(chat_server) == ["text", "image_url"]
    asked, replied = talk.history
    assert asked["content"][0]["text"] == "Compare\n\nnotes.md:\n```\n# Notes\n```"
    assert asked["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0")
    assert replied == {
        "role": "assistant",
        "content": "Echo: Compare\n\nnotes.md:\n```\n# Notes\n```",
    }
    json.dumps(talk.history)
    talk.save(tmp_path / "kept.json")
    talk.close()
    with Session.open(tmp_path / "kept.json", base_url=chat_server.url, api_key="sk-test") as again:
        assert again.history == talk.history
    with pytest.raises(AttachmentError, match="there is no file"):
        talk.send("And this?", files=["missing.png"])
    assert talk.turn_count == 1


def test_a_provider_of_ones_own_may_say_that_it_takes_none() -> None:
    class Blind:
        model = "mine"
        takes_images = False

        def stream(self, messages: object) -> object:
            raise AssertionError("nothing may be asked")

    talk = Session(provider=Blind())  # type: ignore[arg-type]  # it is never asked
    with pytest.raises(AttachmentError, match="mine takes no images"):
        talk.send("What is it?", files=["cat.png"])
    assert talk.history == []

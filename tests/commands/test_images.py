"""Images in a chat: shown to models that see, kept with the conversation, and no trap for others.

A real app talks to a real server, which refuses content parts that the protocol does not know.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatcli.app import App, Options
from chatcli.commands.attach import say
from chatcli.commands.registry import Run, Say
from chatcli.conversation.events import Event, Gauge, Json, Notice, Row, Table, TurnStarted
from chatcli.conversation.messages import Node
from chatcli.errors import AttachmentError, ChatcliError, NoImages, UsageError
from chatcli.settings import load
from chatcli.terminal.looks import Look
from chatcli.terminal.render import Renderer
from chatcli.terminal.theme import ASCII, UNICODE
from tests.support.mischief import Fault, answer
from tests.support.pictures import jpeg, png
from tests.support.protocol import encode, error_body
from tests.support.server import ChatServer

CAT = png(1024, 1024)
CONFIG = (
    "[profiles.blind]\nbase_url = '{url}'\nimages = false\n[profiles.other]\nbase_url = '{url}'"
)


class Chat:
    """An app on a server, in a folder with pictures, and what its user types."""

    def __init__(self, home: Path, server: ChatServer, options: Options | None = None) -> None:
        self.server = server
        (home / "config.toml").write_text(CONFIG.format(url=server.url))
        settings = load(
            {"base_url": server.url, "model": "openai:gpt-4o"},
            environ={"CHATCLI_HOME": str(home), "OPENAI_API_KEY": "sk-test"},
            cwd=home,
        )
        self.app = App(settings, options or Options())
        self.app.wait_for_counting()

    def type(self, *lines: str, edits: Node | None = None) -> list[Event]:
        """Do what each line says, and return what the last one showed."""
        seen: list[Event] = []
        for line in lines:
            self.app.session.ready()
            match self.app.commands.interpret(line):
                case Say(text):
                    seen = list(say(self.app, text, instead_of=edits))
                case Run(command, arguments):
                    seen = list(command.run(self.app, arguments))
        return seen

    @property
    def sent(self) -> list[dict[str, object]]:
        """The messages of the newest request, as they left."""
        messages = self.server.requests[-1].body["messages"]
        assert isinstance(messages, list)
        return messages


@pytest.fixture
def chat(
    tmp_path: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Chat]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat.png").write_bytes(CAT)
    (tmp_path / "dog.txt").write_bytes(jpeg(100, 50))  # the ending tells nothing
    (tmp_path / "notes.md").write_text("# Notes\n")
    chat = Chat(tmp_path, chat_server)
    yield chat
    chat.app.close()


def part(data: bytes, kind: str = "png") -> dict[str, object]:
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def text(words: str) -> dict[str, object]:
    return {"type": "text", "text": words}


def notices(events: list[Event]) -> str:
    return "\n".join(f"{e.text}; {e.hint}" for e in events if isinstance(e, Notice))


def refuses(server: ChatServer, said: str = "this model does not support image input") -> None:
    body = encode(error_body(said))
    server.fail_next(Fault("400-images", "", answer(400, body, "application/json")))


# What is sent


def test_an_image_that_a_message_names_is_told_and_then_shown_to_the_model(chat: Chat) -> None:
    events = chat.type("What is @cat.png?")
    kinds = [type(event) for event in events]
    assert kinds.index(Notice) < kinds.index(TurnStarted)
    told = f"cat.png, 1024×1024 ({len(CAT) / 1024:.0f} KiB) goes along: ≈765 tokens"
    assert told in notices(events)
    assert chat.sent == [{"role": "user", "content": [text("What is @cat.png?"), part(CAT)]}]


def test_attached_images_go_with_the_next_message_alone_and_stay_in_the_history(
    chat: Chat,
) -> None:
    chat.type("/file cat.png", "/file dog.txt", "/file notes.md", "Compare them", "Thanks")
    first, _, last = chat.sent
    assert first["content"] == [
        text("Compare them\n\nnotes.md:\n```\n# Notes\n```"),
        part(CAT),
        part(jpeg(100, 50), "jpeg"),
    ]
    assert last == {"role": "user", "content": "Thanks"}


def test_a_session_that_is_resumed_sends_its_images_again(chat: Chat, tmp_path: Path) -> None:
    chat.type("What is @cat.png?")
    chat.app.close()
    (tmp_path / "cat.png").unlink()
    again = Chat(tmp_path, chat.server, Options(resume=True))
    again.type("And now?")
    assert again.sent[0]["content"] == [text("What is @cat.png?"), part(CAT)]
    again.app.close()


def test_images_alone_are_called_by_their_names(chat: Chat) -> None:
    chat.type("/file cat.png")
    list(say(chat.app, " "))
    assert chat.sent == [{"role": "user", "content": [text("cat.png"), part(CAT)]}]


def test_the_history_shows_the_name_and_the_size_and_nothing_hostile(
    chat: Chat, tmp_path: Path
) -> None:
    (tmp_path / "a\x1b]0;b.png").write_bytes(png(2, 2))
    chat.type("/file a\x1b]0;b.png", "Look at @cat.png")
    (transcript,) = chat.type("/history 2")
    for glyphs, times in ((UNICODE, "×"), (ASCII, "x")):
        look = Look(lambda: 80, color=False, markdown=False, glyphs=glyphs)
        shown = Renderer(look).show(transcript)
        assert f"[image: cat.png, 1024{times}1024]" in shown
        assert "\x1b" not in shown
        assert shown.count("[image: ") == 2


# Models that don't see


def test_a_model_that_takes_none_is_sent_none_and_nothing_is_kept(chat: Chat) -> None:
    chat.type("/model blind:x")
    for line in ("What is @cat.png?", "/file cat.png"):
        with pytest.raises(AttachmentError, match="blind:x takes no images; --model or /model"):
            chat.type(line)
    assert chat.server.requests == []
    assert chat.app.session.history == ()
    assert chat.app.going_along == []


def test_earlier_images_do_not_keep_a_model_from_answering_that_takes_none(chat: Chat) -> None:
    chat.type("What is @cat.png?")
    told = notices(chat.type("/model blind:x"))
    assert "blind:x takes no images: 1 image will be left out; /model openai:gpt-4o" in told
    chat.type("Really?")
    assert [message["content"] for message in chat.sent if message["role"] == "user"] == [
        "What is @cat.png?",
        "Really?",
    ]
    table = chat.type("/context")[0]
    assert isinstance(table, Table)
    assert "sent without 1 image" in [row.cells[3] for row in table.rows]
    assert "leaves out 1 image" in chat.app.toolbar().warnings
    with pytest.raises(AttachmentError, match="takes no images"):
        chat.type("/undo", "/retry")
    chat.type("/model openai:gpt-4o", "/retry")
    assert chat.sent[-1]["content"] == [text("What is @cat.png?"), part(CAT)]


def test_a_server_that_takes_no_images_says_so_once_and_the_chat_goes_on(chat: Chat) -> None:
    chat.type("/model other:unheard-of")
    refuses(chat.server)
    with pytest.raises(NoImages, match="does not support image input; the message is kept"):
        chat.type("What is @cat.png?")
    assert [len(node.message.images) for node in chat.app.session.history] == [1]
    with pytest.raises(AttachmentError, match="other:unheard-of takes no images"):
        chat.type("/retry")
    chat.type("Never mind")
    assert [message["content"] for message in chat.sent] == ["What is @cat.png?", "Never mind"]


def test_earlier_images_that_a_server_refuses_are_left_out_at_once(chat: Chat) -> None:
    chat.type("What is @cat.png?", "/model other:unheard-of")
    refuses(chat.server, "Model does not support images. Please use a model that does.")
    told = notices(chat.type("Really?"))
    assert "other:unheard-of takes no images: those of earlier messages are left out" in told
    assert [type(message["content"]) for message in chat.sent] == [str, str, str]
    assert chat.app.session.history[-1].role == "assistant"


def test_an_image_that_is_refused_for_itself_does_not_make_the_model_a_blind_one(
    chat: Chat,
) -> None:
    refuses(chat.server, "Invalid image data: could not be decoded")
    with pytest.raises(ChatcliError, match="could not be decoded") as error:
        chat.type("What is @cat.png?")
    assert not isinstance(error.value, NoImages)
    chat.type("/retry")
    assert chat.sent[-1]["content"] == [text("What is @cat.png?"), part(CAT)]


def test_a_summary_is_told_which_images_there_were(chat: Chat) -> None:
    chat.type("What is @cat.png?")
    chat.server.reply_with("A cat.")
    chat.type("/summarize")
    (wish,) = chat.sent
    assert "User: What is @cat.png? [image: cat.png, 1024×1024]" in str(wish["content"])


# Saying it differently


def test_a_message_that_is_edited_keeps_its_images(chat: Chat) -> None:
    chat.type("What is @cat.png?")
    assert "cat.png, 1024×1024 stays with it" in notices(chat.type("/edit 1 What colour is it?"))
    assert chat.sent == [{"role": "user", "content": [text("What colour is it?"), part(CAT)]}]
    chat.type("What is in @cat.png?", edits=chat.app.session.history[0])
    assert chat.sent == [{"role": "user", "content": [text("What is in @cat.png?"), part(CAT)]}]


def test_an_edit_in_one_line_attaches_what_it_names(chat: Chat) -> None:
    chat.type("Hello", "/edit 1 Compare @notes.md and @dog.txt")
    assert chat.sent[0]["content"] == [
        text("Compare @notes.md and @dog.txt\n\nnotes.md:\n```\n# Notes\n```"),
        part(jpeg(100, 50), "jpeg"),
    ]


def test_a_reply_that_is_reworded_attaches_nothing(chat: Chat) -> None:
    chat.type("Hello", "/file cat.png", "/edit 2 See @notes.md")
    assert chat.app.session.history[-1].content == "See @notes.md"
    assert [each.name for each in chat.app.going_along] == ["cat.png"]


# What it will cost


def size_of_newest(events: list[Event]) -> tuple[str, int]:
    (gauge,) = (event for event in events if isinstance(event, Gauge))
    (newest,) = (share for share in gauge.parts if share.letter == "N")
    return newest.name, newest.size


def test_the_forecast_counts_what_goes_along(chat: Chat) -> None:
    _, empty = size_of_newest(chat.type("/tokens"))
    named = "Compare @cat.png with @notes.md"
    name, counted = size_of_newest(chat.type(f"/tokens {named}"))
    assert name == "newest, as typed, with 2 files"
    counter = chat.app.session.planner.counter
    assert counted == counter.count_draft(f"{named}\n\nnotes.md:\n```\n# Notes\n```") + 765
    events = chat.type("/file cat.png", "/tokens")
    assert size_of_newest(events) == ("newest, empty so far, with 1 file", empty + 765)
    table = chat.type("/context")[0]
    assert isinstance(table, Table)
    assert table.rows[-1].cells[2:] == (
        f"≈{empty + 765}",
        "sent",
        "(what you type next, with cat.png)",
    )


def test_the_request_is_shown_without_flooding_the_screen(chat: Chat) -> None:
    chat.type("What is @cat.png?", "/file dog.txt")
    (shown,) = chat.type("/context raw")
    assert isinstance(shown, Json)
    whole = json.dumps(shown.value)
    assert len(whole) < 1500
    assert whole.count("characters)") == 2


def test_a_key_costs_no_reading_of_a_file_that_is_as_it_was(chat: Chat, tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("one two three four five six\n")
    before = chat.app.toolbar("See @words.txt").tokens
    stamp = path.stat().st_mtime_ns
    path.write_text("1,2;3.4:5/6-7_8'9\"0!1?2~3^4\n")
    os.utime(path, ns=(stamp, stamp))
    assert chat.app.toolbar("See @words.txt").tokens == before, "it was not read"
    os.utime(path, ns=(stamp + 10**9, stamp + 10**9))
    after = chat.app.toolbar("See @words.txt").tokens
    assert before is not None
    assert after is not None
    assert after > before


def test_the_toolbar_counts_a_draft_as_the_message_will_be(chat: Chat) -> None:
    for draft in ("See @notes.md", "See @no-such-file, @./no-such and @cat.png"):
        facts = chat.app.toolbar(draft)
        warned = "1 file attached" in facts.warnings
        assert warned
        assert facts.exact is ("cat" not in draft)
    forecast = chat.app.toolbar("See @notes.md").tokens
    chat.type("See @notes.md")
    (question, _) = chat.app.session.history
    assert forecast == chat.app.session.planner.counter.price(question.message) + 3


def test_what_is_attached_is_listed_with_its_size(chat: Chat) -> None:
    (table,) = chat.type("/file cat.png", "/file")
    assert isinstance(table, Table)
    size = f"cat.png, 1024×1024 ({len(CAT) / 1024:.0f} KiB)"
    assert table.rows == (Row(("1", size, "≈765")),)


def test_a_file_that_is_attached_and_named_goes_along_once(chat: Chat) -> None:
    chat.type("/file notes.md", "/file cat.png")
    with pytest.raises(UsageError, match=r"cat.png is attached already"):
        chat.type("/file cat.png")
    draft = "What do @notes.md and @cat.png say?"
    assert [each.name for each in chat.app.going_with(draft)] == ["notes.md", "cat.png"]
    assert notices(chat.type(draft)).count("goes along") == 2
    assert chat.sent[-1]["content"] == [
        text(f"{draft}\n\nnotes.md:\n```\n# Notes\n```"),
        part(CAT),
    ]

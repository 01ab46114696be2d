"""Images in session files, in exports, and in what is imported: kept whole, or counted aloud."""

from __future__ import annotations

import base64
import json
import tracemalloc
from pathlib import Path

import pytest

from chatcli import Session
from chatcli.conversation import tree as trees
from chatcli.conversation.images import LEFT_TO_TEXTS, Image
from chatcli.conversation.messages import Message
from chatcli.conversation.records import Conversation, Header, whole
from chatcli.conversation.tree import Tree
from chatcli.errors import AttachmentError
from chatcli.storage import album, document, formats, wire
from chatcli.storage.foreign import FILES
from chatcli.storage.imagefile import image_from
from chatcli.storage.journal import FileJournal, at
from chatcli.storage.shelf import described
from tests.support.pictures import gif, jpeg, png, webp
from tests.support.server import ChatServer

HEADER = Header("01ABC", "2026-11-23T04:18:00Z", None, "openai:gpt-4o")
CAT = image_from("cat *1*.png", png(640, 480))
NOISE = jpeg(comment=bytes(range(256)) * 40)
DOG = image_from("dog.jpg", jpeg(100, 50))


def conversation(*images: Image) -> Conversation:
    tree = Tree()
    for message in (Message("user", "Look", images), Message("assistant", "I see.")):
        tree = trees.add(tree, trees.say(tree, message))
    return Conversation(HEADER, tree)


def images_in(talk: Conversation) -> list[Image]:
    return [image for node in talk.tree.path for image in node.message.images]


def data_url(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def imported(*contents: object, role: str = "user") -> tuple[Conversation, int]:
    """Return what is read of messages with these contents, and how many parts were left out."""
    found = formats.read_bytes(
        json.dumps([{"role": role, "content": content} for content in contents]).encode()
    )
    (foreign,) = found
    assert not isinstance(foreign, Exception)
    return foreign.conversation, foreign.left_out.get(FILES, 0)


def test_a_session_file_keeps_images_and_gives_them_back_to_the_byte(tmp_path: Path) -> None:
    talk = conversation(CAT, DOG)
    path = tmp_path / "x.json"
    kept = FileJournal(at(path))
    kept.append(*whole(talk))
    kept.close()
    kept, back, told = FileJournal.open(path)
    kept.close()
    assert images_in(back) == [CAT, DOG]
    assert told == []
    record = json.loads(path.read_bytes())[1]
    assert record["content"] == "Look", "whoever knows no images still reads the text"
    assert [image["name"] for image in record["images"]] == ["cat *1*.png", "dog.jpg"]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"name": "x.png", "data": "no base64 *"},
        {"name": "x.png", "data": base64.b64encode(CAT.data[:50]).decode()},
        {"name": "x.txt", "data": base64.b64encode(b"#!/bin/sh").decode()},
    ],
)
def test_an_image_that_is_spoiled_costs_no_more_than_itself_and_is_told(
    spoiled: dict[str, str],
) -> None:
    header, question, *rest = map(wire.encode, whole(conversation(CAT)))
    fields = json.loads(question)
    fields["images"].append(spoiled)
    reading = wire.read(wire.document([header, wire.dumped(fields), *rest]))
    assert images_in(reading.conversation) == [CAT]
    assert reading.told == ("1 image does not go along any more, for it can't be read",)
    assert json.loads(reading.lines[1])["images"] == fields["images"], "the file keeps all of it"


@pytest.mark.parametrize("images", ["cat.png", 7, [7], [{"data": 7}], {"name": "x"}])
def test_images_of_another_form_cost_no_more_than_themselves(images: object) -> None:
    header, question, *rest = map(wire.encode, whole(conversation()))
    fields = {**json.loads(question), "images": images}
    reading = wire.read(wire.document([header, wire.dumped(fields), *rest]))
    assert [node.content for node in reading.conversation.tree.path] == ["Look", "I see."]


def test_only_what_the_user_says_has_images() -> None:
    fields = {**json.loads(wire.encode(whole(conversation(CAT))[1])), "role": "assistant"}
    reading = wire.read(wire.document([wire.encode(HEADER), wire.dumped(fields)]))
    assert images_in(reading.conversation) == []


def test_the_tree_and_the_json_of_a_conversation_have_its_images_and_are_read_back() -> None:
    talk = conversation(CAT, DOG)
    assert images_in(formats.read_foreign(formats.WRITERS["tree"](talk), HEADER)) == [CAT, DOG]
    messages = json.loads(formats.WRITERS["json"](talk))
    assert messages[0]["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": data_url(CAT.data)}},
        {"type": "image_url", "image_url": {"url": data_url(DOG.data, "jpeg")}},
    ]
    back = formats.read_foreign(formats.WRITERS["json"](talk), HEADER)
    assert [(each.name, each.data) for each in images_in(back)] == [
        ("image 1", CAT.data),
        ("image 2", DOG.data),
    ]
    assert [node.content for node in back.tree.path] == ["Look", "I see."]


def test_markdown_names_the_images_and_none_of_their_names_is_markdown() -> None:
    text = formats.WRITERS["md"](conversation(CAT, DOG)).decode()
    assert "Look\n\n*(image: cat \\*1\\*.png, 640×480)*\n\n*(image: dog.jpg, 100×50)*\n" in text


def test_a_script_that_reads_a_session_is_told_of_images_and_not_shown_them(
    tmp_path: Path,
) -> None:
    (message, _) = json.loads(json.dumps(described(tmp_path, conversation(CAT))["messages"]))
    assert message["content"] == "Look"
    assert message["images"] == [
        {"name": "cat *1*.png", "type": "image/png", "width": 640, "height": 480}
    ]


@pytest.mark.parametrize("data", [png(), jpeg(), gif(), webp()])
def test_images_of_other_programs_are_taken_whatever_their_urls_call_them(data: bytes) -> None:
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": data_url(data, "png"), "detail": "low"}},
        {"type": "image_url", "image_url": data_url(data + b"\0")},
    ]
    talk, left_out = imported(parts)
    assert [each.data for each in images_in(talk)] == [data, data + b"\0"][: 2 - left_out]
    assert talk.tree.path[0].content == "Look"


def test_what_can_not_be_kept_of_an_import_is_counted() -> None:
    far = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    torn = {"type": "image_url", "image_url": {"url": data_url(CAT.data[:-9])}}
    sound = {"type": "input_audio", "input_audio": {"data": ""}}
    near = {"type": "image_url", "image_url": {"url": data_url(CAT.data)}}
    talk, left_out = imported([{"type": "text", "text": "Look"}, far, torn, near, sound])
    assert (len(images_in(talk)), left_out) == (1, 3)
    talk, left_out = imported([{"type": "text", "text": "Look"}, near], role="assistant")
    assert (len(images_in(talk)), left_out) == (0, 1)


def test_a_conversation_takes_in_no_more_images_than_a_session_can_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(album, "MAX_IMAGES", 2 * len(CAT.data) + 1)
    near = {"type": "image_url", "image_url": {"url": data_url(CAT.data)}}
    talk, left_out = imported(*([near] for _ in range(5)))
    assert (len(images_in(talk)), left_out) == (2, 3)


def test_a_session_with_no_room_for_an_image_says_so_before_it_is_sent(
    tmp_path: Path, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "MOST_BYTES", LEFT_TO_TEXTS + 5000)
    monkeypatch.setenv("CHATCLI_HOME", str(tmp_path))
    (tmp_path / "cat.png").write_bytes(png())
    (tmp_path / "noise.png").write_bytes(NOISE)
    with Session(model="gpt-4o", base_url=chat_server.url, api_key="sk-test") as talk:
        talk.send("Look", files=[tmp_path / "cat.png"])
        talk.save(tmp_path / "kept.json")
        with pytest.raises(AttachmentError, match="no room for more images; /new begins another"):
            talk.send("Look", files=[tmp_path / "noise.png"])
        assert talk.turn_count == 1
        talk.send("Then let us talk")
    talk = Session.open(tmp_path / "kept.json", base_url=chat_server.url, api_key="sk-test")
    assert talk.turn_count == 2
    talk.close()


@pytest.mark.parametrize(
    "record",
    [
        '{"branch":"main","head":null,"undone":[%s]}',
        '{"id":"a","parent":null,"role":"user","content":"x","images":[%s]}',
        '{"summary":"x","id":"s","until":"a","covers":[%s]}',
    ],
)
def test_a_long_list_of_what_is_wrong_costs_no_more_than_its_first_item(record: str) -> None:
    line = (record % ",".join(["7"] * 50_000)).encode()
    data = wire.document([wire.encode(HEADER), line])
    wire.read(data)
    tracemalloc.start()
    try:
        wire.read(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000, "an error for each item is 20 MB"


def test_a_list_of_too_many_images_is_told() -> None:
    fields = json.loads(wire.encode(whole(conversation(CAT))[1]))
    fields["images"] *= 21
    reading = wire.read(wire.document([wire.encode(HEADER), wire.dumped(fields)]))
    assert images_in(reading.conversation) == []
    assert reading.told == ("1 image does not go along any more, for it can't be read",)

"""llm's logs.db in every form that it has had, read without leaving a trace."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from chatcli.conversation.messages import Usage, path_to
from chatcli.conversation.records import Conversation
from chatcli.errors import BadSession
from chatcli.storage import formats
from chatcli.storage.foreign import FILES, THOUGHTS, TOOLS, Foreign
from tests.support.foreign_files import (
    LLM_LOGS,
    LLM_RESPONSES,
    LLM_THREADS,
    Row,
    database,
)

WHEN = "2025-03-01T12:00:00.123456+00:00"


def read(path: Path) -> list[Foreign]:
    found = list(formats.read_all(path))
    assert all(isinstance(each, Foreign) for each in found), found
    return [each for each in found if isinstance(each, Foreign)]


def said(talk: Conversation, branch: str = "main") -> list[tuple[str, str]]:
    return [(node.role, node.content) for node in path_to(talk.tree.heads[branch])]


def response(name: str, prompt: str | None, reply: str, **more: object) -> Row:
    about = {"model": "gpt-4o-mini", "datetime_utc": WHEN, "conversation_id": "c1"}
    return {"id": name, "prompt": prompt, "response": reply, **about, **more}


def chain(*messages: tuple[str, str | None, str, str]) -> dict[str, Sequence[Row]]:
    """Rows for messages of one text each: hash, parent, role, text."""
    return {
        "messages": [{"hash": h, "parent_hash": p, "role": r} for h, p, r, _ in messages],
        "parts": [
            {"message_hash": h, "position": 0, "type": "text", "text": t} for h, _, _, t in messages
        ],
    }


def turn(name: str, question: str, reply: str, **more: object) -> Row:
    about = {"thread_id": "t1", "model": "gpt-4o", "datetime_utc": WHEN}
    return {
        "id": name,
        "parent_message_hash": question,
        "tip_message_hash": reply,
        **about,
        **more,
    }


def test_responses_are_read_with_prompts_fragments_and_usage(tmp_path: Path) -> None:
    path = database(
        tmp_path / "logs.db",
        LLM_RESPONSES,
        {
            "conversations": [{"id": "c1", "name": "Ships", "model": "gpt-4o-mini"}],
            "responses": [
                response("r2", "And?", "More.", system="Be brief."),
                response("r1", "Hi", "Hello.", system="Be brief.", input_tokens=9, output_tokens=2),
                response("r3", None, "Tools are done.", system="Be wild.", reasoning="Hm"),
                response("r4", "Alone", "Yes.", conversation_id=None),
            ],
            "fragments": [{"id": 1, "content": "first"}, {"id": 2, "content": "second"}],
            "prompt_fragments": [
                {"response_id": "r2", "fragment_id": 2, "order": 1},
                {"response_id": "r2", "fragment_id": 1, "order": 0},
            ],
            "system_fragments": [{"response_id": "r3", "fragment_id": 1, "order": 0}],
            "prompt_attachments": [{"response_id": "r1", "attachment_id": "x", "order": 0}],
            "tool_calls": [{"id": 1, "response_id": "r2", "name": "ls"}],
            "tool_results": [{"id": 1, "response_id": "r3", "output": "."}],
        },
    )
    first, alone = read(path)
    assert said(first.conversation) == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello."),
        ("user", "first\nsecond\nAnd?"),
        ("assistant", "More."),
        ("system", "first\n\nBe wild."),
        ("assistant", "Tools are done."),
    ]
    assert first.left_out == {FILES: 1, TOOLS: 2, THOUGHTS: 1}
    header = first.conversation.header
    assert (header.created, header.model) == ("2025-03-01T12:00:00Z", "gpt-4o-mini")
    assert first.conversation.title == "Ships"
    assert first.conversation.tree.path[2].usage == Usage(9, 2)
    assert said(alone.conversation) == [("user", "Alone"), ("assistant", "Yes.")]


def test_the_tables_of_the_first_versions_are_enough(tmp_path: Path) -> None:
    schema = """
    create table conversations (id text primary key, name text, model text);
    create table responses (id text primary key, model text, prompt text, system text,
      response text, conversation_id text, datetime_utc text);
    """
    rows = {"responses": [response("r1", "Hi", "Hello.")]}
    (found,) = read(database(tmp_path / "x.db", schema, rows))
    assert said(found.conversation) == [("user", "Hi"), ("assistant", "Hello.")]


def test_the_log_of_the_first_year_is_read(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "model": "gpt-3.5-turbo", "prompt": "Hi", "response": "Hello."},
        {"id": 2, "model": "gpt-3.5-turbo", "prompt": "Alone", "response": "Yes."},
        {"id": 3, "model": "gpt-4", "prompt": "And?", "response": "More.", "chat_id": 1},
    ]
    talks = [
        said(found.conversation)
        for found in read(database(tmp_path / "log.db", LLM_LOGS, {"logs": rows}))
    ]
    assert talks == [
        [("user", "Hi"), ("assistant", "Hello."), ("user", "And?"), ("assistant", "More.")],
        [("user", "Alone"), ("assistant", "Yes.")],
    ]


def threads(path: Path) -> Path:
    rows = chain(
        ("b2:0", None, "system", "Be brief."),
        ("b2:1", "b2:0", "user", "Hi"),
        ("b2:2", "b2:1", "assistant", "Hello."),
        ("b2:2b", "b2:1", "assistant", "Ahoy."),
        ("b2:3", "b2:2", "user", "ignored"),
        ("b2:4", "b2:3", "assistant", ""),
        ("b2:5", "b2:4", "tool", ""),
        ("b2:6", "b2:5", "assistant", "Done."),
    )
    parts = [part for part in rows["parts"] if part["message_hash"] not in {"b2:3", "b2:4", "b2:5"}]
    pieces = json.dumps({"text_ref": [{"fragment": 1}, {"literal": "\nAnd?"}, {"fragment": 9}]})
    parts += [
        {"message_hash": "b2:3", "position": 0, "type": "text", "payload": pieces},
        {"message_hash": "b2:3", "position": 1, "type": "attachment", "payload": "{}"},
        {"message_hash": "b2:4", "position": 0, "type": "reasoning", "text": "Hm"},
        {"message_hash": "b2:4", "position": 1, "type": "tool_call", "payload": "{}"},
        {"message_hash": "b2:5", "position": 0, "type": "tool_result", "payload": "{}"},
    ]
    return database(
        path,
        LLM_RESPONSES + LLM_THREADS,
        {
            **rows,
            "parts": parts,
            "fragments": [{"id": 1, "content": "a fragment"}],
            "threads": [
                {"id": "t1", "name": "Ships", "tip_message_hash": "b2:6", "datetime_utc": WHEN},
                {"id": "t2", "name": "Fork", "tip_message_hash": "b2:2", "forked_from": "t1"},
            ],
            "turns": [
                turn("u1", "b2:1", "b2:2", input_tokens=7, output_tokens=1),
                turn("u2", "b2:1", "b2:2b"),
                turn("u3", "b2:3", "b2:4"),
                turn("u4", "b2:5", "b2:6", model="gpt-4.1"),
            ],
            # An earlier version began it, and the thread has it as a whole.
            "conversations": [{"id": "t1", "name": "Ships", "model": "gpt-4o"}],
            "responses": [response("u0", "Hi", "Hello.", conversation_id="t1")],
        },
    )


def test_threads_are_trees_with_what_every_turn_led_to(tmp_path: Path) -> None:
    ships, fork = read(threads(tmp_path / "logs.db"))
    talk = ships.conversation
    assert said(talk) == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("assistant", "Hello."),
        ("user", "a fragment\nAnd?"),
        ("assistant", "Done."),
    ]
    assert said(talk, "branch-1") == [*said(talk)[:2], ("assistant", "Ahoy.")]
    assert ships.left_out == {FILES: 1, THOUGHTS: 1, TOOLS: 2}
    assert (talk.title, talk.header.created, talk.header.model) == (
        "Ships",
        "2025-03-01T12:00:00Z",
        "gpt-4.1",
    )
    reply = talk.tree.path[2]
    assert (reply.id, reply.model, reply.usage) == ("b2:2", "gpt-4o", Usage(7, 1))
    assert said(fork.conversation) == said(talk)[:3]


def test_one_conversation_of_a_database_can_be_opened(tmp_path: Path) -> None:
    rows = {"responses": [response("r1", "Hi", "Hello.")]}
    path = database(tmp_path / "logs.db", LLM_RESPONSES, rows)
    assert said(formats.read_one(path).conversation) == [("user", "Hi"), ("assistant", "Hello.")]
    with pytest.raises(BadSession, match="it holds 2 conversations"):
        formats.read_one(threads(tmp_path / "more.db"))


# Nothing is left beside it


def test_a_database_is_read_where_nothing_may_be_written(tmp_path: Path) -> None:
    path = threads(tmp_path / "logs.db")
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert len(read(path)) == 2
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("state", ["closed", "alive", "copied"])
def test_a_write_ahead_log_is_read_and_left_as_it_was(tmp_path: Path, state: str) -> None:
    path = threads(tmp_path / "logs.db")
    writer = sqlite3.connect(path)
    writer.execute("pragma journal_mode = wal")
    writer.execute("update threads set name = 'Boats' where id = 't1'")
    writer.commit()
    if state == "copied":
        (tmp_path / "copy").mkdir()
        for name in ("logs.db", "logs.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / "copy" / name)
        path = tmp_path / "copy" / "logs.db"
    if state == "closed":
        writer.close()
    before = sorted(each.name for each in path.parent.iterdir())
    found = read(path)
    assert sorted(each.name for each in path.parent.iterdir()) == before
    writer.close()
    assert found[0].conversation.title == "Boats"


def test_a_writer_at_work_is_not_disturbed(tmp_path: Path) -> None:
    path = threads(tmp_path / "logs.db")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("begin immediate")
        writer.execute("update threads set name = 'Boats'")
        assert read(path)[0].conversation.title == "Ships"
        writer.commit()


# The worst database


def no_database(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)


def cut_off(path: Path) -> None:
    threads(path)
    path.write_bytes(path.read_bytes()[:6000])


def endless_view(path: Path) -> None:
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n)"
    columns = "i as id, i as prompt, i as response"
    database(path, f"create view responses as {endless} select {columns} from n;", {})


def endless_column(path: Path) -> None:
    large = "hex(zeroblob(10000000))"
    schema = f"create table responses (id, response, prompt as ({large}), system as ({large}));"
    database(path, schema, {"responses": [{"id": 1, "response": "x"}]})


def circle(path: Path) -> None:
    rows = chain(("a", "b", "user", "One"), ("b", "a", "assistant", "Two"))
    about = {"threads": [{"id": "t1", "tip_message_hash": "a"}]}
    database(path, LLM_THREADS, {**rows, **about})


def another_program(path: Path) -> None:
    database(path, "create table cookies (id, value);", {})


def broken_pieces(path: Path) -> None:
    part = {"message_hash": "a", "position": 0, "type": "text", "payload": "{"}
    message = {"hash": "a", "role": "user"}
    tip = {"id": "t1", "tip_message_hash": "a"}
    database(path, LLM_THREADS, {"messages": [message], "parts": [part], "threads": [tip]})


def too_much_to_look_through(path: Path) -> None:
    schema = LLM_THREADS.replace('"hash" text primary key', '"hash" text')
    rows = chain(*((f"m{n}", f"m{n - 1}", "user", "x") for n in range(6000)))
    database(path, schema, {**rows, "threads": [{"id": "t1", "tip_message_hash": "m5999"}]})


WORST: dict[Callable[[Path], None], str] = {
    no_database: "the database can't be read: file is not a database",
    cut_off: "the database can't be read: database disk image is malformed",
    endless_view: "it is no database of llm",
    endless_column: "it is no database of llm",
    circle: "its messages follow each other in a circle",
    another_program: "it is no database of llm",
    broken_pieces: "a message of it is broken",
    too_much_to_look_through: "the database can't be read: it is too much to read",
}


@pytest.mark.parametrize("make", WORST)
def test_the_worst_database_costs_one_line(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.db")
    try:
        found: list[object] = list(formats.read_all(tmp_path / "x.db"))
    except BadSession as error:
        found = [error]
    assert [str(each) for each in found] == [WORST[make]]
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


def test_values_of_any_type_are_passed_over(tmp_path: Path) -> None:
    row = {"id": b"\xff", "model": 7, "prompt": b"\0", "system": b"x", "response": "Yes."}
    odd = {"conversation_id": 3, "datetime_utc": "never", "input_tokens": "many"}
    rows = {"responses": [{**row, **odd}]}
    (found,) = read(database(tmp_path / "x.db", LLM_RESPONSES, rows))
    assert said(found.conversation) == [("assistant", "Yes.")]

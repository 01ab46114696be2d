"""Files as other programs leave them, for tests of what is read of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

# The tables of llm's migrations up to 0.36, as far as they say something of conversations.
LLM_RESPONSES = """
create table "conversations" ("id" text primary key, "name" text, "model" text);
create table "responses" (
  "id" text primary key, "model" text, "prompt" text, "system" text, "prompt_json" text,
  "options_json" text, "response" text, "response_json" text,
  "conversation_id" text references "conversations"("id"), "duration_ms" integer,
  "datetime_utc" text, "input_tokens" integer, "output_tokens" integer, "token_details" text,
  "schema_id" text, "resolved_model" text, "reasoning" text);
create table "fragments" (
  "id" integer primary key, "hash" text, "content" text, "datetime_utc" text, "source" text);
create table "prompt_fragments" (
  "response_id" text, "fragment_id" integer, "order" integer,
  primary key ("response_id", "fragment_id", "order"));
create table "system_fragments" (
  "response_id" text, "fragment_id" integer, "order" integer,
  primary key ("response_id", "fragment_id", "order"));
create table "attachments" (
  "id" text primary key, "type" text, "path" text, "url" text, "content" blob);
create table "prompt_attachments" (
  "response_id" text, "attachment_id" text, "order" integer,
  primary key ("response_id", "attachment_id"));
create table "tool_calls" (
  "id" integer primary key, "response_id" text, "tool_id" integer, "name" text,
  "arguments" text, "tool_call_id" text);
create table "tool_results" (
  "id" integer primary key, "response_id" text, "tool_id" integer, "name" text, "output" text,
  "tool_call_id" text, "instance_id" integer, "exception" text);
create virtual table "responses_fts" using fts5 ("prompt", "response", content="responses");
"""
LLM_THREADS = """
create table "messages" (
  "hash" text primary key, "parent_hash" text references "messages"("hash"), "role" text,
  "provider_metadata" text);
create table "parts" (
  "id" integer primary key, "message_hash" text references "messages"("hash"),
  "position" integer, "type" text, "tool_name" text, "text" text, "payload" text);
create table "threads" (
  "id" text primary key, "name" text, "tip_message_hash" text, "forked_from" text,
  "datetime_utc" text);
create table "turns" (
  "id" text primary key, "thread_id" text, "parent_message_hash" text,
  "tip_message_hash" text, "model" text, "resolved_model" text, "options_json" text,
  "schema_id" text, "input_tokens" integer, "output_tokens" integer, "token_details" text,
  "duration_ms" integer, "datetime_utc" text, "response_json" text);
"""
# What llm had before version 0.5.
LLM_LOGS = """
create table "logs" (
  "id" integer primary key, "model" text, "prompt" text, "system" text, "prompt_json" text,
  "options_json" text, "response" text, "response_json" text, "reply_to_id" integer,
  "chat_id" integer, "duration_ms" integer, "datetime_utc" text);
"""

Row = Mapping[str, object]


def database(path: Path, schema: str, rows: Mapping[str, Iterable[Row]]) -> Path:
    """Make a database with these tables, and these rows in them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)
        for table, some in rows.items():
            for row in some:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" * len(row))
                sql = f'insert into "{table}" ({names}) values ({marks})'
                connection.execute(sql, tuple(row.values()))
        connection.commit()
    return path


def chatgpt_message(role: str, *parts: object, **more: object) -> dict[str, object]:
    """Return a message of ChatGPT's export; `more` replaces or adds keys."""
    return {
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": 1700000000.25,
        "content": {"content_type": "text", "parts": list(parts)},
        "status": "finished_successfully",
        "recipient": "all",
        "metadata": {"model_slug": "gpt-4o"} if role == "assistant" else {},
        **more,
    }


def chatgpt_tree(
    places: Mapping[str, tuple[str | None, object]], current: str | None, **more: object
) -> dict[str, object]:
    """Return a conversation of ChatGPT's export, from each place's parent and message."""
    mapping = {
        name: {
            "id": name,
            "message": message,
            "parent": parent,
            "children": [other for other, (above, _) in places.items() if above == name],
        }
        for name, (parent, message) in places.items()
    }
    return {
        "title": "Ships",
        "create_time": 1690000000.5,
        "update_time": 1700000001.0,
        "mapping": mapping,
        "current_node": current,
        "conversation_id": "c0ffee",
        **more,
    }


def as_json(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path

"""What no persona may say, by any spelling: where messages and keys go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chatcli.personas import read_persona
from chatcli.personas.connections import connections_in, is_connection
from chatcli.personas.keys import KEYS
from tests.personas.files import refusal_of, write

SPELLINGS = [
    *("base_url", "Base-URL", "baseURL", "BaseUrl", "OPENAI_BASE_URL", "openai.base_url", "base"),
    *("endpoint", "url", "api_url", "host", "proxy", "api_base", "apiBase", "server_url"),
    *("api_key", "APIKEY", "api-key", "Api Key", "key", "token", "secret", "openai_api_key"),
    *(
        "access_token",
        "authorization",
        "headers",
        "extra_headers",
        "ａｐｉ＿ｋｅｙ",
        "api\u200b_key",
    ),
]
IN_A_BODY = [
    "{api_key: sk-secret}",
    "{api_base: x}",
    "{a: {b: {Authorization: x}}}",
    "{a: [{extraHeaders: {x: y}}]}",
    "{fallbacks: [{model: m, apiKey: sk-secret}]}",
    "{metadata: {webhook: x}}",
    "{callback_url: x}",
    "{tools: [{type: mcp, server_url: x}]}",
    "{provider: 'HTTPS://me:sk-secret@evil.example/v1'}",
    "{a: [b, 'ws://evil.example']}",
    "{proxies: {}}",
    "{user_config: {password: sk-secret}}",
]
HARMLESS = [
    "{top_k: 40, min_p: 0.1, repetition_penalty: 1.1, logit_bias: {'50256': -100}}",
    "{prompt_cache_key: pirate, safety_identifier: x, max_tokens_to_sample: 3}",
    "{chat_template_kwargs: {enable_thinking: false}, stop_token_ids: [1]}",
    "{provider: {order: [groq], allow_fallbacks: false}, reasoning: {max_tokens: 100}}",
    "{response_format: {type: json_schema, json_schema: {schema: {properties: {url: {}}}}}}",
]


@pytest.mark.parametrize("key", SPELLINGS)
def test_a_persona_can_not_say_where_messages_and_keys_go(tmp_path: Path, key: str) -> None:
    said = refusal_of(tmp_path, f"{json.dumps(key, ensure_ascii=False)}: sk-secret")
    assert "can't be set by a persona, which may come from anybody" in said
    assert "sk-secret" not in said


@pytest.mark.parametrize("body", IN_A_BODY)
def test_nor_can_its_extra_body(tmp_path: Path, body: str) -> None:
    said = refusal_of(tmp_path, f"extra_body: {body}")
    assert said.startswith("line 2: ")
    assert "in extra_body can't be set by a persona" in said
    assert "sk-secret" not in said


@pytest.mark.parametrize("body", HARMLESS)
def test_an_extra_body_says_all_else(tmp_path: Path, body: str) -> None:
    path = write(tmp_path, "x", f"---\nextra_body: {body}\n---\nHi\n")
    assert read_persona(path).parameters["extra_body"]


def test_no_key_of_ours_is_a_connection() -> None:
    assert not any(is_connection(key) for key in KEYS)
    assert not list(connections_in(dict.fromkeys(KEYS)))


JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=8),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.text(max_size=8) | some.just("response_format"), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(around=JSON, place=some.integers(0, 3))
def test_however_deep_it_lies_it_is_found(around: object, place: int) -> None:
    body: object = {"api_key": around}
    for number in range(place):
        body = {"a": body, "b": around} if number % 2 else [around, body]
    assert "'api_key'" in list(connections_in(body))

"""Files of other programs with anything in them: they are read, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatcli.errors import BadSession
from chatcli.storage import formats
from chatcli.storage.foreign import Foreign
from tests.storage.test_formats import SESSION
from tests.storage.test_formats_llm import threads
from tests.support.foreign_files import chatgpt_message, chatgpt_tree

WORDS = st.sampled_from(
    ["a", "b", "user", "assistant", "text", "parts", "role", "all", "thoughts", "", "x" * 300]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)

TREE = chatgpt_tree(
    {
        "a": (None, None),
        "b": ("a", chatgpt_message("user", "Hi", {"text": "there"})),
        "c": ("b", chatgpt_message("assistant", "Hello")),
    },
    "c",
)
MESSAGES = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "tool"}]
OWN = b'[\n{"chatcli":1,"id":"x","created":"x"},\n{"id":"a","parent":null,"role":"user"}\n]\n'
SEEDS = [
    json.dumps([TREE]).encode(),
    json.dumps(MESSAGES).encode(),
    json.dumps({"messages": MESSAGES}).encode(),
    SESSION.encode(),
    OWN,
]


def paths_of(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """All places in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]  # a list
    found = [path]
    for key, each in inner:
        deeper = (*path, key)
        found += paths_of(each, deeper) if isinstance(each, dict | list) else [deeper]
    return found


def replaced(value: object, path: tuple[object, ...], new: object) -> object:
    if not path:
        return new
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: replaced(value[key], tuple(rest), new)}
    assert isinstance(value, list)
    return [replaced(v, tuple(rest), new) if n == key else v for n, v in enumerate(value)]


def check(data: bytes) -> None:
    try:
        found = list(formats.read_bytes(data))
    except BadSession as error:
        found = [error]
    for each in found:
        if isinstance(each, BadSession):
            assert len(str(each).splitlines()) == 1
            assert len(str(each)) < 400
        else:
            assert isinstance(each, Foreign)
            for write in formats.WRITERS.values():
                write(each.conversation)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_value_of_any_type_may_be_anywhere(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([[TREE], MESSAGES, {"messages": MESSAGES}]))
    changed: object = whole
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths_of(changed)))
        changed = replaced(changed, path, data.draw(VALUES))
        if not isinstance(changed, dict | list):
            break
    check(json.dumps(changed).encode())


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=300, deadline=None)
def test_any_byte_may_be_another(seed: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(seed)))
        end = data.draw(st.integers(start, min(len(seed), start + 20)))
        seed = seed[:start] + data.draw(st.binary(max_size=6)) + seed[end:]
    check(seed)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_byte_of_a_database_may_be_another(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    good, path = folder / "good.db", folder / "bad.db"
    if not good.exists():
        threads(good)
    changed = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 30))):
        changed[data.draw(st.integers(16, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(changed)
    found = _all_of(path)
    assert all(isinstance(each, Foreign | BadSession) for each in found)
    assert not [each for each in folder.iterdir() if each.name.startswith("bad.db-")]


def _all_of(path: Path) -> list[Foreign | BadSession]:
    try:
        return list(formats.read_all(path))
    except BadSession as error:
        return [error]

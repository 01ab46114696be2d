"""What the worst file costs: an error of one line, and no time."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from chatcli.personas import MAX_BYTES
from tests.personas.files import is_persona_or_refused, refusal, refusal_of, write


@pytest.mark.parametrize(
    ("front", "told"),
    [
        ("a: &a [x]\nb: [*a, *a]", "line 2: anchors and aliases are not read here"),
        ("b: *a", "line 2: anchors and aliases are not read here"),
        ("a: &a\n  - *a", "line 2: anchors and aliases are not read here"),
        ("a: !!python/object/apply:os.abort []", "line 2: tags are not read here"),
        ("temperature: !!float 1", "line 2: tags are not read here"),
        ("name: !x y", "line 2: tags are not read here"),
        ("a: " + "[" * 200_000, "line 2: nested more than 8 deep"),
        ("a: " + "{b: " * 50_000, "line 2: nested more than 8 deep"),
        ("a:\n" + "- " * 100_000, "line 3: nested more than 8 deep"),
        ("? " * 100_000, "line 2: nested more than 8 deep"),
        ("\n".join(" " * i + "a:" for i in range(500)), "line 10: nested more than 8 deep"),
        ("seed: 1\nseed: 2", "line 3: 'seed' is there twice"),
        ("[a]: 1", "line 2: a key must be a word"),
        ("{a: 1}: 1", "line 2: a key must be a word"),
        ("- a", "line 2: the front matter must be lines of `key: value`"),
        ("just words", "line 2: the front matter must be lines of `key: value`"),
        ("a: b: c", "line 2: mapping values are not allowed in this context; text with a colon"),
        ("a: [", "line 3: "),
        ("a: 1\n...\nb: 2", "line 4: "),
        ("a: \x07", "a control character in the front matter"),
    ],
)
def test_yaml_that_is_more_than_plain_values_is_refused(
    tmp_path: Path, front: str, told: str
) -> None:
    began = time.monotonic()
    assert refusal_of(tmp_path, front).startswith(told)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "front",
    ["a: " + "[" * 20_000, "a: &a [x]\nb: *a", "a: !!python/name:os.system x", 'name: "\\ud800"'],
)
def test_the_slower_parser_of_a_python_without_libyaml_is_as_strict(
    tmp_path: Path, front: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert refusal_of(tmp_path, front).startswith("line 2: ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there is no prompt"),
        (b"---\nseed: 1\n---\n \n", "there is no prompt"),
        (b"---\nseed: 1\nYou are a pirate.\n", "the front matter that begins with --- has no end"),
        (b"\xff\xfeh\0i\0", "not UTF-8 text"),
        (b"\x7fELF\0\0", "not text"),
        (b"x" * (MAX_BYTES + 1), "larger than 256 KB"),
    ],
)
def test_a_file_that_is_no_persona_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    assert refusal(write(tmp_path, "x", content)).startswith(told)


def test_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path, "x", "You are a pirate.")
    os.truncate(path, 2**30)
    began = time.monotonic()
    assert refusal(path).startswith("larger than 256 KB")
    assert time.monotonic() - began < 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.md")
    assert refusal(tmp_path / "x.md") == "not a regular file"


def test_a_folder_and_a_file_that_is_not_there_are_no_personas(tmp_path: Path) -> None:
    (tmp_path / "x.md").mkdir()
    assert refusal(tmp_path / "x.md") == "not a regular file"
    assert "No such file" in refusal(tmp_path / "y.md")
    assert "null" in refusal(tmp_path / "nul\0.md")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    try:
        (tmp_path / "x.md").symlink_to(tmp_path / "x.md")
    except OSError:
        pytest.skip("links can't be made here")
    assert refusal(tmp_path / "x.md")


@given(some.binary(max_size=300))
def test_no_bytes_do_more_than_make_a_persona_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    assert is_persona_or_refused(write(tmp_path_factory.getbasetemp(), "bytes", content))


YAML_SCRAPS = some.sampled_from(list("-.?:,[]{}&*!|>'\"#%@`~\\a1é \t\n")) | some.sampled_from(
    ["---\n", "...\n", "\n  ", "\r\n", "<<", "null", "1.5", "temperature: ", "stop: ", "examples: "]
)


@given(some.lists(YAML_SCRAPS, max_size=25).map("".join))
def test_no_front_matter_does_more_than_make_a_persona_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, front: str
) -> None:
    content = f"---\n{front}\n---\nHi\n"
    assert is_persona_or_refused(write(tmp_path_factory.getbasetemp(), "scraps", content))

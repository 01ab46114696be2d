"""The shipped vocabularies are tiktoken's own, byte for byte, and need nothing but the package."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import runpy
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from chatcli import vocabularies
from chatcli.errors import StorageError

NAMES = sorted(vocabularies.PATTERNS)
SCRIPT = Path(__file__).parent.parent / "scripts" / "make_vocabularies.py"
SHIPPED = Path(vocabularies.__file__).parent


def tiktokens_own(name: str) -> tuple[str, str]:
    """The SHA-256 that tiktoken expects of a download of the vocabulary, and its pattern."""
    module: Any = import_module("tiktoken_ext.openai_public")
    with mock.patch.object(module, "load_tiktoken_bpe", return_value={}) as loader:
        pattern = module.ENCODING_CONSTRUCTORS[name]()["pat_str"]
    return loader.call_args.kwargs["expected_hash"], pattern


def shipped_tokens(name: str) -> list[str]:
    return lzma.decompress((SHIPPED / f"{name}.tiktoken.xz").read_bytes()).decode().splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_file_holds_what_tiktoken_would_download(name: str) -> None:
    lines = (f"{token} {rank}\n" for rank, token in enumerate(shipped_tokens(name)))
    expected, pattern = tiktokens_own(name)
    assert hashlib.sha256("".join(lines).encode()).hexdigest() == expected
    assert vocabularies.PATTERNS[name] == pattern


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [  # as printed in OpenAI's cookbook, "How to count tokens with tiktoken"
        ("o200k_base", "tiktoken is great!", [83, 8251, 2488, 382, 2212, 0]),
        ("o200k_base", "2 + 2 = 4", [17, 659, 220, 17, 314, 220, 19]),
        (
            "o200k_base",
            "お誕生日おめでとう",
            [8930, 9697, 243, 128225, 8930, 17693, 4344, 48669],
        ),
        ("cl100k_base", "tiktoken is great!", [83, 1609, 5963, 374, 2294, 0]),
        ("cl100k_base", "2 + 2 = 4", [17, 489, 220, 17, 284, 220, 19]),
        (
            "cl100k_base",
            "お誕生日おめでとう",
            [33334, 45918, 243, 21990, 9080, 33334, 62004, 16556, 78699],
        ),
    ],
)
def test_the_tokens_are_those_that_openai_documents(
    name: str, text: str, tokens: list[int]
) -> None:
    assert vocabularies.load(name).encode(text) == tokens


@pytest.mark.parametrize("name", NAMES)
def test_an_encoding_has_no_special_tokens(name: str) -> None:
    encoding = vocabularies.load(name)
    assert encoding.encode("<|endoftext|>") == encoding.encode_ordinary("<|endoftext|>")


def test_loading_touches_no_network_no_environment_and_writes_nothing(tmp_path: Path) -> None:
    program = """
import os, sys
from chatcli import vocabularies

forbidden = ("socket.", "os.putenv", "os.mkdir", "os.rename", "tempfile.", "subprocess.")

def watch(event, arguments):
    if event.startswith(forbidden):
        raise SystemExit(f"{event} {arguments}")
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise SystemExit(f"written: {arguments[0]}")

sys.dont_write_bytecode = True
sys.addaudithook(watch)
for name in vocabularies.PATTERNS:
    vocabularies.load(name).encode_ordinary("hello world")
print("done")
"""
    nowhere = str(tmp_path / "nowhere")
    environment = dict(os.environ, HOME=nowhere, TMPDIR=nowhere, TIKTOKEN_CACHE_DIR=nowhere)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.returncode) == ("done\n", 0), ran.stderr


def test_threads_that_ask_at_once_get_one_encoding() -> None:
    vocabularies._built.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(vocabularies.load, ["cl100k_base"] * 4))
    assert vocabularies._built.cache_info().misses == 1
    assert all(encoding is loaded[0] for encoding in loaded)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(ValueError, match="o200k_base"):
        vocabularies.load("p50k_base")


@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_damaged_file_is_an_error_with_a_remedy(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (SHIPPED / "cl100k_base.tiktoken.xz").read_bytes()
    if damage == "cut":
        (tmp_path / "cl100k_base.tiktoken.xz").write_bytes(whole[:100_000])
    elif damage == "changed":
        changed = whole[:200_000] + bytes([whole[200_000] ^ 1]) + whole[200_001:]
        (tmp_path / "cl100k_base.tiktoken.xz").write_bytes(changed)
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    monkeypatch.setattr(vocabularies, "_built", vocabularies._built.__wrapped__)
    with pytest.raises(StorageError) as caught:
        vocabularies.load("cl100k_base")
    assert caught.value.hint == "reinstall chatcli"


class TestTheScript:
    """`make_vocabularies.py`, run on an archive like js-tiktoken's."""

    def run(self, tokens: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        runs = [tokens[:300], tokens[300:]]
        ranks = "\n".join(
            f"! {first} {' '.join(run)}" for first, run in zip((0, 300), runs, strict=True)
        )
        module = f"export default {json.dumps({'bpe_ranks': ranks})};\n".encode()
        archive = folder / "js-tiktoken.tgz"
        with tarfile.open(archive, "w:gz") as package:
            member = tarfile.TarInfo("package/dist/ranks/cl100k_base.js")
            member.size = len(module)
            package.addfile(member, io.BytesIO(module))
        script = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
        monkeypatch.setitem(script.main.__globals__, "NAMES", ("cl100k_base",))
        monkeypatch.setitem(script.main.__globals__, "FOLDER", folder)
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), str(archive)])
        script.main()

    def test_it_makes_the_file_that_ships(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.run(shipped_tokens("cl100k_base"), tmp_path, monkeypatch)
        made, shipped = (folder / "cl100k_base.tiktoken.xz" for folder in (tmp_path, SHIPPED))
        assert lzma.decompress(made.read_bytes()) == lzma.decompress(shipped.read_bytes())

    def test_it_refuses_tokens_that_are_not_tiktokens(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tokens = shipped_tokens("cl100k_base")
        tokens[1000], tokens[1001] = tokens[1001], tokens[1000]
        with pytest.raises(SystemExit, match="not the tokens"):
            self.run(tokens, tmp_path, monkeypatch)
        assert not (tmp_path / "cl100k_base.tiktoken.xz").exists()

"""Make the vocabularies in `chatcli/vocabularies` that let tiktoken count without a network.

    python scripts/make_vocabularies.py [js-tiktoken-1.0.21.tgz]

The source is the npm package js-tiktoken; without its archive, `npm pack` fetches it. Each token
goes on a line of its own, base64, in order of rank. That is tiktoken's own `.tiktoken` format
without its second column, which is the line's number and would make the compressed files a third
larger. With the column put back, as by `awk '{print $0, NR - 1}'`, the bytes must have the SHA-256
that the installed tiktoken expects of its downloads.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from unittest import mock

from tiktoken_ext import openai_public  # type: ignore[import-untyped]  # it ships no types

PACKAGE = "js-tiktoken@1.0.21"
NAMES = ("o200k_base", "cl100k_base")
FOLDER = Path(__file__).resolve().parent.parent / "chatcli" / "vocabularies"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(sys.argv[1]) if len(sys.argv) > 1 else fetched(Path(scratch))
        modules = {name: ranks_module(archive, name) for name in NAMES}
    for name, module in modules.items():
        tokens = tokens_by_rank(module)
        whole = tiktoken_format(tokens)
        if hashlib.sha256(whole).hexdigest() != expected_sha256(name):
            sys.exit(f"{name}: these are not the tokens that tiktoken expects")
        packed = compressed(tokens)
        (FOLDER / f"{name}.tiktoken.xz").write_bytes(packed)
        print(f"{name}: {len(tokens):,} tokens, {len(whole):,} bytes, packed {len(packed):,}")


def fetched(folder: Path) -> Path:
    """The package's archive, put into `folder` by npm."""
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True)
    return next(folder.glob("*.tgz"))


def ranks_module(archive: Path, name: str) -> str:
    """The JavaScript module that holds one vocabulary."""
    with tarfile.open(archive) as package:
        member = package.extractfile(f"package/dist/ranks/{name}.js")
        assert member is not None, "a module is a regular file"
        return member.read().decode()


def tokens_by_rank(module: str) -> list[str]:
    """The module's tokens, base64; its `bpe_ranks` has lines of `! FIRST-RANK TOKEN TOKEN …`."""
    source = module.strip().removeprefix("export default ").removesuffix(";")
    tokens: dict[int, str] = {}
    for line in json.loads(source)["bpe_ranks"].splitlines():
        _, first, *run = line.split(" ")
        tokens.update(enumerate(run, int(first)))
    return [tokens[rank] for rank in range(len(tokens))]


def tiktoken_format(tokens: Iterable[str]) -> bytes:
    return "".join(f"{token} {rank}\n" for rank, token in enumerate(tokens)).encode()


def expected_sha256(name: str) -> str:
    """What tiktoken itself would accept as a download of this vocabulary."""
    with mock.patch.object(openai_public, "load_tiktoken_bpe", return_value={}) as loader:
        openai_public.ENCODING_CONSTRUCTORS[name]()
    return str(loader.call_args.kwargs["expected_hash"])


def compressed(tokens: Iterable[str]) -> bytes:
    lines = "".join(f"{token}\n" for token in tokens).encode()
    return lzma.compress(lines, preset=9 | lzma.PRESET_EXTREME)


if __name__ == "__main__":
    main()

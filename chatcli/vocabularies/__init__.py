"""The vocabularies of OpenAI's models, so that tiktoken counts exactly where there is no network.

Each file is tiktoken's `.tiktoken` format without its column of ranks, compressed: one token a
line, base64, in order of rank. `scripts/make_vocabularies.py` makes them, NOTICE says from what.

They reach tiktoken through its constructor and not through its download cache. That needs no folder
to write to, changes no environment variable under the feet of other threads, cannot end in a
download, and takes no longer than reading a warm cache.
"""

from __future__ import annotations

from binascii import a2b_base64
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from chatcli.errors import StorageError

if TYPE_CHECKING:
    import tiktoken

# How a text is cut before tokens are merged: `pat_str` in tiktoken's `openai_public`.
PATTERNS = {
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
    "o200k_base": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}

_one_at_a_time = Lock()


def load(name: str) -> tiktoken.Encoding:
    """The encoding of that name, ready to count; the same object each time.

    The first call takes a few tenths of a second, for half of which no other thread runs, so it
    belongs where nobody is typing. The encoding has no special tokens: `<|endoftext|>` in a message
    is ordinary text.

    Raises ValueError for a name that does not ship, StorageError when its file can't be read.
    """
    if name not in PATTERNS:
        raise ValueError(f"no vocabulary {name!r}; there are {', '.join(PATTERNS)}")
    with _one_at_a_time:
        return _built(name)


@cache
def _built(name: str) -> tiktoken.Encoding:
    import tiktoken

    return tiktoken.Encoding(
        name, pat_str=PATTERNS[name], mergeable_ranks=_ranks(name), special_tokens={}
    )


def _ranks(name: str) -> dict[bytes, int]:
    from importlib import resources

    packed = resources.files(__name__) / f"{name}.tiktoken.xz"
    try:
        from lzma import LZMAError, decompress  # some builds of Python lack it
    except ImportError as error:
        raise StorageError("this Python can't read xz files", "use one built with lzma") from error
    try:
        tokens = decompress(packed.read_bytes()).split()
    except (OSError, LZMAError) as error:
        raise StorageError(
            f"the vocabulary {name} can't be read: {error}", "reinstall chatcli"
        ) from error
    return {a2b_base64(token): rank for rank, token in enumerate(tokens)}

"""The texts inside a PNG image, without looking at the picture.

A PNG is a signature and then chunks: four bytes of length, four of type, the data, and a checksum
(www.w3.org/TR/png-3, 5.3). Texts are in chunks tEXt, zTXt (compressed) and iTXt (11.3.3). The file
may be anybody's: lengths are not believed, and no more is unpacked than a text may have.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Collection, Iterator
from typing import BinaryIO, Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_TEXT: Final = 8 * 1024 * 1024
"""Bytes of one text, as it is stored and when it is unpacked."""

_MAX_CHUNKS: Final = 100_000
_NOTHING: Final = b""


def texts(file: BinaryIO, wanted: Collection[bytes]) -> dict[bytes, bytes]:
    """Return the texts of an image that bear one of the `wanted` keywords, the first of each.

    What is cut off, packed wrongly or too large is as if it were not there.
    """
    found: dict[bytes, bytes] = {}
    for kind, data in _text_chunks(file):
        keyword, _, rest = data.partition(b"\0")
        keyword = keyword.lower()
        if keyword in wanted and keyword not in found:
            text = _text(kind, rest)
            if text:
                found[keyword] = text
    return found


def _text_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield type and data of each chunk that holds a text."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return
    for _ in range(_MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND" or length > 0x7FFFFFFF:
            return
        if kind in {b"tEXt", b"zTXt", b"iTXt"} and length <= MAX_TEXT:
            data = file.read(length)
            if len(data) < length:
                return
            yield kind, data
            length = 0
        # The checksum is skipped: whatever a text says is checked later.
        file.seek(length + 4, os.SEEK_CUR)


def _text(kind: bytes, rest: bytes) -> bytes:
    """Return what follows the keyword of a chunk, unpacked."""
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _unpacked(rest[1:]) if rest[:1] == b"\0" else _NOTHING
    flags, packed = rest[:2], rest[2:].split(b"\0", 2)
    if len(packed) < 3:
        return _NOTHING
    return _unpacked(packed[2]) if flags[:1] == b"\1" else packed[2]


def _unpacked(data: bytes) -> bytes:
    """Return unpacked data, nothing where it is broken or larger than it may be."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(data, MAX_TEXT)
    except zlib.error:
        return _NOTHING
    return text if unpacking.eof else _NOTHING

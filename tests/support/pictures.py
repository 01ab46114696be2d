"""Image files made by hand, small and whole, of each kind that models take."""

from __future__ import annotations

import struct
import zlib

Size = tuple[int, int]


def png(width: int = 4, height: int = 3) -> bytes:
    """Return a PNG, all of it grey; it can be opened by whatever opens pictures."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + end

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    row = b"\0" + b"\x80" * width
    pixels = zlib.compress(row * height if width * height < 10**7 else row)
    whole = chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + whole


def jpeg(width: int = 4, height: int = 3, *, frame: int = 0xC0, comment: bytes = b"") -> bytes:
    """Return a JPEG with no pixels; `frame` is its marker, 0xC2 that of a progressive one."""

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    begin = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + segment(0xFE, comment)
    tables = segment(0xDB, bytes(65)) + segment(0xC4, bytes(20))
    shape = segment(frame, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    # Two bytes of filling before a marker, which the form allows.
    return b"\xff\xd8" + begin + tables + b"\xff\xff" + shape + segment(0xDA, b"\1\1\0\0?\0") + END


END = b"\x00\xff\xd9"


def gif(width: int = 4, height: int = 3) -> bytes:
    """Return a GIF of one colour."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\x80\x80\x80\0\0\0"
    image = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2L\1\0"
    return head + image + b";"


def webp(width: int = 4, height: int = 3, form: str = "VP8X") -> bytes:
    """Return a WebP with no pixels: extended, `VP8L` lossless, or `VP8 ` lossy."""
    match form:
        case "VP8X":
            data = bytes(4) + _three(width - 1) + _three(height - 1)
        case "VP8L":
            data = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(5)
        case _:
            data = b"\x10\2\0\x9d\x01\x2a" + struct.pack("<HH", width, height)
    body = b"WEBP" + form.encode() + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _three(number: int) -> bytes:
    return number.to_bytes(3, "little")

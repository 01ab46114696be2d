"""Image files as far as they are looked into: the kind by its first bytes, and the size in pixels.

The ending of a name is never believed, nor is a header that the rest of the file belies. The forms
are those of PNG (ISO/IEC 15948), JPEG (ITU-T T.81), GIF89a, and WebP (RFC 9649).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from chatcli.conversation.images import MOST_BYTES, Image, MediaType
from chatcli.errors import AttachmentError

MOST_PIXELS: Final = 65_535
"""The longest side that an image may have; JPEG and GIF know no longer one."""

OTHER_KINDS: Final = (b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"8BPS", b"\xff\x0a")
_ISO_KINDS: Final = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif", b"ftypavis", b"JXL \r\n")

Measure: TypeAlias = Callable[[bytes], tuple[int, int] | None]
"""Returns width and height in pixels, None where the file is torn."""


def is_image(data: bytes) -> bool:
    """Tell whether these bytes begin as those of an image do, of a kind that models take or not.

    A text can begin with "BM" or "GIF89a" too. But no text has a NUL, and every image has one.
    """
    other = data.startswith(OTHER_KINDS) or data[4:12].startswith(_ISO_KINDS)
    return b"\0" in data and (other or kind_of(data) is not None)


def kind_of(data: bytes) -> MediaType | None:
    """Return the kind of an image that models take, None for anything else."""
    if data.startswith(b"\x89PNG"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def image_from(name: str, data: bytes, place: object = None) -> Image:
    """Return the image that these bytes are, called `name`; errors call it by its `place`.

    Raises AttachmentError for one that no model takes, that is torn, or that is too large.
    """
    what = place or name
    kind = kind_of(data)
    if kind is None:
        raise AttachmentError(
            f"{what} is a picture of a kind that models don't take", "make a PNG or a JPEG of it"
        )
    if len(data) > MOST_BYTES:
        raise AttachmentError(
            f"{what} is larger than {MOST_BYTES // 2**20} MiB", "attach a smaller copy of it"
        )
    size = _MEASURES[kind](data)
    if size is None or not all(0 < side <= MOST_PIXELS for side in size):
        raise AttachmentError(
            f"{what} is a picture that is torn or whose header lies", "save it again"
        )
    return Image(name, kind, data, *size)


def _png(data: bytes) -> tuple[int, int] | None:
    whole = data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR"
    if not whole or b"IEND\xaeB`\x82" not in data[-4096:]:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _gif(data: bytes) -> tuple[int, int] | None:
    if len(data) < 14 or not data.rstrip(b"\0\r\n").endswith(b";"):
        return None
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Look through the segments for the frame, which has the size; what follows it is pixels."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            ends = data.find(b"\xff\xd9", at) > 0
            return (int.from_bytes(width, "big"), int.from_bytes(height, "big")) if ends else None
        alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
        length = 0 if alone else int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in {0xD9, 0xDA} or (length < 2 and not alone):
            return None
        at += 2 + length
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    whole = 8 + int.from_bytes(data[4:8], "little") <= len(data)
    if not whole or len(data) < 30:
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = data[24:27], data[27:30]
        return 1 + int.from_bytes(width, "little"), 1 + int.from_bytes(height, "little")
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = data[26:28], data[28:30]
        return int.from_bytes(width, "little") & 0x3FFF, int.from_bytes(height, "little") & 0x3FFF
    return None


_MEASURES: Final[dict[MediaType, Measure]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}

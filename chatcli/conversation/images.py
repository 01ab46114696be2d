"""An image that goes along with a message, as a plain value, and how many of them can."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from chatcli.errors import AttachmentError

MediaType: TypeAlias = Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
"""The kinds that the chat-completions API takes."""

MOST_IMAGES: Final = 20
MOST_BYTES: Final = 5 * 1024 * 1024
"""How many images a message may have, and how large their files may be together.

Endpoints that state a limit take 5 MB an image; and a record in a file has room.
"""

MOST_TOGETHER: Final = 8_000_000
"""How many bytes a text and its images may take in base64."""

LEFT_TO_TEXTS: Final = 4 * 1024 * 1024
"""Bytes of a session's file that no image may take, so that the talk can go on."""

_SHOWN: Final = 48


@dataclass(frozen=True, slots=True)
class Image:
    """An image as it is sent: `data` is its file, `width` and `height` are in pixels."""

    name: str
    media_type: MediaType
    data: bytes = field(repr=False)
    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.name}, {self.width}×{self.height}"

    @property
    def file(self) -> str:
        """What it is as a file, in words: its name, and how large it is in both ways."""
        size = len(self.data)
        return f"{self} ({f'{size / 1024:,.0f} KiB' if size >= 1024 else f'{size} bytes'})"

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode()

    def as_part(self) -> dict[str, object]:
        """Return the image as a content part of the chat-completions API."""
        url = f"data:{self.media_type};base64,{self.base64}"
        return {"type": "image_url", "image_url": {"url": url}}


def together(*images: Image) -> tuple[Image, ...]:
    """Return images as one message has them, each once. Raises AttachmentError if too many."""
    kept = tuple(dict.fromkeys(images))
    if len(kept) > MOST_IMAGES:
        raise AttachmentError(
            f"that is {len(kept)} images, and a message has at most {MOST_IMAGES}",
            "send the others with the next one",
        )
    if sum(len(each.data) for each in kept) > MOST_BYTES:
        raise AttachmentError(
            f"the images are larger than {MOST_BYTES // 2**20} MiB together",
            "make them smaller, or send them one by one",
        )
    return kept


def in_one_message(
    text: str, images: Iterable[Image], room: int | None = None
) -> tuple[Image, ...]:
    """Return the images as a message with this text has them. Raises AttachmentError if too much.

    A text alone is never too much for a record of the session's file, but beside images it can be.
    `room` is how many bytes the file can still take, None where there is no end.
    """
    kept = together(*images)
    if kept:
        size = len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        size += sum(len(each.data) for each in kept) * 4 // 3
        if size > MOST_TOGETHER:
            raise AttachmentError(
                "the images are too large beside so much text", "send the one without the other"
            )
        if room is not None and size > room - LEFT_TO_TEXTS:
            raise AttachmentError(
                "the session's file has no room for more images", "/new begins another session"
            )
    return kept


def counted(number: int) -> str:
    """Return a number of images in words."""
    return f"{number} image{'' if number == 1 else 's'}"


def said_of(images: Iterable[Image]) -> str:
    """Say which images a message has, in brackets behind a space; empty where it has none."""
    names = "; ".join(map(str, images))
    return f" [image: {names}]" if names else ""


def shortened(request: Mapping[str, object]) -> dict[str, object]:
    """Return a request's body for reading: of each image only the beginning of its data."""
    messages = request.get("messages")
    listed = messages if isinstance(messages, Sequence) else ()
    return {**request, "messages": [_shortened(each) for each in listed]}


def _shortened(value: object) -> object:
    """Return a value with the long data URLs anywhere in it cut short."""
    if isinstance(value, str) and value.startswith("data:image/") and len(value) > 2 * _SHOWN:
        return f"{value[:_SHOWN]}… ({len(value):,} characters)"
    if isinstance(value, Mapping):
        return {key: _shortened(each) for key, each in value.items()}
    return [_shortened(each) for each in value] if isinstance(value, list) else value

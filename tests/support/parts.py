"""What a strict server refuses of the parts of a message's content, each thing in a few words."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

MAGIC = {
    "png": b"\x89PNG\r\n\x1a\n",
    "jpeg": b"\xff\xd8\xff",
    "gif": b"GIF8",
    "webp": b"RIFF",
}
DATA_URL = re.compile(r"data:image/([a-z]+);base64,(.*)", re.DOTALL)
DETAILS = {"auto", "low", "high"}


def wrong_with_parts(content: list[object], role: object) -> Iterator[str]:
    """Yield what is wrong with a content that is a list, in a message of this role."""
    if not content:
        yield "its content has no part"
    for part in content:
        if not isinstance(part, dict):
            yield "its content has a part of no known type"
        elif part.get("type") == "text":
            if part.keys() != {"type", "text"} or not isinstance(part["text"], str):
                yield "its content has a text part that is none"
            elif not part["text"]:
                yield "its content has an empty text part"
        elif part.get("type") == "image_url":
            if role != "user":
                yield f"an image can't come from the {role}"
            yield from _wrong_with_image(part)
        else:
            yield "its content has a part of no known type"


def _wrong_with_image(part: dict[str, object]) -> Iterator[str]:
    inner = part.get("image_url")
    if part.keys() != {"type", "image_url"} or not isinstance(inner, dict):
        yield "its content has an image_url part that is none"
        return
    if inner.keys() - {"url", "detail"} or inner.get("detail", "auto") not in DETAILS:
        yield "its image_url has a key or a detail that is not known"
    url = inner.get("url")
    if not isinstance(url, str):
        yield "its image_url has no url"
    elif not url.startswith(("http://", "https://")):
        yield from _wrong_with_data(url)


def _wrong_with_data(url: str) -> Iterator[str]:
    found = DATA_URL.fullmatch(url)
    if found is None or found[1] not in MAGIC:
        yield "its image is of no kind that is taken: png, jpeg, gif, webp"
        return
    try:
        data = base64.b64decode(found[2], validate=True)
    except binascii.Error:
        yield "its image is no base64"
        return
    if not data.startswith(MAGIC[found[1]]):
        yield f"its image is no {found[1]}"

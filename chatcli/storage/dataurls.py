"""Images as text: in base64, and in the data URLs of the chat-completions API."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from chatcli.conversation.images import MOST_BYTES, Image
from chatcli.errors import AttachmentError
from chatcli.storage.imagefile import image_from

_URL: Final = re.compile(r"data:image/[\w.+-]{1,40};base64,", re.ASCII | re.IGNORECASE)


def decoded(name: str, text: str) -> Image:
    """Return the image whose file stands in `text`, in base64. Raises AttachmentError."""
    if len(text) > MOST_BYTES * 3 // 2:
        raise AttachmentError(f"{name} is larger than {MOST_BYTES // 2**20} MiB", "leave it out")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise AttachmentError(f"{name} is no base64", "leave it out") from None
    return image_from(name, data)


def image_of_url(name: str, url: str) -> Image:
    """Return the image that a data URL holds; no other URL is followed. Raises AttachmentError."""
    begins = _URL.match(url)
    if begins is None:
        raise AttachmentError(f"{name} is no image but an address", "leave it out")
    return decoded(name, url[begins.end() :])

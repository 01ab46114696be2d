"""The images in other programs' messages, as content parts of the chat-completions API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chatcli.conversation.images import Image, together
from chatcli.errors import AttachmentError
from chatcli.storage.dataurls import image_of_url

MAX_IMAGES: Final = 16 * 1024 * 1024
"""The most bytes of images that a conversation may have; those after them are left out."""


@dataclass(slots=True)
class Album:
    """The images of a conversation as they are found, in content parts; they have no names there.

    A part that is no image that can be kept is a part of the others that are left out.
    """

    _bytes: int = 0
    _number: int = 0

    def taken(self, content: object) -> tuple[tuple[Image, ...], object]:
        """Return the images among the parts of a content, and the content without them."""
        if not isinstance(content, list):
            return (), content
        images: tuple[Image, ...] = ()
        others: list[object] = []
        for part in content:
            image = self._image(part)
            try:
                images = together(*images, *([image] if image else []))
            except AttachmentError:
                image = None
            if image is None:
                others.append(part)
        self._bytes += sum(len(each.data) for each in images)
        return images, others

    def _image(self, part: object) -> Image | None:
        url = _image_url(part)
        if url is None:
            return None
        self._number += 1
        try:
            image = image_of_url(f"image {self._number}", url)
        except AttachmentError:
            return None
        return image if self._bytes + len(image.data) <= MAX_IMAGES else None


def _image_url(part: object) -> str | None:
    """Return the URL in an `image_url` part of the chat-completions API, None in any other."""
    if not isinstance(part, dict) or part.get("type") != "image_url":
        return None
    inner = part.get("image_url")
    url = inner.get("url") if isinstance(inner, dict) else inner
    return url if isinstance(url, str) else None

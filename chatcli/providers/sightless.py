"""That a model takes no images, as servers say it. There is no common form: each has its own prose.

Only a request with images can be refused in these words. That an image is too large, or of a kind
that is not taken, is said in others, and is no reason to send none.
"""

from __future__ import annotations

import re
from typing import Final

from chatcli.errors import NoImages

_STATUSES: Final = {400, 404, 415, 422, 500, 501}

_IMAGE: Final = r"(?:images?|image_url|vision|multi-?modal)"
# Not those that are too large, or wrong in another way.
_AS_SUCH: Final = (
    r"(?!(?: inputs?)?(?:: | (?:above|bigger|exceed|larger|of|over|than|that|which|with)))"
)
_SAID: Final = re.compile(
    # "this model does not support image input", "Model does not support images"
    rf"(?:not|n't|no|never) (?:\w+ ){{0,2}}(?:support|accept|take|have|handle)\w* (?:\w+ ){{0,2}}"
    rf"[`'\"]?{_IMAGE}\b(?! (?:format|type|size|file|url)s?){_AS_SUCH}"
    # "Image input is not enabled for this model", "image_url is only supported by certain models"
    rf"|{_IMAGE}\b[`'\"]?(?: inputs?| content| modality| parts?)? (?:is|are)(?:n't| not| only)"
    r" (?:currently |yet )?(?:supported|enabled|allowed(?! (?:by|in) )|accepted|available)"
    r"|image input modality is not|that support image input|required for image input"
    # The names of parts, where a server knows text alone.
    r"|(?:unknown|unsupported|invalid|unexpected) (?:\w+ ){0,3}?(?:variant|type)\b.{0,4}image_url"
    r"|at most 0 image|is not a multi-?modal model|\bmmproj\b"
    r"|content.{0,24}(?:must be a string|of type string|should be a valid string)",
    re.IGNORECASE | re.DOTALL,
)


def is_sightless(status: int, code: str, text: str) -> bool:
    """Tell whether an error of this status, code and text says that the model takes no images."""
    return status in _STATUSES and bool(_SAID.search(f"{code} {text}"))


def no_images(where: str, told: str) -> NoImages:
    """Return the error for that; `where` is the endpoint, `told` as much of its words as is shown.

    The question is kept by then, with its images.
    """
    return NoImages(
        f"{where} takes no images for this model: {told}",
        "the message is kept: /model asks one that does, and then /retry",
    )

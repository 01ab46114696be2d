"""Which models see images, and what an image costs them in tokens, by the names of models.

What is not published is an estimate, and so is what is: endpoints scale images as they please. A
count with an image in it is therefore never called exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from math import ceil, floor, sqrt
from typing import Final, TypeAlias

Cost: TypeAlias = Callable[[int, int], int]
"""The tokens of an image so many pixels wide and high."""

LARGEST_SIDE: Final = 2048
SHORTEST_SIDE: Final = 768
TILE: Final = 512
PATCH: Final = 32
MOST_PATCHES: Final = 1536


def tiled(base: int, tile: int, width: int, height: int) -> int:
    """Count as OpenAI's larger models do: `base`, and `tile` for each square of 512 pixels.

    The image is first scaled down into 2,048 pixels and its shorter side to 768
    (https://platform.openai.com/docs/guides/images-vision).
    """
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    scale = min(scale, SHORTEST_SIDE / min(width, height))
    across, down = (ceil(round(side * scale) / TILE) for side in (width, height))
    return base + tile * max(across, 1) * max(down, 1)


def patched(factor: float, width: int, height: int) -> int:
    """Count as OpenAI's small models do: `factor` for each patch of 32 pixels, of 1,536 at most.

    A larger image is scaled down until its patches fit (the same guide).
    """
    across, down = ceil(width / PATCH), ceil(height / PATCH)
    if across * down > MOST_PATCHES:
        scale = sqrt(PATCH**2 * MOST_PATCHES / (width * height))
        wide, high = width * scale / PATCH, height * scale / PATCH
        # Of a very narrow image not even one patch is left of its shorter side.
        scale *= min(floor(side) / side for side in (wide, high) if side >= 1)
        across, down = (max(ceil(side * scale / PATCH), 1) for side in (width, height))
    return ceil(min(across * down, MOST_PATCHES) * factor)


def by_area(width: int, height: int) -> int:
    """Count as Anthropic does: a token for 750 pixels, of 1,568 on the longer side, at most 1,600.

    So, too, what is not known is counted: about in the middle of what open models take
    (https://docs.anthropic.com/en/docs/build-with-claude/vision).
    """
    scale = min(1.0, 1568 / max(width, height))
    return min(ceil(width * height * scale**2 / 750), 1600)


def in_crops(width: int, height: int) -> int:
    """Count as Gemini does: 258 tokens for a small image, or for each crop of 768 pixels.

    See https://ai.google.dev/gemini-api/docs/image-understanding.
    """
    if max(width, height) <= 384:
        return 258
    return 258 * ceil(width / 768) * ceil(height / 768)


_COSTS: Final[tuple[tuple[str, Cost], ...]] = (
    (r"gpt-4o-mini", partial(tiled, 2833, 5667)),
    (r"gpt-(?:4\.1|5)-mini", partial(patched, 1.62)),
    (r"gpt-(?:4\.1|5)-nano", partial(patched, 2.46)),
    (r"o4-mini", partial(patched, 1.72)),
    (r"(?:chat)?gpt-4o|gpt-4\.[15]|gpt-4-(?:turbo|vision)", partial(tiled, 85, 170)),
    (r"gpt-5(?:\.\d)?", partial(tiled, 70, 140)),
    (r"o[13]", partial(tiled, 75, 150)),
    (r"gemini", in_crops),
)
_TEXT_ONLY: Final = re.compile(
    r"(?<![a-z0-9])(?:gpt-3\.?5|gpt-4(?:-(?:0314|0613|32k[\w-]*))?$|gpt-oss|o1-(?:mini|preview)"
    r"|o3-mini|smollm2?)(?![a-z0-9])"
)


def image_cost(model: str) -> Cost:
    """Return how a model counts an image, by its name, with or without a profile."""
    name = model.lower()
    for pattern, cost in _COSTS:
        if re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", name):
            return cost
    return by_area


def takes_images(model: str | None) -> bool:
    """Tell whether a model may see images: False for those that are known not to.

    Only models that can never learn it are known; of any other its endpoint tells.
    """
    return model is None or _TEXT_ONLY.search(model.lower()) is None

"""Where an error comes from, for --debug."""

from __future__ import annotations

import sys
import traceback
from typing import Final

_OURS: Final = {"chatcli", *sys.stdlib_module_names}


def trace(error: BaseException) -> str:
    """Return the frames of an error, after those of what has led to it.

    Their texts may be anybody's, but for keys: see `told`.
    """
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    first = f"{trace(before)}\nThat led to this:\n\n" if before is not None else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{first}{frames}{told(error)}\n"


def told(error: BaseException) -> str:
    """Return an error's kind and text; of another library's, the kind alone.

    Those quote what a server has said, and a server may repeat the key that it was sent. Where that
    belongs into our own error, it stands there without the key.
    """
    kind = type(error)
    text = str(error)
    if kind.__module__.partition(".")[0] not in _OURS or not text:
        return f"{kind.__module__}.{kind.__qualname__}"
    return f"{kind.__qualname__}: {text}"

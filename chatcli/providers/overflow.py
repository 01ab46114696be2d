"""That a prompt is too long, as servers say it, and what they say of its length and the limit.

There is no common form: some send a code, some fields, and all of them prose, each its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chatcli.errors import Overflow

_STATUSES: Final = {400, 413, 422, 500}

_SAID: Final = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum (?:context|prompt|model) length"
    r"|(?:prompt|input) (?:is )?too long|too many tokens"
    r"|(?:exceed|overflow|longer than|greater than|too large for)\w*\b.{0,60}"
    r"\b(?:context|maximum number of tokens)"
    r"|context (?:size|length|window|limit).{0,40}(?:exceed|overflow|not enough)",
    re.IGNORECASE | re.DOTALL,
)

# The first pattern that matches tells; thousands may be parted by commas, which are taken out.
_LIMITS: Final = (
    r"maximum (?:context|prompt|model) length (?:is|of) (\d+)",
    r"(\d+) maximum context length",
    r"maximum number of tokens allowed \(?(\d+)",
    r"available context size \((\d+)",
    r"context (?:length|size|window|limit)s?(?: is| of)?(?: only)? \(?(\d+)",
    r"\d(?: tokens)? > (\d+)",
    r"limit of (\d+)",
    r"the maximum is (\d+)",
)
_SENT: Final = (
    r"\((\d+) (?:in the messages|of text input)",
    r"resulted in (\d+) tokens",
    r"request \((\d+) tokens\)",
    r"(\d+) input tokens",
    r"too long: (\d+)",
    r"\(length (\d+)\)",
    r"contains (\d+) tokens",
    r"token count \((\d+)\)",
    r"keep the first (\d+) tokens",
    r"requested (?:about )?(\d+) tokens",
)


def is_overflow(status: int, code: str, text: str) -> bool:
    """Tell whether an error of this status, code and text says that the prompt is too long."""
    return status in _STATUSES and bool(_SAID.search(f"{code} {text}"))


def overflow(body: Mapping[str, Any], text: str, shown: str) -> Overflow:
    """Return the error for a body that says so in `text`, of which `shown` may be told."""
    inner = body.get("error")
    fields = inner if isinstance(inner, dict) else body
    plain = text.replace(",", "")
    return Overflow(
        f"the conversation is longer than the model can read: {shown}",
        "/budget N sends less of it, /clear starts again",
        limit=_whole(fields.get("n_ctx")) or _first(_LIMITS, plain),
        prompt_tokens=_whole(fields.get("n_prompt_tokens")) or _first(_SENT, plain),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _first(patterns: Sequence[str], text: str) -> int | None:
    for pattern in patterns:
        found = re.search(pattern, text, re.IGNORECASE)
        if found is not None and len(found[1]) < 10 and int(found[1]):
            return int(found[1])
    return None

"""Which parameter a model does not take, as its answer says it.

There is no common form: some name the parameter in a field, some give a path to it, and all of them
prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from chatcli.providers.overflow import is_overflow
from chatcli.providers.said import UNTAKEN

_STATUSES: Final = {400, 422}
_FORBIDDEN: Final = "extra_forbidden"
_MOST_READ: Final = 64 * 1024
_DEEPEST: Final = 8
_NOT_THEIRS: Final = {"input", "ctx", "url"}
"""Where pydantic repeats the request: nothing that the user said is taken for an answer."""

_SAID: Final = re.compile(
    r"unsupported|n[o']t support|unrecognized|unknown (?:name|field|parameter)|extra inputs"
    r"|not permitted|not allowed|unexpected|deprecated|cannot both|only the default"
    r"|must be one of",
    re.IGNORECASE,
)
_BOTH: Final = re.compile(r"cannot both", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n")
_INSTEAD: Final = re.compile(r"expected one of|did you mean|supported \w+ are", re.IGNORECASE)
_LOC: Final = re.compile(r"'loc': \('body', '(\w+)'")
_STOP: Final = re.compile(r"""['"`]stop['"`]|(?:parameter|argument|field|property|:) stop\b""")


def refused(status: int, body: object, sent: Collection[str]) -> frozenset[str]:
    """Return which of the parameters that were `sent` the model does not take.

    That is what an error of this status and body says; nothing where it says something else.
    """
    if status not in _STATUSES:
        return frozenset()
    parts = list(_parts(body))
    text = "\n".join(part for part in parts if isinstance(part, str))[:_MOST_READ]
    if is_overflow(status, "", text):
        return frozenset()
    known = {_plain(name): name for name in sent}
    pointed = {_plain(name) for part in parts for name in _pointed_at(part)}
    found = frozenset(known[name] for name in pointed & known.keys())
    return found or frozenset(_in_prose(text, known))


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _parts(value: object, depth: int = 0) -> Iterator[str | dict[str, Any]]:
    """Yield all objects and texts of a body, also of a body that it holds as a text."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        inner = _json(value) if value[:1] in {"{", "["} else value
        yield from [inner] if isinstance(inner, str) else _parts(inner, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _parts(each, depth + 1)
    elif isinstance(value, dict):
        yield value
        for key, each in value.items():
            if key not in _NOT_THEIRS:
                yield from _parts(each, depth + 1)


def _pointed_at(part: str | dict[str, Any]) -> Iterator[str]:
    """Yield the parameters that are named in a field, or by a path, as unknown."""
    if isinstance(part, str):
        # Some send the path as Python writes it.
        yield from _LOC.findall(part) if _FORBIDDEN in part else ()
        return
    param, path = part.get("param"), part.get("loc")
    if isinstance(param, str) and str(part.get("code")) in UNTAKEN:
        yield param
    if isinstance(path, list) and part.get("type") == _FORBIDDEN:
        yield from [each for each in path if isinstance(each, str) and each != "body"][:1]


def _in_prose(text: str, known: Mapping[str, str]) -> Iterator[str]:
    """Yield the parameters that are named in a sentence which says that something is not taken."""
    for sentence in _SENTENCE.split(text):
        if _SAID.search(sentence):
            named = _named_in(_INSTEAD.split(sentence)[0], known)
            # Of two that exclude each other, the first can stay.
            yield from named[1:] if _BOTH.search(sentence) else named


def _named_in(sentence: str, known: Mapping[str, str]) -> list[str]:
    words = dict.fromkeys(map(_plain, re.findall(r"\w+", sentence)))
    names = [known[word] for word in words if word in known]
    # `stop` is a word of the language as well.
    return [name for name in names if name != "stop" or _STOP.search(sentence)]


def _plain(name: str) -> str:
    """Return a name as it is the same for those that write `reasoningEffort`."""
    return name.replace("_", "").lower()

"""The items of a large JSON array, one at a time, so that a big export costs little memory.

Only strings and brackets are looked at to find where an item ends; what an item holds is parsed
when it is its turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from chatcli.errors import BadSession
from chatcli.storage.strictjson import strict_json

MAX_BRACKETS: Final = 3_000_000
"""The most brackets that a file may have: a second's work."""

MAX_ITEM: Final = 16 * 1024 * 1024
MAX_PARTS: Final = 600_000
"""The most bytes, and the most commas and brackets, of one item: what a hundred megabytes hold."""

_SPACE: Final = b" \t\r\n"
# Whatever is between two brackets, strings with brackets in them included. A string that never
# ends reaches to the end of the data, so that no byte is looked at twice.
_BRACKET: Final = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.?)*+"?)*+([\[{\]}]?)', re.DOTALL)


def is_array(data: bytes) -> bool:
    """Tell whether the bytes begin as a JSON array does."""
    return _begins(data, b"[")


def is_object(data: bytes) -> bool:
    """Tell whether the bytes begin as a JSON object does."""
    return _begins(data, b"{")


def items(data: bytes) -> Iterator[bytes]:
    """Yield the objects and arrays that a JSON array holds, unparsed. Raises BadSession."""
    if not is_array(data):
        raise BadSession("it is no JSON list")
    done = data.index(b"[") + 1
    separator = b""
    depth = 0
    start = done
    for number, found in enumerate(_BRACKET.finditer(data, done)):
        bracket = found[1]
        if number > MAX_BRACKETS:
            raise BadSession(f"it has more than {MAX_BRACKETS:,} lists and objects")
        if not bracket:
            raise BadSession("it is no JSON: a list of it has no end")
        if bracket in {b"[", b"{"}:
            start = start if depth else found.start(1)
            depth += 1
            continue
        depth -= 1
        if depth < 0:
            _check_end(data, done, found)
            return
        if depth == 0:
            _check_gap(data[done:start], separator)
            yield data[start : found.end()]
            done, separator = found.end(), b","


def parsed(item: bytes) -> object:
    """Parse one item, if it is no more than one conversation can be. Raises BadSession."""
    if len(item) > MAX_ITEM:
        raise BadSession(f"one conversation of it is larger than {MAX_ITEM // 2**20} MiB")
    if sum(item.count(part) for part in (b",", b"[", b"{")) > MAX_PARTS:
        raise BadSession(f"one conversation of it has more than {MAX_PARTS:,} parts")
    try:
        return strict_json(item)
    except ValueError as error:
        raise BadSession(f"it is no JSON: {error}") from None


def _begins(data: bytes, sign: bytes) -> bool:
    return data[:1000].lstrip(_SPACE).startswith(sign)


def _check_end(data: bytes, done: int, found: re.Match[bytes]) -> None:
    """Raise BadSession where an array does not end as it should, with nothing behind it."""
    if found[1] != b"]":
        raise BadSession("it is no JSON: a list of it ends as an object does")
    _check_gap(data[done : found.start(1)], b"")
    _check_gap(data[found.end() :], b"")


def _check_gap(gap: bytes, separator: bytes) -> None:
    if gap.strip(_SPACE) != separator:
        raise BadSession("it is no JSON list of objects")

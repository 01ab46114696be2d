"""The session file's form: one JSON array, one record a line (the layout is in the README).

Bytes in, records out, and back. Everything here is pure, so that any damage a file can suffer can
be tried in memory. Files come from strangers: each line is parsed and checked before it counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from chatcli.conversation.messages import Node, Usage
from chatcli.conversation.records import Conversation, Header, Moved, Noted, Record
from chatcli.conversation.text import whole_text
from chatcli.errors import BadSession

OPENING: Final = b'[\n{"chatcli":'
CLOSING: Final = b"\n]\n"
MAX_BYTES: Final = 64 * 1024 * 1024
_SEPARATOR: Final = b",\n"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a session file's bytes came to.

    `lines` are the whole records as they stood, unknown ones included. `rest` are the bytes that
    belong to no whole record; `sound` is False where the file has to be written anew before
    anything may be appended.
    """

    conversation: Conversation
    lines: tuple[bytes, ...]
    rest: bytes
    sound: bool
    ids: Mapping[str, Node]


def encode(record: Record) -> bytes:
    """Return a record as its line in the file, without the line's end."""
    text = json.dumps(_fields(record), ensure_ascii=False, separators=(",", ":"))
    return whole_text(text).encode()


def document(lines: Iterable[bytes]) -> bytes:
    """Return the whole file that holds these lines."""
    return b"[\n" + _SEPARATOR.join(lines) + CLOSING


def addition(lines: Iterable[bytes]) -> bytes:
    """Return what is written over the closing bracket to append these lines."""
    return b"".join(_SEPARATOR + line for line in lines) + CLOSING


def looks_like_session(data: bytes) -> bool:
    """Tell whether these bytes are a session file, or what a crash may leave of one."""
    start = data[: len(OPENING)]
    return start == OPENING or OPENING.startswith(data.rstrip(b"\0"))


def read(data: bytes) -> Reading:
    """Read a session file's bytes, whole or torn. Raises BadSession when they are none of ours."""
    if not looks_like_session(data):
        raise BadSession("it is no chatcli session")
    good: list[bytes] = []
    bad: list[bytes] = []
    parsed: list[dict[str, object]] = []
    for line in data.removeprefix(b"[").split(b"\n"):
        body = line.removesuffix(b",")
        if body in {b"", b"]"}:
            continue
        try:
            parsed.append(_parse(body))
        except ValueError:
            bad.append(line)
        else:
            good.append(body)
    sound = not bad and data.endswith(CLOSING)
    ids: dict[str, Node] = {}
    # Its models cost a tenth of a second, which a new session need not pay.
    from chatcli.storage.decode import conversation

    if not parsed:
        raise BadSession("it holds no whole record", "remove it, or choose another name")
    talk = conversation(parsed, ids, lenient=bool(bad))
    return Reading(talk, tuple(good), b"\n".join(bad), sound, ids)


def strict_json(data: bytes | str) -> object:
    """Parse JSON as the standard has it: no NaN, no key twice. Raises ValueError."""
    try:
        return json.loads(data, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _parse(line: bytes) -> dict[str, object]:
    value = strict_json(line)
    if not isinstance(value, dict):
        raise ValueError("a record is an object")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _unique(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields


def _fields(record: Record) -> dict[str, object]:
    match record:
        case Header(id, created, persona, model):
            return _present(chatcli=1, id=id, created=created, persona=persona, model=model)
        case Node():
            return {
                "id": record.id,
                "parent": record.parent.id if record.parent else None,
                "role": record.role,
                "content": record.content,
                "time": record.time,
                **_present(
                    model=record.model,
                    usage=record.usage and _usage_fields(record.usage),
                    finish=record.finish,
                ),
            }
        case Moved(branch, head, undone):
            ids = [node.id for node in undone]
            return {
                "branch": branch,
                "head": head.id if head else None,
                **_present(undone=ids or None),
            }
        case Noted(key, value):
            return {key: value}


def _usage_fields(usage: Usage) -> dict[str, int]:
    fields = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }
    return {**fields, "cached_tokens": usage.cached_tokens} if usage.cached_tokens else fields


def _present(**fields: object) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}

"""The session file's form: one JSON array, one record a line (the layout is in the README).

Bytes in, records out, and back. Everything here is pure, so that any damage a file can suffer can
be tried in memory. Files come from strangers: each line is parsed and checked before it counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from chatcli.conversation.images import Image
from chatcli.conversation.messages import Node, Usage
from chatcli.conversation.records import (
    Conversation,
    Header,
    KnownRecord,
    Marked,
    Merged,
    Moved,
    Noted,
    Record,
    Spent,
    Summary,
    Tuned,
    Unknown,
)
from chatcli.conversation.text import whole_text
from chatcli.errors import BadSession
from chatcli.storage import sampling
from chatcli.storage.strictjson import strict_json

OPENING: Final = b'[\n{"chatcli":'
CLOSING: Final = b"\n]\n"
MAX_BYTES: Final = 32 * 1024 * 1024
MAX_LINE: Final = 8 * 1024 * 1024
MAX_RECORDS: Final = 100_000
"""Reading a file may cost neither seconds nor the machine's memory: more than this is refused."""

_SEPARATOR: Final = b",\n"
_LINE: Final = re.compile(rb"[^\n\0]+")
_RECORD: Final = re.compile(
    rb'^\{"(?:id":"[^"\\]{1,128}","parent|branch":"[^"\\]{1,128}","head)":', re.MULTILINE
)
_REFORMATTED: Final = re.compile(rb'\s*\[\s*\{\s*"chatcli"\s*:')


@dataclass(frozen=True, slots=True)
class Reading:
    """What a session file's bytes came to.

    `lines` are the records as a sound file holds them, unknown ones included. `rest` are the
    bytes that belong to no whole record, and records that had to be altered, as they stood.
    `sound` is False where the file has to be written anew before anything may be appended.
    `told` are lines on what the user should know.
    """

    conversation: Conversation
    lines: tuple[bytes, ...]
    rest: bytes
    sound: bool
    ids: Mapping[str, Node]
    told: tuple[str, ...] = ()


def encode(record: Record) -> bytes:
    """Return a record as its line in the file, without the line's end."""
    if isinstance(record, Unknown):
        return record.text.encode("utf-8", "surrogatepass")
    return dumped(_fields(record))


def dumped(fields: object) -> bytes:
    """Return a record's fields as its line in the file, without the line's end."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return whole_text(text).encode()


def document(lines: Iterable[bytes]) -> bytes:
    """Return the whole file that holds these lines."""
    return b"[\n" + _SEPARATOR.join(lines) + CLOSING


def addition(lines: Iterable[bytes]) -> bytes:
    """Return what is written over the closing bracket to append these lines."""
    return b"".join(_SEPARATOR + line for line in lines) + CLOSING


def looks_like_session(data: bytes) -> bool:
    """Tell whether these bytes are a session file, or what a crash may leave of one."""
    begins = data.startswith(OPENING) or OPENING.startswith(data.rstrip(b"\0"))
    return begins or bool(_REFORMATTED.match(data) or _RECORD.search(data))


def read(data: bytes) -> Reading:
    """Read a session file's bytes, whole or torn. Raises BadSession when they are none of ours."""
    if not looks_like_session(data):
        raise BadSession("it is no chatcli session")
    # The models of its records cost a tenth of a second, which a new session need not pay.
    from chatcli.storage.decode import Decoder

    decoder = Decoder()
    lines: list[bytes] = []
    rest: list[bytes] = []
    for line in _split(data):
        if len(line) > MAX_LINE:
            raise BadSession(f"it has a record of more than {MAX_LINE // 2**20} MiB")
        body = line.strip().removesuffix(b",")
        try:
            fields = _parse(body)
        except ValueError:
            rest.append(line)
            continue
        taken = decoder.take(fields, body)
        if taken is not fields:
            rest.append(line)
        if taken is not None:
            lines.append(body if taken is fields else dumped(taken))
        if len(lines) > MAX_RECORDS:
            raise BadSession(f"it has more than {MAX_RECORDS:,} records")
    talk = decoder.conversation()
    if not decoder.began:
        lines.insert(0, encode(talk.header))
    sound = not rest and document(lines) == data
    told = [
        *decoder.told(),
        *(["some of it was zeros, and what they were is lost"] if b"\0" in data else []),
    ]
    return Reading(talk, tuple(lines), b"\n".join(rest), sound, decoder.ids, tuple(told))


def _split(data: bytes) -> Iterator[bytes]:
    """Yield the lines that may be records.

    A disk that lost power leaves NULs where text should be, and a record holds none, so that they
    end a line as well.
    """
    if _REFORMATTED.match(data) and not data.startswith(OPENING):
        with suppress(ValueError):
            value = strict_json(data)
            if isinstance(value, list):
                yield from map(dumped, value)
                return
    if data.count(b"\n") + data.count(b"\0") > 2 * MAX_RECORDS:
        # So many ends of lines that a list of what is between them would be too large.
        lines: Iterable[bytes] = (match[0] for match in _LINE.finditer(data))
    else:
        lines = data.replace(b"\0", b"\n").split(b"\n")
    for number, line in enumerate(lines):
        if number > 2 * MAX_RECORDS:
            raise BadSession(f"it has more than {MAX_RECORDS:,} records")
        if line.strip() not in {b"[", b"]", b",", b""}:
            yield line


def _parse(line: bytes) -> dict[str, object]:
    value = strict_json(line)
    if not isinstance(value, dict):
        raise ValueError("a record is an object")
    return value


def _fields(record: KnownRecord) -> dict[str, object]:
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
                    images=[_image_fields(each) for each in record.message.images] or None,
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
        case Tuned(chosen):
            return {"set": sampling.kept(chosen)}
        case Spent(purpose, model, usage, time):
            return {"spent": purpose, "model": model, "usage": _usage_fields(usage), "time": time}
        case Marked(node, mark):
            return {"marked": node.id, "as": mark}
        case Summary():
            return {
                "summary": record.text,
                "id": record.id,
                "until": record.until.id,
                "covers": list(record.covers),
                "time": record.time,
                **_present(
                    model=record.model,
                    replaces=record.replaces,
                    usage=record.usage and _usage_fields(record.usage),
                ),
            }
        case Merged(question, source):
            return {"merged": question.id, "source": source.id}


def _image_fields(image: Image) -> dict[str, str]:
    # How large it is, and what kind, is read from its data again.
    return {"name": image.name, "type": image.media_type, "data": image.base64}


def _usage_fields(usage: Usage) -> dict[str, int]:
    fields = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }
    if usage.cached_tokens:
        fields["cached_tokens"] = usage.cached_tokens
    if usage.written_tokens is not None:
        fields["written_tokens"] = usage.written_tokens
    return fields


def _present(**fields: object) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}

"""Sessions of aichat: one YAML file each, with its model and a list of messages.

The form is that of `Session` in aichat's src/config/session.rs. What aichat has compressed it
keeps in `compressed_messages`, which come before the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from chatcli.errors import BadSession
from chatcli.plainyaml import BadYaml, read_mapping
from chatcli.storage.foreign import TOOLS, Foreign, Source, conversation, in_line
from chatcli.storage.messagelist import said

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 32
"""Arguments and results of tools may be nested this deep."""

_MESSAGES: Final = re.compile(rb"^messages[ \t]*:", re.MULTILINE)


def aichat(source: Source) -> Iterator[Foreign] | None:
    """Read a session of aichat."""
    if b"\0" in source.data or not _MESSAGES.search(source.data):
        return None
    if len(source.data) > MAX_BYTES:
        raise BadSession(f"it is larger than {MAX_BYTES // 2**20} MiB")
    try:
        session = read_mapping(source.data.decode(), "the session", depth=MAX_DEPTH)
    except UnicodeDecodeError:
        raise BadSession("it is no text in UTF-8") from None
    except BadYaml as error:
        raise BadSession(f"it is no YAML that is read here: {error}") from None
    return iter([_read(session, source)])


def _read(session: dict[str, object], source: Source) -> Foreign:
    left_out: Counter[str] = Counter()
    messages = [*_list(session, "compressed_messages"), *_list(session, "messages")]
    kept = [each for each in messages if not _is_of_tools(each)]
    left_out[TOOLS] = len(messages) - len(kept)
    tree = in_line(said(kept, left_out))
    title = source.path.stem if source.path else None
    return Foreign(conversation(tree, title=title, model=session.get("model")), +left_out)


def _list(session: dict[str, object], key: str) -> list[object]:
    found = session.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadSession(f"its `{key}` are no list")
    return found


def _is_of_tools(message: object) -> bool:
    """Tell whether a message holds what tools were asked and answered, in a form of its own."""
    return isinstance(message, dict) and isinstance(message.get("content"), dict)

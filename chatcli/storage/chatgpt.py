"""What ChatGPT exports: `conversations.json`, a list of trees, or one of them alone.

A conversation is a `mapping` of places that name their parents, and the `current_node`; edited
questions and regenerated replies are its branches. The form is documented nowhere: what is read
here is what exports from 2023 to 2026 have. Empty and hidden places are passed over; what was
thought, and what tools were asked and answered, is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Final

from chatcli.conversation.messages import Role
from chatcli.errors import BadSession
from chatcli.storage import jsonlist
from chatcli.storage.foreign import (
    OTHERS,
    THOUGHTS,
    TOOLS,
    Foreign,
    Place,
    Said,
    Source,
    content_text,
    conversation,
    grown,
    label,
    moment,
    word,
)

_ROLES: Final[dict[object, Role]] = {"system": "system", "user": "user", "assistant": "assistant"}
_HIDDEN: Final = ("is_visually_hidden_from_conversation", "is_visually_hidden_from_user")
_TEXTS: Final = {"text", "multimodal_text", None}
_THOUGHTS: Final = {"thoughts", "reasoning_recap"}
_CONTEXT: Final = {"user_editable_context", "model_editable_context"}
_EVERYBODY: Final = {"all", "assistant", "user", None}


def chatgpt(source: Source) -> Iterator[Foreign | BadSession] | None:
    """Read the conversations of a ChatGPT export."""
    if jsonlist.is_object(source.data):
        alone = jsonlist.parsed(source.data)
        return iter([_read(alone)]) if _is_tree(alone) else None
    if not jsonlist.is_array(source.data):
        return None
    items = jsonlist.items(source.data)
    first = next(items, None)
    if first is None or b'"mapping"' not in first or not _is_tree(jsonlist.parsed(first)):
        return None
    return (_parsed(item) for item in chain([first], items))


def _parsed(item: bytes) -> Foreign | BadSession:
    try:
        return _read(jsonlist.parsed(item))
    except BadSession as error:
        return error


def _is_tree(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("mapping"), dict)


def _read(value: object) -> Foreign:
    if not isinstance(value, dict) or not isinstance(value.get("mapping"), dict):
        raise BadSession("a conversation of it has no `mapping`")
    left_out: Counter[str] = Counter()
    places = {name: _place(place, left_out) for name, place in value["mapping"].items()}
    current = value.get("current_node")
    tree = grown(places, current if isinstance(current, str) else None)
    created = moment(value.get("create_time"))
    model = value.get("default_model_slug")
    replied = next((node.model for node in reversed(tree.path) if node.model), None)
    talk = conversation(tree, title=value.get("title"), created=created, model=replied or model)
    return Foreign(talk, +left_out)


def _place(place: object, left_out: Counter[str]) -> Place:
    if not isinstance(place, dict):
        raise BadSession("a message of it is no object")
    parent, message = place.get("parent"), place.get("message")
    said = _said(message, left_out) if isinstance(message, dict) else None
    return Place(parent if isinstance(parent, str) else None, said)


def _said(message: dict[str, object], left_out: Counter[str]) -> Said | None:
    """Return a message that is for reading, None for one that is passed over or left out."""
    about, content = _object(message.get("metadata")), _object(message.get("content"))
    role = _object(message.get("author")).get("role")
    kind = word(content.get("content_type"))
    if any(about.get(key) is True for key in _HIDDEN) or kind in _CONTEXT:
        return None
    why = _why_left_out(message, word(role), kind)
    if why is not None:
        left_out[why] += 1
        return None
    text = content_text(content.get("parts", content.get("text")), left_out)
    if not text or not text.strip():
        return None
    model = label(about.get("model_slug")) if role == "assistant" else None
    return Said(_ROLES[role], text, moment(message.get("create_time")), model)


def _why_left_out(message: dict[str, object], role: str | None, kind: str | None) -> str | None:
    if kind in _THOUGHTS or message.get("channel") == "analysis":
        return THOUGHTS
    if role == "tool" or word(message.get("recipient")) not in _EVERYBODY or kind not in _TEXTS:
        return TOOLS
    return None if role in _ROLES else OTHERS


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}

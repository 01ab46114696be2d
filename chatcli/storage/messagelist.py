"""Plain lists of messages, as the chat-completions API takes them and most programs keep them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from chatcli.conversation.messages import ROLES, Role
from chatcli.errors import BadSession
from chatcli.storage import jsonlist
from chatcli.storage.album import Album
from chatcli.storage.foreign import (
    FILES,
    TOOLS,
    Foreign,
    Said,
    Source,
    content_text,
    conversation,
    in_line,
    word,
)

_ROLES: Final[dict[object, Role]] = {**{role: role for role in ROLES}, "developer": "system"}
_TOOL_ROLES: Final = {"tool", "function"}


def message_list(source: Source) -> Iterator[Foreign] | None:
    """Read a list of {"role": …, "content": …}."""
    if not jsonlist.is_array(source.data):
        return None
    return _one(map(jsonlist.parsed, jsonlist.items(source.data)))


def messages_object(source: Source) -> Iterator[Foreign] | None:
    """Read an object whose `messages` are such a list; it may say its `title` and `model`."""
    if not jsonlist.is_object(source.data):
        return None
    value = jsonlist.parsed(source.data)
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return None
    return _one(value["messages"], value.get("title"), value.get("model"))


def said(items: Iterable[object], left_out: Counter[str]) -> Iterator[Said]:
    """Yield the messages for reading among these; the others are counted in `left_out`.

    Keys beside role and content are passed over. Raises BadSession for what is no message.
    """
    album = Album()
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise BadSession(f"item {number} is no message but {type(item).__name__}")
        images, content = album.taken(item.get("content"))
        text = _text({**item, "content": content}, number, left_out)
        if text is not None:
            role = _ROLES[word(item.get("role"))]
            # No endpoint takes images from anybody but the user.
            kept = images if role == "user" else ()
            left_out[FILES] += len(images) - len(kept)
            yield Said(role, text, images=kept)


def _text(item: dict[str, object], number: int, left_out: Counter[str]) -> str | None:
    role, content = word(item.get("role")), item.get("content")
    if role in _TOOL_ROLES or (role in _ROLES and content is None):
        left_out[TOOLS] += 1
        return None
    if role not in _ROLES:
        raise BadSession(
            f"message {number} has the role {item.get('role')!r:.40}", f"known are {_known()}"
        )
    text = content_text(content, left_out)
    if text is None:
        raise BadSession(f"the content of message {number} is no text")
    return text


def _one(items: Iterable[object], title: object = None, model: object = None) -> Iterator[Foreign]:
    left_out: Counter[str] = Counter()
    tree = in_line(said(items, left_out))
    yield Foreign(conversation(tree, title=title, model=model), +left_out)


def _known() -> str:
    return ", ".join([*map(str, _ROLES), *sorted(_TOOL_ROLES)])

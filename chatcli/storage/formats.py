"""Conversations in other forms than our own.

A reader takes a parsed JSON value and returns its messages, or None where it is not in that form;
a new form is a function and its line in READERS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from chatcli.conversation import tree as trees
from chatcli.conversation.messages import ROLES, Message
from chatcli.conversation.records import Conversation, Header
from chatcli.conversation.text import whole_text
from chatcli.conversation.tree import Tree
from chatcli.errors import BadSession
from chatcli.storage.wire import strict_json

MAX_BYTES: Final = 16 * 1024 * 1024

Reader: TypeAlias = Callable[[object], list[Message] | None]


def read_foreign(data: bytes, header: Header) -> Conversation:
    """Return the conversation that a JSON file of another program holds, under a header of ours.

    Raises BadSession.
    """
    try:
        value = strict_json(data)
    except ValueError as error:
        raise BadSession(f"it is no JSON: {error}") from None
    for reader in READERS:
        messages = reader(value)
        if messages is not None:
            return Conversation(header, _line(messages))
    raise BadSession(
        "it holds no conversation", 'what can be read is a list of {"role": …, "content": …}'
    )


def message_list(value: object) -> list[Message] | None:
    """Read a plain list of messages, as the chat-completions API takes them."""
    if not isinstance(value, list):
        return None
    return [_message(item, number) for number, item in enumerate(value, 1)]


def messages_object(value: object) -> list[Message] | None:
    """Read an object whose `messages` are such a list."""
    return (
        message_list(value["messages"]) if isinstance(value, dict) and "messages" in value else None
    )


READERS: Final[tuple[Reader, ...]] = (message_list, messages_object)


def _message(item: object, number: int) -> Message:
    if not isinstance(item, dict):
        raise BadSession(f"item {number} is no message but {type(item).__name__}")
    role, content = item.get("role"), item.get("content")
    for known in ROLES:
        if role == known:
            if not isinstance(content, str):
                raise BadSession(f"the content of message {number} is no text")
            return Message(known, whole_text(content))
    raise BadSession(f"message {number} has the role {role!r:.40}", f"known are {', '.join(ROLES)}")


def _line(messages: list[Message]) -> Tree:
    tree = Tree()
    for message in messages:
        tree = trees.add(tree, trees.say(tree, message))
    return tree

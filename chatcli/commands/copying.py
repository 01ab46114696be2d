"""/copy: a reply, a message or the code of the last reply into the clipboard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from chatcli.commands.conversation import message_number
from chatcli.commands.registry import Chat, Choice, command
from chatcli.conversation.events import Event, Notice, ToClipboard
from chatcli.errors import UsageError

_FENCED: Final = re.compile(
    r"^(?P<margin> *)(?P<fence>`{3,}|~{3,})[^\n]*\n(?P<code>.*?)(?:^ *(?P=fence)[`~]*[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)


def _parts(_chat: Chat) -> Iterable[Choice]:
    return [Choice("code", "the last block of code that was replied")]


@command("tools", "[N|code]", complete=_parts)
def copy(chat: Chat, arguments: str) -> Iterator[Event]:
    """Copy the last reply, message N, or the last block of code.

    A program of this machine takes it where there is one, or else the terminal is asked to.

    Example: /copy code copies the last block of code, without its fences.
    """
    what, text = _wanted(chat, arguments)
    if not text:
        raise UsageError(f"{what} is empty", "/history shows what there is")
    program = chat.to_clipboard(text)
    if program is None:
        yield ToClipboard(text, what)
    else:
        yield Notice(f"copied {what} ({_size(text)}), with {program}")


def _wanted(chat: Chat, arguments: str) -> tuple[str, str]:
    """Return what is to be copied, in words and itself. Raises UsageError."""
    if arguments == "code":
        return "the last block of code", _last_code(chat)
    if arguments:
        return f"message {arguments}", message_number(chat, arguments).content
    for node in reversed(chat.session.history):
        if node.role == "assistant":
            return "the last reply", node.content
    raise UsageError("there is no reply to copy", "/copy N copies message N")


def _last_code(chat: Chat) -> str:
    for node in reversed(chat.session.history):
        if node.role == "assistant" and (blocks := list(_FENCED.finditer(node.content))):
            margin = len(blocks[-1]["margin"])
            lines = blocks[-1]["code"].split("\n")
            # A block in a list stands as far to the right as its fence.
            return "\n".join(line[min(margin, _indent(line)) :] for line in lines).rstrip("\n")
    raise UsageError("no reply has a block of code", "/copy copies the last reply")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _size(text: str) -> str:
    return f"{len(text):,} characters"

"""/help: what can be done here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatcli.commands.registry import GROUPS, Chat, Choice, command
from chatcli.conversation.events import Document, Event, Row, Table


def _commands(chat: Chat) -> Iterable[Choice]:
    return [Choice(each.name, each.summary) for each in chat.commands.values()]


@command("tools", "[COMMAND]", complete=_commands)
def help_(chat: Chat, arguments: str) -> Iterator[Event]:
    """List the commands, or explain one."""
    if arguments:
        about = chat.commands.named(arguments)
        yield Document(f"`{about.usage}`\n\n{about.summary}\n\n{about.details}")
        return
    rows = [
        Row((each.usage, each.summary))
        for group in GROUPS
        for each in chat.commands.values()
        if each.group == group
    ]
    caption = "Enter sends · Alt-Enter makes a line · Ctrl-C stops a reply · Ctrl-D leaves"
    yield Table("Commands", ("command", "what it does"), tuple(rows), caption=caption)

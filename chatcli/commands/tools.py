"""/help /editor: what can be done here, and more room to write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatcli.commands.registry import GROUPS, Chat, Choice, Command, command
from chatcli.conversation.events import Document, Draft, Event, Row, Table

KEYS = "Enter sends · Alt-Enter makes a line · Ctrl-C stops · Ctrl-D leaves"


def _commands(chat: Chat) -> Iterable[Choice]:
    commands = [Choice(each.name, each.summary) for each in chat.commands.values()]
    return [*commands, Choice("all", "every command with what it does")]


@command("tools", "[COMMAND|all]", complete=_commands)
def help_(chat: Chat, arguments: str) -> Iterator[Event]:
    """List the commands by what they are about, or explain one, with an example.

    /help all has a line on each.

    Example: /help branch
    """
    if not arguments:
        yield _overview(chat)
    elif arguments == "all":
        yield _everything(chat)
    else:
        about = chat.commands.named(arguments)
        yield Document(f"`{about.usage}`\n\n{about.summary}\n\n{about.details}")


@command("tools", "[TEXT]")
def editor(_chat: Chat, arguments: str) -> Iterator[Event]:
    """Write the next message in your editor, the one that VISUAL or EDITOR names.

    What you save there comes into the input line, for Enter to send. Ctrl-X Ctrl-E does the same
    with what stands in the line already, long pastes and all. A reply goes on meanwhile.

    Example: /editor, or /editor Dear Sir to begin with these words.
    """
    yield Draft(arguments, in_editor=True)


def _overview(chat: Chat) -> Table:
    """Return the names alone, which fit a screen of 24 lines, one of 40 columns too."""
    rows = tuple(
        Row((group, " ".join(f"/{each.name}" for each in _group(chat, group)))) for group in GROUPS
    )
    caption = f"/help branch explains one, /help all each · {KEYS}"
    return Table("Commands", ("about", "commands"), rows, caption=caption, headed=False)


def _everything(chat: Chat) -> Table:
    rows = (Row((each.usage, each.summary)) for group in GROUPS for each in _group(chat, group))
    return Table("Commands", ("command", "what it does"), tuple(rows), caption=KEYS)


def _group(chat: Chat, group: str) -> Iterable[Command]:
    return (each for each in chat.commands.values() if each.group == group)

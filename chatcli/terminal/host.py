"""What the loop asks of the chat that it runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from chatcli.commands.registry import Chat
from chatcli.conversation.events import Event
from chatcli.settings import Settings
from chatcli.terminal.facts import Facts


class Host(Chat, Protocol):
    """The chat as the loop needs it: commands' view of it, and what happens around a turn."""

    @property
    def settings(self) -> Settings: ...

    def toolbar(self, draft: str = "") -> Facts:
        """What the toolbar tells; `draft` is what is being typed."""

    def notice(self) -> Iterator[Event] | None:
        """Get ready to ask the model what is worth remembering; it is asked when iterated.

        None where there is nothing to ask. The next turn, and leaving, put an end to it.
        """

    def activity(self) -> str:
        """What goes on in the background, such as a download; empty when nothing does."""

    def warm_up(self) -> Iterator[Event]:
        """Do what the first turn would otherwise have to wait for."""

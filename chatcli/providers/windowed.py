"""A model whose context window is learned: what the endpoint states, and what it can be sent."""

from __future__ import annotations

from chatcli.conversation.context import budget_in
from chatcli.providers.openai import OpenAIProvider


class Windowed(OpenAIProvider):
    """A model whose context window may become known, or known to be smaller."""

    encoding: str | None = None
    _window: int | None = None

    @property
    def window(self) -> int | None:
        return self._window

    @property
    def budget(self) -> int | None:
        return None if self._window is None else budget_in(self._window)

    def learn_window(self, tokens: int) -> None:
        if tokens > 0:  # a server may state nonsense
            self._window = tokens if self._window is None else min(self._window, tokens)

"""From what the user calls a model to something that can be asked."""

from __future__ import annotations

from typing import Final

from chatcli.providers.base import Endpoint, Parameters
from chatcli.providers.openai import OpenAIProvider
from chatcli.providers.profiles import Target, resolve
from chatcli.settings import Settings

REPLY_RESERVE: Final = 1024
"""Tokens of a context window that are left to the reply, at most a quarter of the window."""


class RemoteModel(OpenAIProvider):
    """A model behind somebody's endpoint."""

    def __init__(self, target: Target) -> None:
        endpoint = Endpoint(target.base_url, target.api_key, target.model)
        super().__init__(target.name, lambda: endpoint)
        self.default_parameters = Parameters()

    @property
    def budget(self) -> int | None:
        """The prompt tokens that the model can take, None where that is not known."""
        return None

    def start(self) -> None:
        """Begin what has to be done before the model can answer."""

    def activity(self) -> str:
        """Say what is being done before the model can answer; empty when nothing is."""
        return ""


class Models:
    """The models of one run; what was started for them ends with `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def use(self, spec: str | None) -> RemoteModel:
        """Return the model that `spec` or the settings name. Raises UsageError."""
        target = resolve(self._settings, spec)
        return RemoteModel(target)

    def close(self) -> None:
        pass

"""From what the user calls a model to something that can be asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from chatcli.conversation.messages import Message
from chatcli.conversation.ports import Provider
from chatcli.conversation.tokens import Tokenizer
from chatcli.conversation.vision import takes_images
from chatcli.providers.base import Endpoint, Parameters, Waits
from chatcli.providers.dialect import Dialect
from chatcli.providers.embedded import LocalModel
from chatcli.providers.prices import window_of
from chatcli.providers.profiles import LOCAL, Target, resolve
from chatcli.providers.windowed import Windowed
from chatcli.settings import Settings


class Model(Provider, Protocol):
    """A model that this run can ask.

    `default_parameters` are what suits it, `parameters` what it is asked with, `dialect` in which
    words; `adapted` is told when these turn out to be others. `encoding` is the vocabulary that its
    profile states. `window` is its context window in tokens and `budget` in prompt tokens. These
    three are None as long as they are not known.
    """

    default_parameters: Parameters
    parameters: Parameters
    dialect: Dialect
    adapted: Callable[[Dialect], None]
    encoding: str | None

    @property
    def identity(self) -> str:
        """What it is remembered by: its name, and where it is asked."""

    @property
    def window(self) -> int | None: ...

    @property
    def budget(self) -> int | None: ...
    def learn_window(self, tokens: int) -> None:
        """Take note of a limit that the endpoint has stated: the window is no larger."""

    def start(self) -> None:
        """Do what has to be done before the model can answer. Raises ProviderError."""

    def warm_up(self) -> None:
        """Import what the first request needs, and what the budget follows from."""

    def activity(self) -> str:
        """Say what `start` is at; empty when it is done, or has not begun."""

    @property
    def takes_images(self) -> bool:
        """Whether it may be sent images, as far as that is known before it is asked."""

    def tokenizer(self) -> Tokenizer | None:
        """Return its own tokenizer, None where there is none to ask, or none yet."""

    def request(self, messages: Sequence[Message]) -> dict[str, object]: ...
    def models(self) -> list[str]: ...
    def close(self) -> None: ...


class RemoteModel(Windowed):
    """A model behind somebody's endpoint."""

    def __init__(self, target: Target, waits: Waits | None = None) -> None:
        dialect = Dialect(target.words)
        super().__init__(
            target.name, self._endpoint, dialect=dialect, waits=waits, renew=self._renewed
        )
        self.default_parameters = self.parameters = Parameters().updated(target.parameters)
        self.encoding = target.tokenizer
        self._target = target
        self._window = target.context_window

    @property
    def identity(self) -> str:
        return f"{self._target.name} {self._target.base_url}"

    @property
    def takes_images(self) -> bool:
        stated = self._target.images
        return takes_images(self._target.model) if stated is None else stated

    def learn_window(self, tokens: int) -> None:
        # What the user has written into config.toml is not known better by anybody.
        if self._target.context_window is None:
            super().learn_window(tokens)

    def warm_up(self) -> None:
        super().warm_up()
        window = window_of(self._target.place, self._target.model)
        if window is not None:
            self.learn_window(window)

    def start(self) -> None:
        pass

    def activity(self) -> str:
        return ""

    def tokenizer(self) -> None:
        pass

    def _endpoint(self) -> Endpoint:
        target = self._target
        key = target.key.value() if target.key else None
        return Endpoint(target.base_url, key, target.model, network=target.network)

    def _renewed(self, endpoint: Endpoint) -> Endpoint | None:
        key, refused = self._target.key, endpoint.api_key
        another = key.renewed(refused) if key and refused else None
        return replace(endpoint, api_key=another) if another else None


class Models:
    """The models of one run; what was started for them ends with `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[str, Model] = {}

    def use(self, spec: str | None) -> Model:
        """Return the model that `spec` or the settings name. Raises UsageError."""
        target = resolve(self._settings, spec)
        if target.name not in self._open:
            self._open[target.name] = self._built(target)
        return self._open[target.name]

    def close(self) -> None:
        for model in self._open.values():
            model.close()

    def _built(self, target: Target) -> Model:
        waits = Waits(self._settings.first_token_timeout, self._settings.token_timeout)
        if target.profile == LOCAL:
            return LocalModel(target, self._settings.folders.cache, waits)
        return RemoteModel(target, waits)

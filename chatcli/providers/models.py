"""From what the user calls a model to something that can be asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from chatcli.conversation.context import REPLY_RESERVE, budget_in
from chatcli.conversation.messages import Message
from chatcli.conversation.ports import Provider
from chatcli.conversation.tokens import Tokenizer
from chatcli.conversation.vision import takes_images
from chatcli.providers.base import Endpoint, Parameters, Waits
from chatcli.providers.dialect import Dialect
from chatcli.providers.openai import OpenAIProvider
from chatcli.providers.prices import window_of
from chatcli.providers.profiles import LOCAL, SMOLLM2, Target, resolve
from chatcli.settings import Settings

if TYPE_CHECKING:
    from chatcli.providers.local import LocalEngine
    from chatcli.providers.local_tokens import LocalTokens

SMOLLM2_WINDOW: Final = 8192
SMOLLM2_SAMPLING: Final = Parameters(temperature=0.7, top_p=0.95, max_reply=512)
"""What suits the default weights best of ten settings; past 512 tokens they go in circles."""


class Model(Provider, Protocol):
    """A model that this run can ask.

    `default_parameters` are what suits it, `parameters` what it is asked with, `dialect` in which
    words; `adapted` is told when these turn out to be others. `window` is its context window in
    tokens and `budget` in prompt tokens, both None as long as that is not known.
    """

    default_parameters: Parameters
    parameters: Parameters
    dialect: Dialect
    adapted: Callable[[Dialect], None]

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


class _Windowed(OpenAIProvider):
    """A model whose context window may become known, or known to be smaller."""

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


class RemoteModel(_Windowed):
    """A model behind somebody's endpoint."""

    def __init__(self, target: Target, waits: Waits | None = None) -> None:
        dialect = Dialect(target.words)
        super().__init__(target.name, self._endpoint, dialect=dialect, waits=waits)
        self.default_parameters = self.parameters = Parameters().updated(target.parameters)
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


class LocalModel(_Windowed):
    """The embedded model: its weights are fetched and its engine started by the first who asks."""

    takes_images = False
    """Its engine is given no part of a model that sees."""

    goes_on_by_itself = True
    """llama.cpp takes a last message that is the model's own for the beginning of its reply."""

    def __init__(self, target: Target, cache: Path, waits: Waits | None = None) -> None:
        super().__init__(target.name, self._endpoint, waits=waits)
        own = target.model == SMOLLM2
        suited = SMOLLM2_SAMPLING if own else Parameters(max_reply=REPLY_RESERVE)
        self.default_parameters = self.parameters = suited.updated(target.parameters)
        self._name = target.model
        self._cache = cache
        self._one_at_a_time = threading.Lock()
        self._engine: LocalEngine | None = None
        self._running: Endpoint | None = None
        self._one_tokenizer = threading.Lock()
        self._tokenizer: LocalTokens | None = None
        self._window = SMOLLM2_WINDOW if own else None
        self._fetched = (0, 0)
        self._doing = ""
        self._closed = False

    @property
    def identity(self) -> str:
        return self.model

    def start(self) -> None:
        self._endpoint()

    def activity(self) -> str:
        done, total = self._fetched
        if self._doing == _FETCHING and total:
            full = done * _BAR // total
            bar = "▰" * full + "▱" * (_BAR - full)
            return f"{_FETCHING} {bar} {done // 10**6} of {total // 10**6} MB"
        return self._doing

    def tokenizer(self) -> Tokenizer | None:
        """Return the engine's tokenizer once it runs; an engine that is restarted keeps it."""
        from chatcli.providers.local_tokens import tokens_of

        with self._one_tokenizer:
            if self._tokenizer is None and self._running is not None:
                self._tokenizer = tokens_of(lambda: self._running)
            return self._tokenizer

    def close(self) -> None:
        self._closed = True
        super().close()
        for started in (self._engine, self._tokenizer):
            if started is not None:
                started.close()

    def _endpoint(self) -> Endpoint:
        from chatcli.providers.local import LocalEngine

        with self._one_at_a_time:
            try:
                if self._engine is None:
                    self._engine = LocalEngine(self._weights())
                self._doing = "loading the model"
                endpoint = self._running = self._engine.endpoint()
            finally:
                self._doing = ""
        self._window = endpoint.context_window or self._window
        return endpoint

    def _weights(self) -> Path:
        from chatcli.providers.local import check_available, weights_for

        check_available()
        self._doing = _FETCHING
        return weights_for(
            self._name, self._cache, progress=self._note, cancelled=lambda: self._closed
        )

    def _note(self, done: int, total: int | None) -> None:
        self._fetched = (done, total or 0)


_FETCHING: Final = "fetching the model, once"
_BAR: Final = 20


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

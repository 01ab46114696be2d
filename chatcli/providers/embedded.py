"""The embedded model as one that can be asked like any other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatcli.conversation.context import REPLY_RESERVE
from chatcli.conversation.tokens import Tokenizer
from chatcli.providers.base import Endpoint, Parameters, Waits
from chatcli.providers.profiles import SMOLLM2, Target
from chatcli.providers.windowed import Windowed

if TYPE_CHECKING:
    from chatcli.providers.local import LocalEngine
    from chatcli.providers.local_tokens import LocalTokens

SMOLLM2_WINDOW: Final = 8192
SMOLLM2_SAMPLING: Final = Parameters(temperature=0.7, top_p=0.95, max_reply=512)
"""What suits the default weights best of ten settings; past 512 tokens they go in circles."""


class LocalModel(Windowed):
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
        from chatcli.providers.engine_run import check_available
        from chatcli.providers.local import weights_for

        check_available()
        self._doing = _FETCHING
        return weights_for(
            self._name, self._cache, progress=self._note, cancelled=lambda: self._closed
        )

    def _note(self, done: int, total: int | None) -> None:
        self._fetched = (done, total or 0)


_FETCHING: Final = "fetching the model, once"
_BAR: Final = 20

"""One request at a time: sent, sent again where that may help, stopped when the user wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from chatcli.conversation.arriving import Arriving, Patience
from chatcli.conversation.events import ReasoningDelta, Retrying, TextDelta
from chatcli.conversation.messages import INTERRUPTED
from chatcli.conversation.ports import Finish, Provider, Reply
from chatcli.errors import ProviderError


class Exchange:
    """Asks a provider, and hands on what comes. `stop` may be called from any thread."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._stopped = threading.Event()
        self._reply: Reply | None = None

    def ready(self) -> None:
        """Forget an earlier `stop`."""
        self._stopped.clear()

    def stop(self) -> None:
        """End the request that is under way, or the next one before it leaves."""
        self._stopped.set()
        reply = self._reply
        if reply is not None:
            reply.close()

    def ending(self, arriving: Arriving) -> str:
        """Return how a reply ended that no error has ended."""
        if arriving.finish is not None:
            return arriving.finish.reason
        return INTERRUPTED if self._stopped.is_set() else "stop"

    def stream(
        self, provider: Provider, arriving: Arriving
    ) -> Iterator[TextDelta | ReasoningDelta | Retrying]:
        """Yield what is new of the reply as it comes. Raises ProviderError where it breaks off."""
        for attempt in range(1, self._patience.attempts + 1):
            try:
                yield from self._receive(provider, arriving)
            except ProviderError as error:
                if self._stopped.is_set():
                    return
                last = attempt == self._patience.attempts
                if last or arriving.pieces or not error.retryable:
                    raise
                delay = self._patience.delay(attempt, error.retry_after)
                yield Retrying(error.message, delay, attempt, self._patience.attempts)
                if self._stopped.wait(delay):
                    return
            else:
                return

    def _receive(
        self, provider: Provider, arriving: Arriving
    ) -> Iterator[TextDelta | ReasoningDelta]:
        if self._stopped.is_set():
            return
        arriving.begin()
        self._reply = reply = provider.stream(arriving.asked.messages)
        try:
            if self._stopped.is_set():
                return
            for delta in reply:
                match delta:
                    case TextDelta(text):
                        if new := arriving.take(text[: arriving.room]):
                            yield TextDelta(new)
                        if not arriving.room:
                            arriving.finish = Finish("length")
                            return
                    case ReasoningDelta():
                        yield delta
                    case Finish():
                        arriving.finish = delta
        finally:
            self._reply = None
            reply.close()

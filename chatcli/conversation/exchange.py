"""One request at a time: sent, sent again where that may help, stopped when the user wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from chatcli.conversation.arriving import Arriving, Patience
from chatcli.conversation.endings import understood
from chatcli.conversation.events import Notice, ReasoningDelta, Retrying, TextDelta
from chatcli.conversation.messages import INTERRUPTED
from chatcli.conversation.ports import Finish, Provider, Reply
from chatcli.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Pause:
    """The time until a request is sent again; `until` is on the monotonic clock."""

    retrying: Retrying
    until: float

    def left(self) -> float:
        """Seconds that are left of it."""
        return max(self.until - time.monotonic(), 0.0)


class Exchange:
    """Asks a provider, and hands on what comes. `stop` may be called from any thread.

    `pause` is the time that is waited for at the moment, if a request is to be sent again.
    """

    def __init__(self, patience: Patience) -> None:
        self.pause: Pause | None = None
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

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def ending(self, arriving: Arriving) -> str:
        """Return how a reply ended that no error has ended."""
        if arriving.finish is not None:
            return arriving.finish.reason
        return INTERRUPTED if self.stopped else "stop"

    def stream(
        self, provider: Provider, arriving: Arriving
    ) -> Iterator[TextDelta | ReasoningDelta | Notice | Retrying]:
        """Yield what is new of the reply as it comes. Raises ProviderError where it breaks off."""
        attempt = 1
        while True:
            try:
                yield from self._receive(provider, arriving)
            except ProviderError as error:
                if self.stopped:
                    return
                if arriving.pieces or not self._patience.allows(attempt, error):
                    raise
                delay = self._patience.delay(attempt, error.retry_after)
                retrying = Retrying(error.message, delay, attempt, self._patience.attempts)
            else:
                return
            yield retrying
            if self._interrupted(Pause(retrying, time.monotonic() + delay)):
                return
            attempt += 1

    def _interrupted(self, pause: Pause) -> bool:
        """Wait, and tell whether the user has put an end to that."""
        self.pause = pause
        try:
            return self._stopped.wait(pause.retrying.delay)
        finally:
            self.pause = None

    def _receive(
        self, provider: Provider, arriving: Arriving
    ) -> Iterator[TextDelta | ReasoningDelta | Notice]:
        if self.stopped:
            return
        arriving.begin()
        self._reply = reply = provider.stream(arriving.asked.messages)
        try:
            if self.stopped:
                return
            for delta in reply:
                match delta:
                    case TextDelta(text):
                        if new := arriving.take(text[: arriving.room]):
                            yield TextDelta(new)
                        if not arriving.room:
                            arriving.finish = Finish("length")
                            return
                    case ReasoningDelta() | Notice():
                        yield delta
                    case Finish():
                        arriving.finish = understood(delta, any_text=arriving.began)
        finally:
            self._reply = None
            reply.close()

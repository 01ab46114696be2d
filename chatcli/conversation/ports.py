"""What a session needs from the outside, as protocols: replies, a place to rest, prices.

`providers/` and `storage/` have the real ones; whoever builds a `Session` hands them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from chatcli.conversation.events import Notice, ReasoningDelta, TextDelta
from chatcli.conversation.images import Image
from chatcli.conversation.messages import Message, Node, Usage
from chatcli.conversation.records import Record


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a reply, in the endpoint's words; `model` is the one that answered."""

    reason: str
    usage: Usage | None = None
    model: str | None = None


Delta: TypeAlias = TextDelta | ReasoningDelta | Notice | Finish


class Reply(Protocol):
    """A reply on its way. Iterating raises ProviderError where it breaks off."""

    def __iter__(self) -> Iterator[Delta]: ...

    def close(self) -> None:
        """Give the reply up, from any thread: iterating then ends at once."""


class Provider(Protocol):
    """Where replies come from."""

    @property
    def model(self) -> str:
        """The model as the user names it, `PROFILE:MODEL`."""

    def stream(self, messages: Sequence[Message]) -> Reply:
        """Ask for the next message. The request may leave only when the reply is iterated."""


def takes_images(provider: Provider) -> bool:
    """Tell whether a provider may be sent images: unless its `takes_images` says that it may not.

    A provider of the caller's own need not know of any.
    """
    return bool(getattr(provider, "takes_images", True))


def goes_on_by_itself(provider: Provider) -> bool:
    """Tell whether a model goes on with a last message of its own, asked for nothing else.

    Unless its `goes_on_by_itself` says so, a provider is asked to in words.
    """
    return bool(getattr(provider, "goes_on_by_itself", False))


class Journal(Protocol):
    """Where a conversation's records rest."""

    @property
    def room(self) -> int | None:
        """How many more bytes of records it takes, None where there is no end."""

    def append(self, *records: Record) -> tuple[str, ...]:
        """Keep the records, in order; they are safe when this returns.

        Returns lines on what the user should know. Raises StorageError with none of them kept.
        """

    def partial(self, reply: Node, text: str) -> None:
        """Keep the next piece of a reply that is coming; `reply` is as it was at its beginning.

        Raises nothing: the whole of it is kept later.
        """

    def settle(self) -> None:
        """Forget the partial reply: it is whole and kept."""

    def close(self) -> None:
        """Let the place go, so that another process may have it."""


class Forgetful:
    """The journal of a conversation that is not to be kept."""

    room: int | None = None

    def append(self, *_records: Record) -> tuple[str, ...]:
        return ()

    def partial(self, reply: Node, text: str) -> None:
        pass

    def settle(self) -> None:
        pass

    def close(self) -> None:
        pass


class Counter(Protocol):
    """What messages cost in tokens."""

    def overhead_of(self, messages: Iterable[Message]) -> int:
        """What a request with these messages costs beside them."""

    @property
    def precision(self) -> str:
        """`exact`, `calibrated` or `estimated`."""

    @property
    def version(self) -> object:
        """Another value whenever messages have another price than before."""

    def price(self, message: Message) -> int:
        """The tokens of one message, its own overhead included."""

    def price_image(self, image: Image) -> int:
        """The tokens that an image adds to its message, an estimate."""

    def count_draft(self, content: str, blocks: Sequence[str] = ()) -> int:
        """The tokens of a user's message that may still change, so that no count of it is kept.

        That of the `blocks` below it is.
        """

    def learn(self, messages: Iterable[Message], reported: int) -> bool:
        """Take note of the prompt tokens that the endpoint reported for a request.

        Returns whether they are so few that it can't have read all of it.
        """

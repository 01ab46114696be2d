"""Any endpoint that speaks the chat-completions protocol, through the openai client.

The client makes the request: address, headers, connection, errors. The body of the reply is read by
`reading`, and a request that the model refuses for one of its parameters is worded anew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from chatcli.conversation.events import Notice
from chatcli.conversation.messages import Message
from chatcli.errors import BadReply
from chatcli.providers.base import ASKED, Emit, Endpoint, Parameters, PumpedReply, Waits
from chatcli.providers.dialect import ADJUSTABLE, Dialect
from chatcli.providers.lines import Call, Lines

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

_OF_THE_CLIENT: Final = ("model", "messages", "stream")


class OpenAIProvider:
    """A model behind a chat-completions endpoint.

    `connect` returns the endpoint and may take its time: it is called in the thread of the first
    reply. `name` is the model as the user names it, `PROFILE:MODEL`. `dialect` is how the endpoint
    wants its requests worded; `adapted` is told when that turns out to be another. `renew` returns
    an endpoint that refuses its key with another key, None where there is none.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], Endpoint],
        parameters: Parameters | None = None,
        *,
        dialect: Dialect | None = None,
        waits: Waits | None = None,
        renew: Callable[[Endpoint], Endpoint | None] = lambda _endpoint: None,
    ) -> None:
        self.model = name
        self.parameters = parameters or Parameters()
        self.dialect = dialect or Dialect()
        self.adapted: Callable[[Dialect], None] = lambda _dialect: None
        self._waits = waits
        self._connect = connect
        self._renew = renew
        self._client: openai.OpenAI | None = None
        self._client_of: Endpoint | None = None
        self._lines = Lines()
        self._here = threading.local()
        self._asked_model: str | None = None

    def stream(self, messages: Sequence[Message]) -> PumpedReply:
        asked, extra = self._asked(messages), self.parameters.extra_body
        call = Call(self._lines)
        return PumpedReply(
            lambda emit: self._receive(asked, extra, call, emit), call.break_off, self._waits
        )

    def request(self, messages: Sequence[Message]) -> dict[str, object]:
        """Return the body of the request for the next message.

        Its `model` is None as long as it is whichever the endpoint lists first.
        """
        return {**self.dialect.spoken(self._asked(messages)), **self.parameters.extra_body}

    def warm_up(self) -> None:
        """Import and build what the first request needs, so that it need not wait for that."""
        import chatcli.providers.client
        import chatcli.providers.listing  # noqa: F401 - importing them is all

    def models(self) -> list[str]:
        """Return the names of the models that the endpoint lists. Raises ProviderError."""
        from chatcli.providers.listing import names_from

        endpoint = self._connect()
        self._here.call = Call(self._lines)
        return self._at(endpoint, lambda there: names_from(self._open(there), there))

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _asked(self, messages: Sequence[Message]) -> dict[str, object]:
        """Return what is asked for, in the words of the API."""
        return {
            "model": self.model.partition(":")[2] or self._asked_model,
            "messages": [message.as_dict() for message in messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.parameters.as_request(),
        }

    def _receive(
        self, asked: Mapping[str, object], extra: Mapping[str, object], call: Call, emit: Emit
    ) -> None:
        endpoint = self._connect()
        if call.given_up:
            return
        emit(ASKED)
        self._here.call = call

        def converse(there: Endpoint) -> None:
            client = self._open(there)
            named = {**asked, "model": there.model or self._first_model(client, there)}
            # Each round takes a word away, so that they come to an end.
            while self._refused(client, {**self.dialect.spoken(named), **extra}, there, emit):
                pass

        self._at(endpoint, converse)

    def _at(self, endpoint: Endpoint, ask: Callable[[Endpoint], T]) -> T:
        """Ask an endpoint, and again where it wants another key and there is one.

        Raises ChatcliError, whatever goes wrong.
        """
        import openai

        from chatcli.providers.faults import from_exception

        try:
            try:
                return ask(endpoint)
            except openai.AuthenticationError:
                renewed = self._renew(endpoint)
                if renewed is None:
                    raise
            endpoint = renewed
            return ask(endpoint)
        except Exception as error:
            raise from_exception(error, endpoint) from error

    def _refused(
        self, client: openai.OpenAI, body: Mapping[str, object], endpoint: Endpoint, emit: Emit
    ) -> bool:
        """Make a request and emit its reply, or return that another wording may be taken."""
        import openai

        from chatcli.providers.reading import deltas
        from chatcli.providers.refusals import refused
        from chatcli.providers.said import ToldInReply

        # The client's types want a TypedDict for each role; these are the same dicts.
        create: Any = client.chat.completions.with_streaming_response.create
        own = {name: body[name] for name in _OF_THE_CLIENT}
        more = {name: value for name, value in body.items() if name not in own}
        begun = False
        try:
            with create(**own, extra_body=more) as response:
                for delta in deltas(response.http_response, endpoint):
                    begun = True
                    emit(delta)
        except (openai.APIStatusError, ToldInReply) as error:
            words = refused(error.status_code, error.body, self.dialect.adjustable(body))
            if begun or not words:
                raise
            emit(self._reworded(words))
            return True
        return False

    def _reworded(self, words: frozenset[str]) -> Notice:
        """Word requests another way from here on, and return what there is to say of it."""
        before, self.dialect = self.dialect, self.dialect.without(words)
        self.adapted(self.dialect)
        changed = [name for name in sorted(ADJUSTABLE) if before.word(name) in words]
        others = [word for name in changed if (word := self.dialect.word(name)) is not None]
        text = f"{self.model} does not take {' and '.join(sorted(words))}"
        if others:
            return Notice(f"{text}: {' and '.join(others)} is sent instead")
        return Notice(f"{text}: sent again without", "/set shows what is sent")

    def _open(self, endpoint: Endpoint) -> openai.OpenAI:
        if self._client is None or self._client_of != endpoint:
            from chatcli.providers.client import client_for

            if self._client is not None:
                self._client.close()
            self._client = client_for(endpoint, lambda: self._here.call)
            self._client_of = endpoint
        return self._client

    def _first_model(self, client: openai.OpenAI, endpoint: Endpoint) -> str:
        if self._asked_model is None:
            from chatcli.providers.listing import names_from

            names = names_from(client, endpoint)
            if not names:
                raise BadReply("the endpoint lists no model", "name one: --model PROFILE:MODEL")
            self._asked_model = names[0]
        return self._asked_model

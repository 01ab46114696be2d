"""A server whose model does not take some parameters, and says so as OpenAI's do."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.exchange import Exchange
from tests.support.mischief import Fault
from tests.support.protocol import Json, encode, event


def openai(message: str, param: str | None, code: str | None) -> Json:
    """The body of an error, field for field."""
    kind = "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def refuse(exchange: Exchange, body: Json) -> None:
    exchange.wire.answer(400, encode(body))


def refuse_in_event(exchange: Exchange, body: Json) -> None:
    """Begin a stream and say it there, as gateways do that have sent their headers."""
    exchange.stream([event(exchange.chunks()[0]), event(body)])


def refuse_in_reply(exchange: Exchange, body: Json) -> None:
    exchange.wire.answer(200, encode(body))


def picky(*words: str, say: Callable[[Exchange, Json], None] = refuse) -> Fault:
    """A server that takes no request with one of these in it, and says so of the first."""

    def act(exchange: Exchange) -> None:
        found = [word for word in words if word in exchange.request.body]
        if not found:
            exchange.answer()
            return
        text = f"Unsupported parameter: '{found[0]}' is not supported with this model."
        say(exchange, openai(text, found[0], "unsupported_parameter"))

    return Fault("picky", "a model that refuses parameters", act)

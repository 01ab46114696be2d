"""What went wrong between us and an endpoint, as one of our own errors.

This is the one place where the errors of the openai client and the refusals of servers are read.
Each error's text says what happened, its hint what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

from chatcli.config.addresses import presentable
from chatcli.errors import (
    BadReply,
    ChatcliError,
    ProviderError,
    RateLimited,
    Refused,
    ServerFailed,
    Unreachable,
)
from chatcli.providers.base import Endpoint
from chatcli.providers.overflow import is_overflow, overflow
from chatcli.providers.said import (
    Said,
    ToldInReply,
    about_address,
    address,
    retry_after,
    said_in,
    said_plainly,
    shown,
    when,
)
from chatcli.providers.sightless import is_sightless, no_images

if TYPE_CHECKING:
    import openai

AGAIN: Final = "/retry asks again"

_CHATS: Final = "/chat/completions"
"""What the client adds to a base URL."""
_TRANSIENT: Final = {408, 409, 429}

_NO_CREDIT: Final = re.compile(
    r"insufficient[_ ](?:quota|balance|funds|credit)|credit balance is too low"
    r"|(?:requires?|needs?) more credits|(?:out of|no|any|all available) credits?\b"
    r"|spend(?:ing)?[_ ]limit|billing[_ ](?:not[_ ]active|hard[_ ]limit)|payment required",
    re.IGNORECASE,
)
"""That an account is out of credit, as OpenAI, OpenRouter, DeepSeek, Anthropic, xAI say it."""


def from_exception(error: Exception, endpoint: Endpoint) -> ChatcliError:
    """Return our error for whatever the client, or reading its reply, raised."""
    import httpx2
    import openai

    from chatcli.providers.broken import from_connection  # which needs ssl

    match error:
        case ChatcliError():
            return error
        case openai.APIStatusError():
            return _from_response(error, endpoint)
        case ToldInReply():
            return from_body(error.body, endpoint, error.status_code)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return Unreachable(
                f"{address(endpoint)} does not answer",
                f"is the server up? {AGAIN}",
                retryable=True,
            )
        case openai.APIConnectionError() | httpx2.TransportError() | httpx2.InvalidURL():
            return from_connection(error, endpoint)
        case httpx2.DecodingError():
            return BadReply("the reply is compressed, and can't be unpacked", AGAIN)
        case UnicodeError():
            return from_connection(error, endpoint)
        case _:
            what = shown(str(error), endpoint) or type(error).__name__
            return ProviderError(f"the request failed: {what}", AGAIN)


def from_body(body: Mapping[str, Any], endpoint: Endpoint, status: int) -> ProviderError:
    """Return our error for an error object that has this status, or would have it."""
    return _refusal(status, said_in(body), body, endpoint)


def _from_response(error: openai.APIStatusError, endpoint: Endpoint) -> ProviderError:
    status, headers = error.status_code, error.response.headers
    if 300 <= status < 400:
        return _redirected(error, endpoint)
    said = _page(error) if isinstance(error.body, str) else said_in(error.body)
    failure = _refusal(status, said, error.body, endpoint)
    failure.retry_after = retry_after(headers)
    if failure.retryable and failure.retry_after:
        failure.hint = f"/retry {when(failure.retry_after)}, or /model asks another"
    if headers.get("x-should-retry") == "false":
        failure.retryable = False
    return failure


def _redirected(error: openai.APIStatusError, endpoint: Endpoint) -> Refused:
    """Tell where a server sends its clients: as the base URL that would lead there, if it can."""
    asked = str(error.response.url)
    there = urljoin(asked, error.response.headers.get("location", ""))
    base_url = there.removesuffix(_CHATS)
    where = shown(presentable(base_url), endpoint)
    if there in {asked, base_url}:
        return Refused(f"{address(endpoint)} redirects to {where}", about_address(endpoint))
    hint = "make that the base URL if you trust it"
    return Refused(f"{address(endpoint)} redirects to {where}", hint)


def _page(error: openai.APIStatusError) -> Said:
    try:
        return said_plainly(error.response.text)
    except Exception:  # noqa: BLE001 - a body that can't be read says nothing
        return Said()


def _refusal(status: int, said: Said, body: object, endpoint: Endpoint) -> ProviderError:
    """Return the error for a status, or what would be one, and what was said along with it."""
    told = shown(said.text, endpoint) or f"status {status}"
    if is_overflow(status, said.code, said.text):
        return overflow(body if isinstance(body, Mapping) else {}, said.text, told)
    if is_sightless(status, said.code, said.text):
        return no_images(address(endpoint), told)
    if _is_out_of_credit(status, said):
        return RateLimited(
            f"the account is out of credit: {told}", "top it up, or ask another with /model"
        )
    if status == 429:
        return RateLimited(
            f"too many requests: {told}",
            "/retry in a while, or /model asks another",
            retryable=True,
        )
    if status in _TRANSIENT or status >= 500:
        return ServerFailed(
            f"the server failed ({status}): {told}",
            f"{AGAIN}, /model another",
            retryable=True,
        )
    return Refused(*_refused(status, told, endpoint))


def _is_out_of_credit(status: int, said: Said) -> bool:
    """Tell whether money is what is missing.

    Gemini says the words of OpenAI's empty account when somebody asks too often: those prove
    nothing without the code.
    """
    return status == 402 or bool(_NO_CREDIT.search(f"{said.code} {said.text}"))


def _refused(status: int, told: str, endpoint: Endpoint) -> tuple[str, str]:
    """Say which part of a request a server does not accept, and what to do about it."""
    where = address(endpoint)
    match status:
        case 401 if endpoint.api_key is None:
            return f"{where} wants a key: {told}", "chatcli config key set PROFILE keeps one"
        case 401:
            return (
                f"{where} does not accept the key: {told}",
                "chatcli doctor shows where the key comes from",
            )
        case 403:
            return (
                f"{where} does not allow this: {told}",
                "is the key allowed to use this model? /model asks another",
            )
        case 404:
            return (
                f"{where} does not know this: {told}",
                "check the model (chatcli models list) and the base URL",
            )
        case 405:
            return (
                f"{where} takes no chats: {told}",
                about_address(endpoint),
            )
        case 407:
            return (
                f"the proxy wants a name and a password: {told}",
                "write them into its address: http://NAME:PASSWORD@HOST:PORT",
            )
        case 413:
            return (
                f"{where} finds the request too large: {told}",
                "/edit shortens the question, /budget N sends less of the conversation",
            )
        case _:
            return (
                f"{where} refused the request ({status}): {told}",
                "/edit changes the question, /set and /model how it is asked",
            )

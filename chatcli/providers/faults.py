"""What went wrong between us and an endpoint, as one of our own errors.

This is the one place where the errors of the openai client and the words of servers are read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

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

if TYPE_CHECKING:
    import openai

_MOST_SHOWN: Final = 240
_RETRYABLE: Final = {408, 409, 429, 500, 502, 503, 504, 529}


def from_exception(error: Exception, endpoint: Endpoint) -> ChatcliError:
    """Return our error for whatever the client, or reading its reply, raised."""
    import httpx2
    import openai

    match error:
        case ChatcliError():
            return error
        case openai.APIStatusError():
            return _from_status(error, endpoint)
        case openai.APITimeoutError() | httpx2.TimeoutException():
            return Unreachable(
                f"{endpoint.base_url} does not answer", "/retry asks again", retryable=True
            )
        case openai.APIConnectionError() | httpx2.TransportError():
            return _from_connection(error, endpoint)
        case _:
            what = _shown(str(error), endpoint) or type(error).__name__
            return ProviderError(f"the request failed: {what}", "/retry asks again")


def from_body(body: Mapping[str, Any], endpoint: Endpoint, status: int = 500) -> ProviderError:
    """Return our error for an error object that a server sent, be it in the middle of a stream."""
    code, text = _words(body)
    said = _shown(text, endpoint)
    if is_overflow(status, code, text):
        return overflow(body, text, said)
    if code == "insufficient_quota":
        return RateLimited(f"the account is out of credit: {said}", "top it up, or change /model")
    if code in {"rate_limit_exceeded", "429"} or status == 429:
        return RateLimited(f"too many requests: {said}", "/retry later", retryable=True)
    return ServerFailed(
        f"the server failed: {said}", "/retry asks again", retryable=status in _RETRYABLE
    )


def _from_status(error: openai.APIStatusError, endpoint: Endpoint) -> ProviderError:
    status = error.status_code
    body = error.body if isinstance(error.body, dict) else {}
    code, text = _words({"error": body} if "message" in body else body)
    said = _shown(text or _plain(error), endpoint) or f"status {status}"
    host = endpoint.base_url
    wait = _retry_after(error.response.headers)
    if is_overflow(status, code, text):
        return overflow(body, text, said)
    if 300 <= status < 400:
        where = _shown(error.response.headers.get("location", "elsewhere"), endpoint)
        return Refused(f"{host} redirects to {where}", "name that address if you trust it")
    match status:
        case 401:
            return Refused(
                f"{host} does not accept the key: {said}", "check the variable that holds it"
            )
        case 403:
            return Refused(f"{host} does not allow this: {said}", "check the key's rights")
        case 404:
            return Refused(f"{host} does not know this: {said}", "check the model and base URL")
        case 429 if code == "insufficient_quota":
            return RateLimited(
                f"the account is out of credit: {said}", "top it up, or change /model"
            )
        case 429:
            return RateLimited(
                f"too many requests: {said}", "/retry later", retryable=True, retry_after=wait
            )
        case _ if status in _RETRYABLE:
            return ServerFailed(
                f"the server failed ({status}): {said}",
                "/retry asks again",
                retryable=True,
                retry_after=wait,
            )
        case _ if status >= 500:
            return ServerFailed(f"the server failed ({status}): {said}", "/retry asks again")
        case _:
            return Refused(f"{host} refused the request ({status}): {said}", "change it and /retry")


def _from_connection(error: Exception, endpoint: Endpoint) -> ProviderError:
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    why = _shown(str(cause), endpoint)
    if isinstance(cause, UnicodeError):
        return BadReply(f"the reply could not be read: {why}", "/retry asks again")
    return Unreachable(
        f"no connection to {endpoint.base_url}: {why}",
        "is the address right, and the server up? /retry asks again",
        retryable=True,
    )


def _words(body: Mapping[str, Any]) -> tuple[str, str]:
    """Return the code and the text of an error body, in any of the shapes that servers use."""
    error = body.get("error", body)
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return "", ""
    code = str(error.get("code") or error.get("type") or "")
    text = error.get("message") or error.get("detail") or error.get("error") or ""
    if isinstance(text, list):
        text = "; ".join(
            str(part.get("msg", part) if isinstance(part, dict) else part) for part in text
        )
    return code, str(text)


def _plain(error: openai.APIStatusError) -> str:
    """Return the text of a body that is no JSON: a page's title, or its first line."""
    try:
        text = error.response.text
    except Exception:  # noqa: BLE001 - a body that can't be read says nothing
        return ""
    title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return title[1] if title else re.sub(r"<[^>]*>", " ", text)


def _shown(text: str, endpoint: Endpoint) -> str:
    """Return a server's words fit for one line, without the key if it repeats it."""
    if endpoint.api_key:
        text = text.replace(endpoint.api_key, "…")
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _MOST_SHOWN else f"{line[: _MOST_SHOWN - 1]}…"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how long the server asks to wait, in seconds; it may say that as a date."""
    value = headers.get("retry-after", "")
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None

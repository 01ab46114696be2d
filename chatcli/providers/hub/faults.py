"""Why the hub does not hand out what was asked of it, as one of our own errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chatcli.errors import ProviderError, RateLimited, Refused, ServerFailed, UsageError
from chatcli.providers.hub.progress import duration

if TYPE_CHECKING:
    import httpx2

    from chatcli.providers.hub.address import Address
    from chatcli.providers.hub.names import Reference

_RETRYABLE: Final = {408, 425, 429, 500, 502, 503, 504, 529}


def refusal(
    response: httpx2.Response, wanted: Reference, address: Address, *, own: bool
) -> ProviderError | UsageError:
    """Return the error for an answer that is none. `own`: the hub itself gave it, no storage."""
    status = response.status_code
    code = response.headers.get("x-error-code", "")
    if status == 429:
        later = retry_after(response)
        when = f"in {duration(later)}" if later else "later"
        return RateLimited(
            f"{address.host} has had too many requests from here",
            f"go on {when}; an HF_TOKEN raises the limit",
            retryable=True,
            retry_after=later,
        )
    if not own:
        return ServerFailed(
            f"the storage of {address.host} answered with status {status}",
            "the same command goes on where it stopped",
            # A link to the storage lasts an hour or so; a new one is got by asking the hub again.
            retryable=status in _RETRYABLE or status == 403,
        )
    if code == "GatedRepo":
        return _gated(wanted, address)
    if code == "RevisionNotFound":
        return UsageError(f"{wanted.repo} has no revision `{wanted.revision}`", "try without @")
    if code == "EntryNotFound":
        return UsageError(f"{wanted.repo} has no file {wanted.file}", "look at its page")
    if status in {401, 403, 404}:
        return _nothing_there(wanted, address, status)
    return ServerFailed(
        f"{address.host} answered with status {status}",
        "try again later",
        retryable=status in _RETRYABLE,
        retry_after=retry_after(response),
    )


def retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds that a server wants us to wait, where it says so in seconds."""
    stated = response.headers.get("retry-after", "").strip()
    return float(stated) if stated.isascii() and stated.isdecimal() and len(stated) < 7 else None


def _gated(wanted: Reference, address: Address) -> Refused:
    page = address.page_of(wanted.repo)
    if address.token is None:
        hint = f"accept its terms at {page}, and set HF_TOKEN to a token of yours"
    else:
        hint = f"accept its terms at {page} with the account of your HF_TOKEN"
    return Refused(f"{wanted.repo} is only for those who accept its terms", hint)


def _nothing_there(wanted: Reference, address: Address, status: int) -> Refused | UsageError:
    if address.token is not None and status in {401, 403}:
        return Refused(
            f"{address.host} does not accept HF_TOKEN for {wanted.repo}",
            "check the token, or unset it",
        )
    return UsageError(
        f"{address.host} shows no repository {wanted.repo}",
        "check the spelling; a private one needs HF_TOKEN",
    )

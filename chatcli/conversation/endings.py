"""Why a reply ends, as endpoints say it, and what that means to whoever has asked.

The reasons of the chat-completions API are `stop`, `length`, `content_filter` and `tool_calls`.
Others have words of their own for them: Mistral `model_length`, old engines `eos`, Anthropic
`end_turn`, DeepSeek `insufficient_system_resource`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from chatcli.conversation.events import Notice
from chatcli.conversation.messages import CUT, EDITED
from chatcli.conversation.ports import Finish
from chatcli.errors import BadReply, Refused, ServerFailed

AGAIN: Final = "/retry asks again"

_SAME: Final[Mapping[str, str]] = {
    **dict.fromkeys(("eos", "eos_token", "end_turn", "stop_sequence", "completed"), "stop"),
    **dict.fromkeys(("max_tokens", "model_length", "max_output_tokens"), "length"),
    **dict.fromkeys(("function_call", "tool_use"), "tool_calls"),
    **dict.fromkeys(("safety", "refusal", "recitation", "blocklist"), "content_filter"),
}
_FAILURES: Final = {"error", "abort", "insufficient_system_resource"}
_TOLD_BY_THE_FACE: Final = {"stop", "content_filter", EDITED, *CUT}


def understood(finish: Finish, *, any_text: bool) -> Finish:
    """Return the end of a reply in the API's own words where those are known for its reason.

    Raises ProviderError where it is the end of a reply that is none.
    """
    reason = _SAME.get(finish.reason.lower(), finish.reason)
    if reason in _FAILURES:
        raise ServerFailed(
            f"the server broke the reply off: {finish.reason}", AGAIN, retryable=True
        )
    if reason == "content_filter" and not any_text:
        raise Refused(
            "the provider's content filter let nothing of the reply through",
            "/edit asks in other words, /model another model",
        )
    if reason == "tool_calls" and not any_text:
        raise BadReply(
            "the model wanted to call a tool, and said nothing; there are no tools here", AGAIN
        )
    return replace(finish, reason=reason)


def without_a_word(finish: str) -> BadReply:
    """Return the error for a reply that has ended like this before its first word."""
    if finish == "length":
        return BadReply(
            "the reply reached its longest before its first word",
            "/set max_reply N lets it be longer, /model asks another",
        )
    return BadReply("the reply was empty", f"{AGAIN}, /model another")


def told(finish: str) -> Notice | None:
    """Return what there is to say of an ending that no face has words for."""
    if finish == "tool_calls":
        text = "the model wanted to call a tool, and there are none here"
        return Notice(text, "tell it so, or /retry", "warning")
    if finish not in _TOLD_BY_THE_FACE:
        text = f"the reply ended for a reason that is not known here: {finish}"
        return Notice(text, AGAIN, "warning")
    return None

"""What there is to say about how a turn ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chatcli.conversation.events import Notice, TurnFinished
from chatcli.conversation.messages import FAILED, INTERRUPTED

CUT_OFF: Final[Mapping[str, str]] = {
    "length": "cut off: the reply reached its longest; /continue goes on with it",
    "content_filter": "cut off by the provider's content filter; /edit asks in other words",
    INTERRUPTED: "stopped; what came is kept: /continue goes on with it, /retry asks again",
}


def told_of(turn: TurnFinished) -> Notice | None:
    """Return what the user should know of it; None where it went well, or the error tells it."""
    if turn.finish == FAILED:
        return None
    if turn.finish == INTERRUPTED and turn.reply is None:
        return Notice("stopped before anything came: /retry asks again")
    if turn.finish in CUT_OFF:
        return Notice(CUT_OFF[turn.finish], level="warning")
    if turn.reply is None:
        return Notice("the reply was empty", "/retry asks again", "warning")
    return None


def figures(turn: TurnFinished, dot: str) -> str:
    """Return how long a turn took and how fast it was written, in a line; `dot` is between them."""
    told = [f"{turn.seconds:.1f} s"]
    if turn.usage and turn.seconds > (turn.first_token or 0):
        writing = turn.seconds - (turn.first_token or 0)
        told.append(f"{turn.usage.completion_tokens / max(writing, 0.001):.0f} tokens/s")
    return dot.join(told)

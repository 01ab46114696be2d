"""What the toolbar says: who answers, where one is, and what the next request holds and costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chatcli.commands.attach import parts_of
from chatcli.conversation.images import counted
from chatcli.conversation.messages import Usage, now
from chatcli.conversation.session import Session
from chatcli.errors import ChatcliError
from chatcli.providers.prices import Place
from chatcli.terminal.facts import Facts

if TYPE_CHECKING:
    from chatcli.storage.attachments import Attachment

PlaceOf = Callable[[str], Place | None]
"""Finds where a profile's models are asked, None where there is no such profile."""


def outlook(
    session: Session,
    persona: str | None,
    going: Sequence[Attachment],
    draft: str,
    place_of: PlaceOf,
) -> Facts:
    """Return what there is to know before the next question, with `draft` as far as it is written.

    `going` are the files that go along with it.
    """
    files = len(going)
    facts = Facts(
        session.provider.model,
        session.tree.branch,
        session.turn_count,
        persona,
        warnings=(
            *(["NOT SAVED: /save says why"] if session.trouble else []),
            *([f"{files} file{'' if files == 1 else 's'} attached"] if files else []),
        ),
    )
    try:
        plan = session.plan(draft, *parts_of(going))
    except ChatcliError:
        return replace(facts, warnings=(*facts.warnings, "over the budget"))
    left_out = len(plan.left_out())
    return replace(
        facts,
        tokens=plan.tokens,
        budget=plan.limits.budget,
        exact=session.planner.counter.precision == "exact" and not plan.images,
        cost=_cost_of(plan.tokens, session.provider.model, place_of) if draft else "",
        warnings=(
            *facts.warnings,
            *([f"leaves out {left_out}"] if left_out else []),
            *([f"leaves out {counted(plan.unseen)}"] if plan.unseen else []),
        ),
    )


def _cost_of(tokens: int, answering: str, place_of: PlaceOf) -> str:
    """Say what sending so many tokens costs, nothing where that is not known."""
    profile, _, model = answering.partition(":")
    place = place_of(profile)
    if place is None or not model:
        return ""
    from chatcli.commands.bills import dollars
    from chatcli.providers.prices import cost_of

    cost = cost_of(place, model, Usage(tokens, 0), now())
    return dollars(cost) if cost else ""

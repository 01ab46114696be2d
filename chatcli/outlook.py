"""What the toolbar says: who answers, where one is, and what the next request holds and costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chatcli.conversation.messages import Usage, now
from chatcli.conversation.session import Session
from chatcli.errors import ChatcliError
from chatcli.providers.prices import Place
from chatcli.terminal.facts import Facts

PlaceOf = Callable[[str], Place | None]
"""Finds where a profile's models are asked, None where there is no such profile."""


def outlook(
    session: Session, persona: str | None, going: int, draft: str, place_of: PlaceOf
) -> Facts:
    """Return what there is to know before the next question, with `draft` as far as it is written.

    `going` is the number of files that go along with it.
    """
    facts = Facts(
        session.provider.model,
        session.tree.branch,
        session.turn_count,
        persona,
        warnings=(
            *(["NOT SAVED: /save says why"] if session.trouble else []),
            *([f"{going} file{'' if going == 1 else 's'} attached"] if going else []),
        ),
    )
    try:
        plan = session.plan(draft)
    except ChatcliError:
        return replace(facts, warnings=(*facts.warnings, "over the budget"))
    left_out = len(plan.left_out())
    return replace(
        facts,
        tokens=plan.tokens,
        budget=plan.limits.budget,
        exact=session.planner.counter.precision == "exact",
        cost=_cost_of(plan.tokens, session.provider.model, place_of) if draft else "",
        warnings=(*facts.warnings, *([f"leaves out {left_out}"] if left_out else [])),
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

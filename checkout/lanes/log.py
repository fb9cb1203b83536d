"""Writes the log of a lane."""

from __future__ import annotations

from accounts.models import User
from checkout.models import CheckoutSession, Lane, LaneEvent

REASON_MAX = 200


def lane_event_record(
    *,
    lane: Lane,
    kind: LaneEvent.Kind,
    actor: User | None = None,
    session: CheckoutSession | None = None,
    reason: str = "",
) -> LaneEvent:
    """Record what happened at a lane, and who did it: None for the lane itself."""
    return LaneEvent.objects.create(
        lane=lane, kind=kind, actor=actor, session=session, reason=reason[:REASON_MAX]
    )

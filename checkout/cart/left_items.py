"""Finds what is still unresolved in a session, and closes it when the session ends."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from checkout.cart.reasons import CartReason
from checkout.models import CheckoutSession, ScanEvent, Source, UnresolvedItem
from recognition.vision.lane.reasons import Reason


def all_open_items() -> QuerySet[UnresolvedItem]:
    """Return the unresolved items that have no outcome yet, of all sessions, the oldest first."""
    return UnresolvedItem.objects.filter(outcome__isnull=True)


def open_items(*, session_id: UUID) -> QuerySet[UnresolvedItem]:
    """Return the unresolved items of a session that have no outcome yet, the oldest first."""
    return all_open_items().filter(session_id=session_id)


def unresolved_leave(session: CheckoutSession) -> None:
    """Close the open unresolved items of a locked session as left, and record each of them."""
    still_open = open_items(session_id=session.pk)
    left = list(still_open.values_list("pk", flat=True))
    if not left:
        return
    reason = Reason(CartReason.STILL_OPEN).payload()
    ScanEvent.objects.bulk_create(
        ScanEvent(
            session=session,
            action=ScanEvent.Action.DISMISS,
            about_id=unresolved_id,
            source=Source.MANUAL,
            reason=reason,
        )
        for unresolved_id in left
    )
    still_open.update(outcome=UnresolvedItem.Outcome.LEFT, resolved_at=timezone.now())

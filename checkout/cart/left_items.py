"""Closes what was still unresolved when a session ended."""

from __future__ import annotations

from django.utils import timezone

from checkout.cart.reasons import CartReason
from checkout.models import CheckoutSession, ScanEvent, Source, UnresolvedItem
from recognition.vision.lane.reasons import Reason


def unresolved_leave(session: CheckoutSession) -> None:
    """Close the open unresolved items of a locked session as left, and record each of them."""
    open_items = UnresolvedItem.objects.filter(session=session, outcome__isnull=True)
    left = list(open_items.values_list("pk", flat=True))
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
    open_items.update(outcome=UnresolvedItem.Outcome.LEFT, resolved_at=timezone.now())

"""When alerts open and pass by themselves: what happens in the visit of a lane, seen from its lane."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from checkout.cart.announce import lane_cart_changed, lane_visit_ended, staff_missed
from checkout.cart.left_items import open_items
from checkout.lanes.alerts import OF_A_VISIT, OF_OPEN_ITEMS, Kind, alert_open, alerts_pass
from checkout.lanes.announce import staff_announce
from checkout.models import CheckoutSession, Lane, ScanEvent
from checkout.payloads import CartEvent

DISMISSALS_BEFORE_ALERT = 3
"""Unresolved items that a shopper may give up in one visit before staff are called."""


def connect() -> None:
    """Follow the visits of lanes, from the start of the process on."""
    lane_cart_changed.connect(cart_changed)
    lane_visit_ended.connect(visit_ended)
    staff_missed.connect(staff_needed)


def cart_changed(*, lane_id: UUID, session_id: UUID, event: CartEvent, **_: Any) -> None:
    """Show a change on the consoles; call staff after many dismissals; end alerts whose items are settled."""
    lane = Lane.objects.get(pk=lane_id)
    if event["action"] == "dismiss" and dismissals_by_shopper(session_id) >= DISMISSALS_BEFORE_ALERT:
        alert_open(lane=lane, kind=Kind.DISMISSALS, session=CheckoutSession(pk=session_id))
    settles = event["action"] in ("dismiss", "sync") or "about" in event
    if settles and not open_items(session_id=session_id).exists():
        alerts_pass(lane=lane, kinds=OF_OPEN_ITEMS, session_id=session_id)
    staff_announce(store_id=lane.store_id)


def visit_ended(*, lane_id: UUID, session_id: UUID, **_: Any) -> None:
    """Show the end of a visit on the consoles, and end its alerts."""
    lane = Lane.objects.get(pk=lane_id)
    alerts_pass(lane=lane, kinds=OF_A_VISIT, session_id=session_id)
    staff_announce(store_id=lane.store_id)


def staff_needed(*, session_id: UUID, pays: bool, **_: Any) -> None:
    """Call staff to a lane whose shopper was refused what only staff may do."""
    session = CheckoutSession.objects.select_related("lane").filter(pk=session_id).first()
    if session is not None and session.lane is not None:
        kind = Kind.APPROVAL if pays else Kind.UNRESOLVED
        alert_open(lane=session.lane, kind=kind, session=session)


def dismissals_by_shopper(session_id: UUID) -> int:
    """Return how many unresolved items the shopper of a visit gave up."""
    given_up = ScanEvent.objects.filter(session=session_id, action=ScanEvent.Action.DISMISS)
    return given_up.filter(actor__isnull=True).count()

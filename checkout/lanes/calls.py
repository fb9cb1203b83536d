"""What the page of a lane asks for over its socket."""

from __future__ import annotations

from uuid import UUID

from checkout.cart.left_items import open_items
from checkout.errors import UnresolvedNotFound
from checkout.lanes.alerts import alert_open, alerts_pass
from checkout.lanes.announce import lane_page_announce, staff_announce
from checkout.lanes.selectors import lane_session
from checkout.lanes.visits import lane_visit
from checkout.models import Alert, Lane


def page_ready(*, lane_id: UUID) -> UUID:
    """Return the visit that a page shows which has just come.

    Consoles look at the lane anew, and those that watch its camera say so again: the page knows of none.
    """
    lane = _lane(lane_id)
    visit = lane_visit(lane=lane)
    lane_page_announce(store_id=lane.store_id, lane_id=lane_id)
    staff_announce(store_id=lane.store_id)
    return visit.pk


def help_call(*, lane_id: UUID, unresolved_id: UUID | None) -> None:
    """Call staff to a lane: for help, or because of an unresolved item of its visit.

    Raises `UnresolvedNotFound` for an item that is not open in the visit.
    """
    lane = _lane(lane_id)
    visit = lane_session(lane)
    kind = Alert.Kind.HELP
    if unresolved_id is not None:
        if visit is None or not open_items(session_id=visit.pk).filter(pk=unresolved_id).exists():
            raise UnresolvedNotFound(f"There is no open unresolved item {unresolved_id} at this lane.")
        kind = Alert.Kind.UNRESOLVED
    alert_open(lane=lane, kind=kind, session=visit)


def help_cancel(*, lane_id: UUID) -> None:
    """Call staff back: what a shopper asked for has passed."""
    alerts_pass(lane=_lane(lane_id), kinds=[Alert.Kind.HELP, Alert.Kind.UNRESOLVED])


def trouble_tell(*, lane_id: UUID, kind: str) -> None:
    """Call staff because of something that a shopper cannot mend."""
    lane = _lane(lane_id)
    alert_open(lane=lane, kind=kind, session=lane_session(lane))


def _lane(lane_id: UUID) -> Lane:
    return Lane.objects.select_related("store").get(pk=lane_id)

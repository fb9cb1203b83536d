"""What members of staff do at a lane: each change names who made it and, in their words, why."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.db import transaction

from accounts.models import User
from checkout.cart import items, unresolved
from checkout.cart.left_items import open_items
from checkout.cart.scan_events import event_record, staff_cause
from checkout.cart.sessions import session_hold
from checkout.errors import LaneNotFound, NoVisit, SessionNotActive
from checkout.lanes.alerts import alerts_pass
from checkout.lanes.announce import lane_announce, staff_announce
from checkout.lanes.log import lane_event_record
from checkout.lanes.selectors import lane_session
from checkout.lanes.services import lane_settings_change
from checkout.lanes.visits import lane_visit_end
from checkout.models import Alert, CheckoutSession, Lane, LaneEvent, ScanEvent, UnresolvedItem
from checkout.staff.commands import Action

Did = ScanEvent.Action


def lane_get(*, lane_id: UUID, by: User) -> Lane:
    """Return a lane for a member of staff of its store; any other raises `LaneNotFound`."""
    lane = Lane.objects.select_related("store").filter(pk=lane_id).first()
    if lane is None or not by.works_at(lane.store_id):
        raise LaneNotFound(f"Your stores have no lane {lane_id}.", lane_id=str(lane_id))
    return lane


def action_do(*, lane: Lane, by: User, action: Action) -> None:
    """Do what a member of staff wants done at a lane, in its visit as it stands now.

    Each change holds the session as a shopper's does. Raises `LaneNotFound` for a lane of another store,
    `NoVisit` where a cart is to be changed and there is none, and what the services of the cart refuse.
    """
    if not by.works_at(lane.store_id):
        raise LaneNotFound(f"Your stores have no lane {lane.pk}.", lane_id=str(lane.pk))
    match action.name:
        case "cart.set" | "unresolved.resolve" | "unresolved.dismiss":
            _cart_change(lane, by, action)
        case "approve":
            _approve(lane, by, action.why)
        case "reset" | "visit.end":
            _visit_end(lane, by, action)
        case "restart_camera":
            _camera_restart(lane, by, action.why)
        case "open" | "close":
            lane_settings_change(lane=lane, by=by, is_open=action.name == "open")
        case _:
            raise AssertionError(action.name)
    staff_announce(store_id=lane.store_id)


def _cart_change(lane: Lane, by: User, action: Action) -> None:
    visit = _visit_get(lane)
    cause = staff_cause(actor=by, why=action.why)
    if action.name == "cart.set":
        assert action.product_id is not None
        assert action.quantity is not None
        items.item_set(
            session_id=visit.pk, product_id=action.product_id, quantity=action.quantity, cause=cause
        )
        return
    assert action.unresolved_id is not None
    about = {"session_id": visit.pk, "unresolved_id": action.unresolved_id}
    if action.name == "unresolved.dismiss":
        unresolved.unresolved_dismiss(**about, reason=action.outcome, by_staff=True, cause=cause)
    elif action.code is not None:
        unresolved.unresolved_resolve_by_barcode(**about, code=action.code, cause=cause)
    else:
        assert action.product_id is not None
        unresolved.unresolved_resolve(**about, product_id=action.product_id, cause=cause)


def _approve(lane: Lane, by: User, why: str) -> None:
    """Let the shopper pay: what is unresolved is given up by staff, in the same moment."""
    visit = _visit_get(lane)
    with session_hold(visit.pk) as session:
        for unresolved_id in list(open_items(session_id=visit.pk).values_list("pk", flat=True)):
            unresolved.unresolved_dismiss(
                session_id=visit.pk,
                unresolved_id=unresolved_id,
                reason=UnresolvedItem.Outcome.PUT_BACK,
                by_staff=True,
                cause=staff_cause(actor=by, why=why),
            )
        event_record(session, Did.APPROVE, None, 1, staff_cause(actor=by, why=why))
        alerts_pass(lane=lane, kinds=[Alert.Kind.APPROVAL], session_id=visit.pk)
    _command_announce(lane, by, "approved", visit.pk)


def _visit_end(lane: Lane, by: User, action: Action) -> None:
    """End the visit; the device shows the beginning of a new one. A reset is for a device that hangs."""
    is_reset = action.name == "reset"
    with transaction.atomic():
        visit = lane_session(lane)
        if visit is not None:
            did = Did.RESET if is_reset else Did.END
            try:
                with session_hold(visit.pk) as session:
                    event_record(session, did, None, 1, staff_cause(actor=by, why=action.why))
            except SessionNotActive:  # it ended by itself in this moment
                visit = None
        if is_reset:
            lane_event_record(
                lane=lane, kind=LaneEvent.Kind.RESET, actor=by, session=visit, reason=action.why
            )
        new = lane_visit_end(lane=lane, reason=action.why or "staff", actor=by)
    _command_announce(lane, by, "reset", new.pk)


def _camera_restart(lane: Lane, by: User, why: str) -> None:
    visit = lane_session(lane)
    if visit is not None:
        with session_hold(visit.pk) as session:
            event_record(session, Did.CAMERA, None, 1, staff_cause(actor=by, why=why))
    lane_event_record(lane=lane, kind=LaneEvent.Kind.CAMERA, actor=by, session=visit, reason=why)
    _command_announce(lane, by, "restart_camera", None if visit is None else visit.pk)


def _visit_get(lane: Lane) -> CheckoutSession:
    visit = lane_session(lane)
    if visit is None:
        raise NoVisit(lane_id=str(lane.pk))
    return visit


def _command_announce(lane: Lane, by: User, command: str, session_id: UUID | None) -> None:
    notice = {
        "type": "lane.command",
        "command": command,
        "by": by.username,
        "session_id": None if session_id is None else str(session_id),
    }
    transaction.on_commit(partial(lane_announce, lane_id=lane.pk, notice=notice))

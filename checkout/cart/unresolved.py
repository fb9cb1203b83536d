"""Opens unresolved items and gives them their outcome: by the shopper, by staff, or by the camera after all.

Each service reads as those of `items`. An item is added at most once, whoever resolves it at the same time:
everything runs under the lock on the session's row, and closing an item is a conditional update.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from django.conf import settings

from checkout.cart import selectors
from checkout.cart.announce import staff_missed_announce
from checkout.cart.cart_lines import line_add
from checkout.cart.left_items import open_items
from checkout.cart.locks import product_keep
from checkout.cart.reasons import CHOSEN, CartReason, barcode_reason
from checkout.cart.scan_events import Cause, change_record, event_record, is_recorded
from checkout.cart.sessions import session_hold
from checkout.cart.unresolved_items import unresolved_close, unresolved_count, unresolved_find
from checkout.errors import AlreadyResolved, StaffNeeded
from checkout.models import ScanEvent, Source, UnresolvedItem
from checkout.payloads import CartEvent
from recognition.vision.lane.reasons import Reason

Action = ScanEvent.Action
Kind, Outcome = UnresolvedItem.Kind, UnresolvedItem.Outcome
OPEN_MAX = 50
UNRESOLVED_MAX = 500
"""Open items of a session, and all that it ever had, each with a picture. Beyond the first, items are
recorded without a line in the cart; beyond the second they are not recorded, as a camera left running must
not fill the disk."""
CHOICES_MAX = 6
DISMISSALS = {Outcome.PUT_BACK: CartReason.PUT_BACK, Outcome.NOT_MINE: CartReason.NOT_MINE}


def unresolved_open(
    *, session_id: UUID, kind: str, track: int | None, choices: Collection[str], cause: Cause
) -> CartEvent | None:
    """Open an unresolved item, whose id is that of its cause; once, however often it is asked for.

    None where that was done before, and where the session has as many as it may.
    """
    with session_hold(session_id) as session:
        recorded = ScanEvent.objects.filter(session=session, action=Action.UNRESOLVED)
        if is_recorded(cause) or recorded.count() >= UNRESOLVED_MAX:
            return None
        if open_items(session_id=session_id).count() >= OPEN_MAX:
            event_record(session, Action.UNRESOLVED, None, 1, cause)
            return None
        event = change_record(session, Action.UNRESOLVED, None, 1, cause, unresolved_id=cause.event_id)
        UnresolvedItem.objects.create(
            event_id=cause.event_id,
            session=session,
            kind=Kind(kind),
            track=track,
            choices=list(choices)[:CHOICES_MAX],
        )
        return event


def unresolved_resolve(
    *, session_id: UUID, unresolved_id: UUID, product_id: UUID, cause: Cause | None = None
) -> CartEvent:
    """Add an unresolved item to the cart as the product that the shopper, or the cause's actor, named; once.

    Raises `AlreadyResolved` for an item that has an outcome; what is refused leaves it open.
    """
    cause = cause or Cause(source=Source.MANUAL, reason=CHOSEN)
    return _resolve(session_id, unresolved_id, product_id, cause)


def unresolved_resolve_by_barcode(
    *, session_id: UUID, unresolved_id: UUID, code: str, cause: Cause | None = None
) -> CartEvent:
    """Add an unresolved item to the cart as the product with a barcode, once; as `unresolved_resolve`."""
    product = selectors.product_by_barcode(code=code)
    cause = cause or Cause(reason=barcode_reason(str(product.barcode)))
    cause = replace(cause, source=Source.BARCODE)
    return _resolve(session_id, unresolved_id, product.pk, cause)


def unresolved_count_sighting(
    *, session_id: UUID, unresolved_id: UUID, product_id: UUID, cause: Cause
) -> CartEvent | None:
    """Add an item that the lane counted after it had reported it unresolved: found again, or answered.

    Where the shopper resolved it meanwhile it is in the cart already: None, or `AlreadyResolved` for an
    answer, whose shopper has to know. One given up meanwhile was there after all, and is added.
    """
    with session_hold(session_id) as session:
        if is_recorded(cause):
            return None
        product = product_keep(product_id=product_id)
        item = UnresolvedItem.objects.filter(session=session, pk=unresolved_id).first()
        if item is not None:
            if not unresolved_count(item, product):
                if cause.reason == CHOSEN:
                    raise AlreadyResolved(id=str(unresolved_id))
                return None
            cause = replace(cause, about_id=unresolved_id)
        line_add(session, product, 1, cause.source, [] if cause.score is None else [cause.score])
        return change_record(session, Action.ADD, product, 1, cause)


def unresolved_settle(*, session_id: UUID, unresolved_id: UUID, cause: Cause) -> CartEvent | None:
    """Close an open item that the lane counted or saw taken away after all; one that is not open stays."""
    with session_hold(session_id) as session:
        item = UnresolvedItem.objects.filter(session=session, pk=unresolved_id).first()
        if item is None or not unresolved_close(item, Outcome.SETTLED):
            return None
        cause = replace(cause, about_id=unresolved_id)
        return change_record(session, Action.SETTLE, None, 1, cause, unresolved_id=unresolved_id)


def unresolved_dismiss(
    *,
    session_id: UUID,
    unresolved_id: UUID,
    reason: str,
    by_staff: bool = False,
    cause: Cause | None = None,
) -> CartEvent:
    """Give an unresolved item up, because it was put back or is not the shopper's; once.

    Raises `StaffNeeded` where shoppers may not, `AlreadyResolved` for an item that has an outcome.
    """
    if not (by_staff or settings.SHOPPER_DISMISSES):
        staff_missed_announce(session_id=session_id, pays=False)
        raise StaffNeeded(id=str(unresolved_id))
    outcome = Outcome(reason)
    cause = cause or Cause(source=Source.MANUAL, reason=Reason(DISMISSALS[outcome]))
    cause = replace(cause, about_id=unresolved_id)
    with session_hold(session_id) as session:
        if not unresolved_close(unresolved_find(session, unresolved_id), outcome):
            raise AlreadyResolved(id=str(unresolved_id))
        return change_record(session, Action.DISMISS, None, 1, cause, unresolved_id=unresolved_id)


def _resolve(session_id: UUID, unresolved_id: UUID, product_id: UUID, cause: Cause) -> CartEvent:
    with session_hold(session_id) as session:
        item = unresolved_find(session, unresolved_id)
        product = product_keep(product_id=product_id)
        if not unresolved_close(item, Outcome.ADDED, product):
            raise AlreadyResolved(id=str(unresolved_id))
        line_add(session, product, 1, cause.source)
        return change_record(session, Action.ADD, product, 1, replace(cause, about_id=unresolved_id))

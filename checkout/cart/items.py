"""Puts items into the cart and takes them out; records questions and unknown items.

Each service reads the same way: hold the session, return where this change was made before, change the lines,
record the change, which announces it. Changes of one cart queue up behind the lock on its session.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from checkout.cart.cart_lines import line_add, line_remove, line_set
from checkout.cart.locks import product_keep
from checkout.cart.reasons import CartReason
from checkout.cart.scan_events import Cause, change_record, event_record, is_recorded
from checkout.cart.sessions import session_hold
from checkout.models import ScanEvent, Source
from checkout.payloads import CartEvent
from recognition.vision.lane.reasons import Reason

Action = ScanEvent.Action
# Questions and unknown items are stored with a picture; a camera left running must not fill the disk.
NOTES_MAX = 500
NOTES = (Action.QUESTION, Action.UNKNOWN, Action.ANSWER)


def item_add(*, session_id: UUID, product_id: UUID, cause: Cause, quantity: int = 1) -> CartEvent | None:
    """Put pieces of a product into the cart; return what changed. The score enters the mean of the line.

    None means that this very change was made before: after a lost answer the caller asks again with the same
    cause.
    """
    with session_hold(session_id) as session:
        if is_recorded(cause):
            return None
        product = product_keep(product_id=product_id)
        line_add(session, product, quantity, cause.source, [] if cause.score is None else [cause.score])
        return change_record(session, Action.ADD, product, quantity, cause)


def item_remove(*, session_id: UUID, product_id: UUID, cause: Cause, quantity: int = 1) -> CartEvent | None:
    """Take pieces out of the cart, as many as are there; return what changed, None for nothing."""
    with session_hold(session_id) as session:
        if is_recorded(cause):
            return None
        removed = line_remove(session, product_id, quantity)
        if removed is None:
            return None
        return change_record(session, Action.REMOVE, *removed, cause)


def item_set(
    *, session_id: UUID, product_id: UUID, quantity: int, cause: Cause | None = None
) -> CartEvent | None:
    """Set how many pieces of a product are in the cart, 0 taking the line out; return what changed.

    Without a cause the shopper does so by hand. A product withdrawn from sale can be lowered and taken out,
    but no more of it put in.
    """
    with session_hold(session_id) as session:
        product, difference = line_set(session, product_id, quantity)
        if difference == 0:
            return None
        action = Action.ADD if difference > 0 else Action.REMOVE
        cause = cause or Cause(source=Source.MANUAL, reason=Reason(CartReason.SET_BY_HAND))
        return change_record(session, action, product, abs(difference), cause)


def scan_note(
    *, session_id: UUID, action: ScanEvent.Action, cause: Cause, product_id: UUID | None = None
) -> None:
    """Record a question, its answer, or an unknown item; none of them changes the cart.

    A session keeps a bounded number; an answer to a question that was not kept is about nothing.
    """
    with session_hold(session_id) as session:
        notes = ScanEvent.objects.filter(session=session, action__in=NOTES)
        if is_recorded(cause) or notes.count() >= NOTES_MAX:
            return
        if cause.about_id is not None and not notes.filter(pk=cause.about_id).exists():
            cause = replace(cause, about_id=None)
        product = None if product_id is None else product_keep(product_id=product_id)
        event_record(session, action, product, 1, cause)

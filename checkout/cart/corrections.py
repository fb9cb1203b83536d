"""Corrects and undoes changes of a cart: for the shopper, for items that left the view, and for barcodes.

Each service reads the same way: hold the session, return or refuse where this was done before, change the
lines, record the change, which announces it. A change is taken back at most once: all of this runs under the
lock on the session's row, backed by a constraint (one undo for each event).
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from catalog.models import Product
from checkout.cart.cart_lines import line_add, line_remove, line_restore
from checkout.cart.locks import product_keep
from checkout.cart.reasons import CartReason
from checkout.cart.scan_events import Cause, change_record, event_record, is_recorded
from checkout.cart.sessions import session_hold
from checkout.cart.undoable_changes import (
    addition_resolving,
    addition_to_correct,
    additions_standing,
    change_find,
    change_get,
    pieces_standing,
    product_added_as,
)
from checkout.cart.unresolved_items import unresolved_reopen
from checkout.errors import AlreadyUndone, ItemNotInCart, NothingToUndo
from checkout.models import CheckoutSession, ScanEvent, Source
from checkout.payloads import CartEvent
from recognition.vision.lane.reasons import Reason

Action = ScanEvent.Action
# Pictures of disagreements are kept for the shop keeper; a camera left running must not fill the disk.
DISAGREEMENTS_MAX = 100


def item_correct(
    *,
    session_id: UUID,
    product_id: UUID,
    instead_id: UUID | None = None,
    about_id: UUID | None = None,
    cause: Cause | None = None,
) -> CartEvent | None:
    """Take out one piece of a product that was counted wrongly, and put in one of another, if one is named.

    `about_id` names the addition that was wrong; without it, it is the latest that still stands. A named one
    is corrected as often as it added pieces, whoever asks at the same time. None means that this very change
    was made before.
    """
    cause = cause or Cause(source=Source.MANUAL, reason=Reason(CartReason.CORRECTED))
    with session_hold(session_id) as session:
        if is_recorded(cause):
            return None
        instead = None if instead_id is None else product_keep(product_id=instead_id)
        addition = addition_to_correct(session, product_id, about_id)
        event = _piece_exchange(session, product_id, instead, addition, cause)
        if event is None:
            raise ItemNotInCart(product_id=str(product_id))
        return event


def change_undo(*, session_id: UUID, event_id: UUID) -> CartEvent:
    """Undo a change of the cart, once, whoever asks at the same time.

    Where the line changed meanwhile, as many pieces are taken out as are there; with none left there is
    nothing to undo. Pieces that were taken out come back only while their product is on sale. An unresolved
    item whose addition is undone is open again.
    """
    with session_hold(session_id) as session:
        change = change_get(session, event_id)
        pieces = pieces_standing(change)
        if not pieces:
            raise AlreadyUndone(event_id=str(event_id))
        product, other = change.product, change.other_product
        assert product is not None
        if change.action == Action.ADD:
            removed = line_remove(session, product.pk, pieces, change.score)
            if removed is None:
                raise NothingToUndo(event_id=str(event_id))
            pieces = removed[1]
            unresolved_reopen(session, change.about_id)
        else:
            product = product_keep(product_id=product.pk)
            if other is not None:
                other = product_keep(product_id=other.pk)
                line_remove(session, other.pk, pieces)
            line_restore(session, product, pieces, additions_standing(session, product.pk))
        reason = Reason(CartReason(f"{change.action}_undone"))
        cause = Cause(source=Source.MANUAL, reason=reason, about_id=event_id)
        return change_record(session, Action.UNDO, product, pieces, cause, other=other)


def sighting_remove(
    *,
    session_id: UUID,
    added_id: UUID,
    product_id: UUID,
    cause: Cause,
    unresolved_id: UUID | None = None,
) -> CartEvent | None:
    """Take an item out of the cart that was counted when it came into view and has left it.

    Where the shopper corrected it in between, the product it was corrected to is taken out; where it was
    undone or corrected away, it is no longer in the cart and nothing happens. Where the shopper had resolved
    it (`unresolved_id`) before it was counted, that is its addition.
    """
    with session_hold(session_id) as session:
        if is_recorded(cause):
            return None
        addition = change_find(session, added_id) or addition_resolving(session, unresolved_id)
        counted_id = product_id if addition is None else product_added_as(addition)
        removed = None if counted_id is None else line_remove(session, counted_id, 1)
        if removed is None:
            return None
        return change_record(session, Action.REMOVE, *removed, cause)


def disagreement_resolve(
    *,
    session_id: UUID,
    counted_id: UUID | None,
    product_id: UUID,
    pictured_id: UUID,
    cause: Cause,
    unresolved_id: UUID | None = None,
) -> CartEvent | None:
    """Record that a barcode names another product than the picture did, and believe the barcode.

    Parameters
    ----------
    counted_id : the addition by the picture, None where nothing was counted yet
    product_id : what the barcode names
    pictured_id : what the picture was taken for
    cause : of the record, or of the correction where no more records are kept; happens once
    unresolved_id : of an item reported unresolved, which the shopper may have resolved before it was counted

    Returns
    -------
    CartEvent or None
        The correction of the cart; None where the shopper undid or corrected the addition meanwhile, where
        there was none, and where all this had happened before.
    """
    with session_hold(session_id) as session:
        if is_recorded(cause):
            return None
        product, pictured = product_keep(product_id=product_id), product_keep(product_id=pictured_id)
        addition = change_find(session, counted_id) if counted_id else None
        addition = addition or addition_resolving(session, unresolved_id)
        if ScanEvent.objects.filter(session=session, action=Action.DISAGREE).count() < DISAGREEMENTS_MAX:
            record = replace(cause, about_id=addition.pk if addition else None)
            event_record(session, Action.DISAGREE, product, 1, record, other=pictured)
            cause = replace(cause, event_id=uuid4())
        if counted_id is None:
            return None
        if addition is None:  # the picture's product was refused, as one that is not for sale
            line_add(session, product, 1, cause.source)
            return change_record(session, Action.ADD, product, 1, cause)
        counted_as = addition.product_id
        if counted_as is None or counted_as == product.pk or not pieces_standing(addition):
            return None
        return _piece_exchange(session, counted_as, product, addition, cause)


def _piece_exchange(
    session: CheckoutSession,
    product_id: UUID,
    instead: Product | None,
    addition: ScanEvent | None,
    cause: Cause,
) -> CartEvent | None:
    """Take one piece out and put one of another product in; None where the cart has no such line."""
    removed = line_remove(session, product_id, 1, None if addition is None else addition.score)
    if removed is None:
        return None
    if instead is not None:
        line_add(session, instead, 1, cause.source)
    cause = replace(cause, about_id=None if addition is None else addition.pk)
    return change_record(session, Action.CORRECT, *removed, cause, other=instead)

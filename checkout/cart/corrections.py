"""Takes changes of a cart back: the shopper's corrections and undoing, and barcodes that know better.

A change is taken back at most once: all of this runs under the lock on the session's row, and a constraint
(one undoing for each event) stands behind it.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from catalog.models import Product
from checkout.cart import cart_lines, scan_events, sessions
from checkout.cart.reasons import CartReason
from checkout.cart.scan_events import Cause
from checkout.errors import AlreadyUndone, ChangeUnknown, ItemNotInCart, NothingToUndo
from checkout.models import CheckoutSession, ScanEvent, Source
from checkout.payloads import CartEvent
from recognition.vision.lane.reasons import Reason

Action = ScanEvent.Action
UNDOABLE = (Action.ADD, Action.REMOVE, Action.CORRECT)
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
    """Take one piece of a product off that it was not, and put one of another in, if that is known.

    The addition that was wrong may be named; else it is the latest that still stands. A named one is
    corrected as often as it added pieces, whoever asks at the same time. None says that this very change had
    happened already.
    """
    cause = cause or Cause(source=Source.MANUAL, reason=Reason(CartReason.CORRECTED))
    with sessions.session_active(session_id) as session:
        if scan_events.happened(cause):
            return None
        instead = None if instead_id is None else cart_lines.product_get(instead_id)
        if about_id is None:
            added = _additions_standing(session, product_id).first()
        else:
            added = _change_get(session, about_id)
            if added.action != Action.ADD or added.product_id != product_id:
                raise ChangeUnknown(f"Change {about_id} did not add this product.", event_id=str(about_id))
            if not _pieces_standing(added):
                raise AlreadyUndone(event_id=str(about_id))
        return _correct(session, product_id, instead, added, cause)


def change_undo(*, session_id: UUID, event_id: UUID) -> CartEvent:
    """Take a change of the cart back, once, whoever asks at the same time.

    Where the line changed meanwhile, as many pieces are taken out as are there; with none left there is
    nothing to undo. Pieces that were taken out come back only while their product is on sale.
    """
    with sessions.session_active(session_id) as session:
        event = _change_get(session, event_id)
        assert event.product is not None
        pieces = _pieces_standing(event)
        if not pieces:
            raise AlreadyUndone(event_id=str(event_id))
        if event.action == Action.ADD:
            pieces = _take(session, event.product, pieces, event.score)
            if not pieces:
                raise NothingToUndo(event_id=str(event_id))
        elif event.action == Action.REMOVE:
            _put_back(session, event.product, pieces)
        else:
            if event.other_product is not None:
                _take(session, event.other_product, 1)
            _put_back(session, event.product, 1)
        cause = Cause(
            source=Source.MANUAL, reason=Reason(CartReason(f"{event.action}_undone")), about_id=event_id
        )
        return scan_events.changed(
            session, event.product, Action.UNDO, pieces, cause, other=event.other_product
        )


def sighting_take_back(
    *, session_id: UUID, added_id: UUID, product_id: UUID, cause: Cause
) -> CartEvent | None:
    """Take an item out of the cart that was counted when it came into view and has left it.

    What the shopper corrected in between is taken out as what it was corrected to; what was undone or
    corrected away is in the cart no more, and nothing happens.
    """
    with sessions.session_active(session_id) as session:
        if scan_events.happened(cause):
            return None
        added = _changes(session).filter(pk=added_id).first()
        if added is not None and not _pieces_standing(added):
            correction = _standing_corrections().filter(about=added).first()
            if correction is None or correction.other_product_id is None:
                return None
            product_id = correction.other_product_id
        item = cart_lines.line_get(session, product_id)
        if item is None:
            return None
        cart_lines.line_take(item, 1)
        return scan_events.changed(session, item.product, Action.REMOVE, 1, cause)


def disagreement_settle(
    *, session_id: UUID, counted_id: UUID | None, product_id: UUID, pictured_id: UUID, cause: Cause
) -> CartEvent | None:
    """Record that a barcode names another product than the picture did, and believe the barcode.

    Parameters
    ----------
    counted_id : the addition by the picture, None where nothing was counted yet
    product_id : what the barcode names
    pictured_id : what the picture was taken for
    cause : of the record, or of the correction where no more records are kept; happens once

    Returns
    -------
    CartEvent or None
        The correction of the cart; None where the shopper took the addition back or corrected it meanwhile,
        where there was none, and where all this had happened before.
    """
    with sessions.session_active(session_id) as session:
        if scan_events.happened(cause):
            return None
        product, pictured = cart_lines.product_get(product_id), cart_lines.product_get(pictured_id)
        added = _changes(session).filter(pk=counted_id).first() if counted_id else None
        if ScanEvent.objects.filter(session=session, action=Action.DISAGREE).count() < DISAGREEMENTS_MAX:
            record = replace(cause, about_id=added.pk if added else None)
            scan_events.event_record(session, product, Action.DISAGREE, 1, record, other=pictured)
            cause = replace(cause, event_id=uuid4())
        if counted_id is None:
            return None
        if added is None:  # the picture's product was refused, as one that is not for sale
            cart_lines.line_put(session, product, 1, cause.source)
            return scan_events.changed(session, product, Action.ADD, 1, cause)
        if not _pieces_standing(added) or cart_lines.line_get(session, pictured_id) is None:
            return None
        return _correct(session, pictured_id, product, added, cause)


def _correct(
    session: CheckoutSession,
    product_id: UUID,
    instead: Product | None,
    added: ScanEvent | None,
    cause: Cause,
) -> CartEvent:
    item = cart_lines.line_get(session, product_id)
    if item is None:
        raise ItemNotInCart(product_id=str(product_id))
    cart_lines.line_take(item, 1, None if added is None else added.score)
    if instead is not None:
        cart_lines.line_put(session, instead, 1, cause.source)
    cause = replace(cause, about_id=None if added is None else added.pk)
    return scan_events.changed(session, item.product, Action.CORRECT, 1, cause, other=instead)


def _changes(session: CheckoutSession) -> QuerySet[ScanEvent]:
    """Return the changes that can be taken back; rows are not locked, as the session's row is."""
    return ScanEvent.objects.filter(
        session=session, action__in=UNDOABLE, product__isnull=False
    ).select_related("product", "other_product")


def _change_get(session: CheckoutSession, event_id: UUID) -> ScanEvent:
    event = _changes(session).filter(pk=event_id).first()
    if event is None:
        raise ChangeUnknown(f"Change {event_id} is none that can be taken back.", event_id=str(event_id))
    return event


def _standing_corrections() -> QuerySet[ScanEvent]:
    """Return the corrections that were not undone."""
    undone = ScanEvent.objects.filter(about=OuterRef("pk"), action=Action.UNDO)
    return ScanEvent.objects.filter(~Exists(undone), action=Action.CORRECT)


def _pieces_standing(event: ScanEvent) -> int:
    """Return how many pieces of a change were neither undone nor corrected."""
    if ScanEvent.objects.filter(about=event, action=Action.UNDO).exists():
        return 0
    return event.quantity - _standing_corrections().filter(about=event).count()


def _additions_standing(session: CheckoutSession, product_id: UUID) -> QuerySet[ScanEvent]:
    """Return the additions of a product of which any piece stands, the newest first."""
    undone = ScanEvent.objects.filter(about=OuterRef("pk"), action=Action.UNDO)
    corrections = _standing_corrections().filter(about=OuterRef("pk")).order_by().values("about")
    corrected = Coalesce(Subquery(corrections.annotate(number=Count("pk")).values("number")), 0)
    return (
        _changes(session)
        .filter(~Exists(undone), action=Action.ADD, product_id=product_id, quantity__gt=corrected)
        .order_by("-created_at", "-id")
    )


def _take(session: CheckoutSession, product: Product, quantity: int, score: float | None = None) -> int:
    item = cart_lines.line_get(session, product.pk)
    return 0 if item is None else cart_lines.line_take(item, quantity, score)


def _put_back(session: CheckoutSession, product: Product, quantity: int) -> None:
    """Put pieces back; a line that was gone comes back as what it was, with the scores that led to it."""
    if cart_lines.line_get(session, product.pk) is not None:
        cart_lines.line_put(session, product, quantity, Source.MANUAL)
        return
    added = list(_additions_standing(session, product.pk)[:quantity])
    source = Source(added[0].source) if added else Source.MANUAL
    item = cart_lines.line_put(session, product, quantity, source)
    scores = [event.score for event in added if event.score is not None]
    for score in scores:
        cart_lines.score_count(item, score)
    if scores:
        item.save()

"""Changes sessions and carts; every change holds the lock on its session: changes of one cart queue up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.models import Product
from checkout import announce, selectors
from checkout.errors import (
    CartEmpty,
    ItemsNotForSale,
    ItemsWithoutPrice,
    ProductNotFound,
    QuantityOutOfRange,
    SessionNotActive,
    SessionNotFound,
)
from checkout.locks import sessions_for_update
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from checkout.payloads import CartEvent
from orders.models import Order
from orders.services import order_place

QUANTITY_MAX = 999
# Writing the time of every single touch would be a write for each; this is how old it may get.
TOUCH_EVERY = timedelta(seconds=15)
# Questions and unknown items are stored with a picture; a camera left running must not fill the disk.
NOTES_MAX = 500


@dataclass(frozen=True)
class Cause:
    """What led to a change, kept with it.

    Attributes
    ----------
    score : similarity of the match, -1..1; None where nothing was matched
    margin : distance to the second best product
    thumbnail : small JPEG of the item
    event_id : the change happens once however often it is asked for under this id
    """

    source: Source = Source.VISION
    score: float | None = None
    margin: float | None = None
    thumbnail: bytes | None = None
    reason: str = ""
    event_id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True)
class Confirmation:
    """The order of a session, and whether this call made it."""

    order: Order
    created: bool


def session_start(*, user: User) -> CheckoutSession:
    """Begin a visit with an empty cart; one shopper may have several."""
    return CheckoutSession.objects.create(user=user)


def session_cancel(*, session_id: UUID) -> None:
    """End a visit without an order; doing it again changes nothing, a completed one is refused."""
    with transaction.atomic():
        session = _session_lock(session_id)
        if session.status == CheckoutSession.Status.COMPLETED:
            raise SessionNotActive(session_id=session_id, session_status=session.status)
        if session.status == CheckoutSession.Status.ACTIVE:
            _session_end(session, CheckoutSession.Status.EXPIRED)


def session_touch(*, session_id: UUID) -> None:
    """Note that the shopper is there; written only when the time stored is getting old."""
    now = timezone.now()
    CheckoutSession.objects.filter(
        pk=session_id, status=CheckoutSession.Status.ACTIVE, last_active__lt=now - TOUCH_EVERY
    ).update(last_active=now)


def session_expire_if_idle(*, session_id: UUID) -> bool:
    """End the session if it was idle for too long, judged under its lock; tell whether it was."""
    with transaction.atomic():
        session = _session_lock(session_id)
        if not _is_idle(session):
            return False
        _session_end(session, CheckoutSession.Status.EXPIRED)
        return True


def session_current(*, session: CheckoutSession) -> CheckoutSession:
    """Return a session that was just read as it stands now: ended, if it was idle for too long."""
    if session.last_active < idle_since() and session_expire_if_idle(session_id=session.pk):
        session.refresh_from_db()
    return session


def sessions_expire() -> int:
    """End every session that was idle for too long and return how many; safe to run anywhere, at any time."""
    idle = CheckoutSession.objects.filter(
        status=CheckoutSession.Status.ACTIVE, last_active__lt=idle_since()
    ).values_list("pk", flat=True)
    return sum(session_expire_if_idle(session_id=session_id) for session_id in list(idle))


def item_add(*, session_id: UUID, product_id: UUID, cause: Cause, quantity: int = 1) -> CartEvent | None:
    """Put pieces of a product into the cart; return what changed.

    None says that this very change had happened already: after a lost answer the caller asks again with
    the same cause. A score enters the mean of the line.
    """
    with _session_active(session_id) as session:
        if _happened(cause):
            return None
        product = product_get(product_id)
        if not product.is_active:
            raise ItemsNotForSale([_named(product)])
        item = BillingItem.objects.filter(session=session, product=product).first() or BillingItem(
            session=session, product=product, quantity=0, source=cause.source
        )
        _quantity_check(item.quantity + quantity, product)
        if cause.score is not None:
            _score_count(item, cause.score)
        _quantity_write(item, item.quantity + quantity)
        return _changed(session, product, quantity, cause)


def item_remove(*, session_id: UUID, product_id: UUID, cause: Cause, quantity: int = 1) -> CartEvent | None:
    """Take pieces out of the cart, as many as are there; return what changed, None for nothing."""
    with _session_active(session_id) as session:
        item = BillingItem.objects.filter(session=session, product_id=product_id).first()
        if item is None or _happened(cause):
            return None
        removed = min(quantity, item.quantity)
        _quantity_write(item, item.quantity - removed)
        return _changed(session, item.product, -removed, cause)


def item_set(*, session_id: UUID, product_id: UUID, quantity: int) -> CartEvent | None:
    """Set how many pieces of a product are in the cart, 0 taking the line out; return what changed.

    A product withdrawn from sale can be lowered and taken out, but no more of it put in.
    """
    with _session_active(session_id) as session:
        item = BillingItem.objects.filter(session=session, product_id=product_id).first()
        product = item.product if item is not None else product_get(product_id)
        _quantity_check(quantity, product)
        difference = quantity - (item.quantity if item is not None else 0)
        if difference == 0:
            return None
        if difference > 0 and not product.is_active:
            raise ItemsNotForSale([_named(product)])
        item = item or BillingItem(session=session, product=product, source=Source.MANUAL)
        _quantity_write(item, quantity)
        return _changed(session, product, difference, Cause(source=Source.MANUAL, reason="set by hand"))


def scan_note(*, session_id: UUID, action: ScanEvent.Action, cause: Cause) -> None:
    """Record a question or an unknown item, which change no cart; a session keeps a bounded number."""
    with _session_active(session_id) as session:
        notes = ScanEvent.objects.filter(
            session=session, action__in=[ScanEvent.Action.QUESTION, ScanEvent.Action.UNKNOWN]
        )
        if not _happened(cause) and notes.count() < NOTES_MAX:
            _event_record(session, None, action, 1, cause)


def session_confirm(*, session_id: UUID) -> Confirmation:
    """Turn an active session into an order, exactly once.

    The session row stays locked until commit, so a double tap places one order, the second caller gets
    the same one, and nothing gets into the cart between its being counted and its being sold.
    """
    session_expire_if_idle(session_id=session_id)
    with transaction.atomic():
        session = _session_lock(session_id)
        if session.status == CheckoutSession.Status.COMPLETED:
            return Confirmation(order=session.order, created=False)
        _active_check(session)
        items = list(selectors.billing_items(session_id=session_id))
        _sellable_check([item.product for item in items])
        order = order_place(
            user_id=session.user_id,
            session_id=session.pk,
            lines=selectors.order_lines(items),
            currency=settings.CURRENCY,
        )
        _session_end(session, CheckoutSession.Status.COMPLETED)
        return Confirmation(order=order, created=True)


def product_get(product_id: UUID) -> Product:
    """Return a product, on sale or not."""
    try:
        return Product.objects.get(pk=product_id)
    except Product.DoesNotExist:
        raise ProductNotFound(f"There is no product {product_id}.", product_id=str(product_id)) from None


def idle_since() -> datetime:
    """Return the time before which an active session counts as abandoned."""
    return timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def _session_lock(session_id: UUID) -> CheckoutSession:
    try:
        return sessions_for_update().get(pk=session_id)
    except CheckoutSession.DoesNotExist:
        raise SessionNotFound(f"There is no checkout session {session_id}.") from None


@contextmanager
def _session_active(session_id: UUID) -> Iterator[CheckoutSession]:
    """Hold the lock on an active session for one transaction; an abandoned one ends here and is refused."""
    with transaction.atomic():
        session = _session_lock(session_id)
        if not _is_idle(session):
            _active_check(session)
            yield session
            return
        _session_end(session, CheckoutSession.Status.EXPIRED)
    _active_check(session)


def _active_check(session: CheckoutSession) -> None:
    if session.status != CheckoutSession.Status.ACTIVE:
        raise SessionNotActive(session_id=session.pk, session_status=session.status)


def _is_idle(session: CheckoutSession) -> bool:
    return session.status == CheckoutSession.Status.ACTIVE and session.last_active < idle_since()


def _session_end(session: CheckoutSession, status: CheckoutSession.Status) -> None:
    session.status = status
    session.save(update_fields=["status"])
    transaction.on_commit(partial(announce.session_closed_announce, session_id=session.pk))


def _happened(cause: Cause) -> bool:
    return ScanEvent.objects.filter(pk=cause.event_id).exists()


def _named(product: Product) -> dict[str, str]:
    return {"product_id": str(product.pk), "name": product.name}


def _sellable_check(products: list[Product]) -> None:
    if not products:
        raise CartEmpty
    if withdrawn := [product for product in products if not product.is_active]:
        raise ItemsNotForSale([_named(product) for product in withdrawn])
    unpriced = [product for product in products if product.price is None]
    if unpriced and len(unpriced) < len(products):
        raise ItemsWithoutPrice([_named(product) for product in unpriced])


def _quantity_check(quantity: int, product: Product) -> None:
    if not 0 <= quantity <= QUANTITY_MAX:
        raise QuantityOutOfRange(maximum=QUANTITY_MAX, product_id=str(product.pk))


def _quantity_write(item: BillingItem, quantity: int) -> None:
    if quantity == 0:
        item.delete()
    else:
        item.quantity = quantity
        item.save()


def _score_count(item: BillingItem, score: float) -> None:
    """Let one more accepted similarity into the mean; a line added by hand and then seen counts as seen."""
    clipped = Decimal(str(round(min(1.0, max(-1.0, score)), 6)))
    total = (item.avg_score or Decimal(0)) * item.score_count + clipped
    item.score_count += 1
    item.avg_score = round(total / item.score_count, 6)
    item.source = Source.VISION


def _changed(session: CheckoutSession, product: Product, difference: int, cause: Cause) -> CartEvent:
    """Record a change of the cart and have it announced once it is committed."""
    action = ScanEvent.Action.ADD if difference > 0 else ScanEvent.Action.REMOVE
    _event_record(session, product, action, abs(difference), cause)
    if session.last_active < timezone.now() - TOUCH_EVERY:
        session.last_active = timezone.now()
        session.save(update_fields=["last_active"])
    event: CartEvent = {
        "id": str(cause.event_id),
        "action": "add" if difference > 0 else "remove",
        "product_id": str(product.pk),
        "name": product.name,
        "quantity": abs(difference),
        "source": cause.source.value,
    }
    transaction.on_commit(partial(announce.cart_announce, session_id=session.pk, event=event))
    return event


def _event_record(
    session: CheckoutSession, product: Product | None, action: ScanEvent.Action, quantity: int, cause: Cause
) -> None:
    ScanEvent.objects.create(
        id=cause.event_id,
        session=session,
        product=product,
        action=action,
        quantity=quantity,
        score=cause.score,
        margin=cause.margin,
        source=cause.source,
        reason=cause.reason[:200],
        thumbnail=cause.thumbnail,
    )

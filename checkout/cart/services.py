"""Changes sessions and carts; every change holds the lock on its session: changes of one cart queue up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.models import Product
from checkout.cart import cart_lines, scan_events, selectors, sessions
from checkout.cart.reasons import CartReason
from checkout.cart.scan_events import Cause
from checkout.errors import CartEmpty, ItemsNotForSale, ItemsWithoutPrice, SessionNotActive
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from checkout.payloads import CartEvent
from orders.models import Order
from orders.services import order_place
from recognition.vision.lane.reasons import Reason

# Questions and unknown items are stored with a picture; a camera left running must not fill the disk.
NOTES_MAX = 500
NOTED = (ScanEvent.Action.QUESTION, ScanEvent.Action.UNKNOWN, ScanEvent.Action.ANSWER)


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
        session = sessions.session_lock(session_id)
        if session.status == CheckoutSession.Status.COMPLETED:
            raise SessionNotActive(session_id=session_id, session_status=session.status)
        if session.status == CheckoutSession.Status.ACTIVE:
            sessions.session_end(session, CheckoutSession.Status.EXPIRED)


def session_touch(*, session_id: UUID) -> None:
    """Note that the shopper is there; written only when the time stored is getting old."""
    now = timezone.now()
    CheckoutSession.objects.filter(
        pk=session_id, status=CheckoutSession.Status.ACTIVE, last_active__lt=now - sessions.TOUCH_EVERY
    ).update(last_active=now)


def session_expire_if_idle(*, session_id: UUID) -> bool:
    """End the session if it was idle for too long, judged under its lock; tell whether it was."""
    with transaction.atomic():
        session = sessions.session_lock(session_id)
        if not sessions.is_idle(session):
            return False
        sessions.session_end(session, CheckoutSession.Status.EXPIRED)
        return True


def session_current(*, session: CheckoutSession) -> CheckoutSession:
    """Return a session that was just read as it stands now: ended, if it was idle for too long."""
    if session.last_active < sessions.idle_since() and session_expire_if_idle(session_id=session.pk):
        session.refresh_from_db()
    return session


def sessions_expire() -> int:
    """End every session that was idle for too long and return how many; safe to run anywhere, at any time."""
    idle = CheckoutSession.objects.filter(
        status=CheckoutSession.Status.ACTIVE, last_active__lt=sessions.idle_since()
    ).values_list("pk", flat=True)
    return sum(session_expire_if_idle(session_id=session_id) for session_id in list(idle))


def item_add(*, session_id: UUID, product_id: UUID, cause: Cause, quantity: int = 1) -> CartEvent | None:
    """Put pieces of a product into the cart; return what changed.

    None says that this very change had happened already: after a lost answer the caller asks again with
    the same cause. A score enters the mean of the line.
    """
    with sessions.session_active(session_id) as session:
        if scan_events.happened(cause):
            return None
        product = cart_lines.product_get(product_id)
        cart_lines.line_put(session, product, quantity, cause.source, cause.score)
        return scan_events.changed(session, product, ScanEvent.Action.ADD, quantity, cause)


def item_remove(*, session_id: UUID, product_id: UUID, cause: Cause, quantity: int = 1) -> CartEvent | None:
    """Take pieces out of the cart, as many as are there; return what changed, None for nothing."""
    with sessions.session_active(session_id) as session:
        item = cart_lines.line_get(session, product_id)
        if item is None or scan_events.happened(cause):
            return None
        removed = cart_lines.line_take(item, quantity)
        return scan_events.changed(session, item.product, ScanEvent.Action.REMOVE, removed, cause)


def item_set(*, session_id: UUID, product_id: UUID, quantity: int) -> CartEvent | None:
    """Set how many pieces of a product are in the cart, 0 taking the line out; return what changed.

    A product withdrawn from sale can be lowered and taken out, but no more of it put in.
    """
    with sessions.session_active(session_id) as session:
        item = cart_lines.line_get(session, product_id)
        product = item.product if item is not None else cart_lines.product_get(product_id)
        cart_lines.quantity_check(quantity, product)
        difference = quantity - (item.quantity if item is not None else 0)
        if difference == 0:
            return None
        if difference > 0 and not product.is_active:
            raise ItemsNotForSale([cart_lines.named(product)])
        item = item or BillingItem(session=session, product=product, source=Source.MANUAL)
        cart_lines.quantity_write(item, quantity)
        action = ScanEvent.Action.ADD if difference > 0 else ScanEvent.Action.REMOVE
        cause = Cause(source=Source.MANUAL, reason=Reason(CartReason.SET_BY_HAND))
        return scan_events.changed(session, product, action, abs(difference), cause)


def scan_note(
    *, session_id: UUID, action: ScanEvent.Action, cause: Cause, product_id: UUID | None = None
) -> None:
    """Record a question, its answer, or an unknown item, which change no cart.

    A session keeps a bounded number; an answer to a question that was not kept stands for itself.
    """
    with sessions.session_active(session_id) as session:
        notes = ScanEvent.objects.filter(session=session, action__in=NOTED)
        if scan_events.happened(cause) or notes.count() >= NOTES_MAX:
            return
        if cause.about_id is not None and not notes.filter(pk=cause.about_id).exists():
            cause = replace(cause, about_id=None)
        product = None if product_id is None else cart_lines.product_get(product_id)
        scan_events.event_record(session, product, action, 1, cause)


def session_confirm(*, session_id: UUID) -> Confirmation:
    """Turn an active session into an order, exactly once.

    The session row stays locked until commit, so a double tap places one order, the second caller gets
    the same one, and nothing gets into the cart between its being counted and its being sold.
    """
    session_expire_if_idle(session_id=session_id)
    with transaction.atomic():
        session = sessions.session_lock(session_id)
        if session.status == CheckoutSession.Status.COMPLETED:
            return Confirmation(order=session.order, created=False)
        sessions.active_check(session)
        items = list(selectors.billing_items(session_id=session_id))
        _sellable_check([item.product for item in items])
        order = order_place(
            user_id=session.user_id,
            session_id=session.pk,
            lines=selectors.order_lines(items),
            currency=settings.CURRENCY,
        )
        sessions.session_end(session, CheckoutSession.Status.COMPLETED)
        return Confirmation(order=order, created=True)


def _sellable_check(products: list[Product]) -> None:
    if not products:
        raise CartEmpty
    if withdrawn := [product for product in products if not product.is_active]:
        raise ItemsNotForSale([cart_lines.named(product) for product in withdrawn])
    unpriced = [product for product in products if product.price is None]
    if unpriced and len(unpriced) < len(products):
        raise ItemsWithoutPrice([cart_lines.named(product) for product in unpriced])

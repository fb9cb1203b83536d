"""Starts sessions, keeps them alive, and ends them: paid, cancelled, or idle for too long.

What changes a cart is in `items` and `corrections`. Every change of a session or its cart holds the lock on
the session's row, so those of one session queue up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import User
from accounts.stores import store_default
from catalog.models import Product
from checkout.cart import announce, selectors, sessions
from checkout.cart.left_items import open_items
from checkout.errors import (
    CartChanged,
    CartEmpty,
    ItemsNotForSale,
    ItemsUnresolved,
    ItemsWithoutPrice,
    LaneVisitsOnly,
    SessionElsewhere,
    SessionNotActive,
    TooManySessions,
)
from checkout.models import BillingItem, CheckoutSession
from orders.models import Order
from orders.services import lines_total, order_place

# Active sessions of one account: a shop may run all its lanes under one.
SESSIONS_MAX = 100
# What a cart costs whose products have no prices.
NO_TOTAL = "none"
# Longer than `last_active` may lag behind a shopper who is there.
IN_USE = timedelta(minutes=1)


@dataclass(frozen=True)
class Confirmation:
    """The order of a session, and whether this call made it."""

    order: Order
    created: bool


def session_start(*, user: User, browser: str = "") -> CheckoutSession:
    """Start a session with an empty cart; one shopper may have several, each in a browser of its own.

    The account of a lane has the lane's visit and no other: `LaneVisitsOnly`.

    At `SESSIONS_MAX` the one that was left alone longest ends, an empty one before one with items; if all are
    in use, `TooManySessions` is raised. Calls at the same moment may exceed the bound by their number, until
    the next one.
    """
    if user.is_device:
        raise LaneVisitsOnly
    active = CheckoutSession.objects.filter(user=user, status=CheckoutSession.Status.ACTIVE)
    if (surplus := active.count() + 1 - SESSIONS_MAX) > 0:
        left_before = timezone.now() - IN_USE
        has_items = Exists(BillingItem.objects.filter(session=OuterRef("pk")))
        left_alone = active.filter(last_active__lt=left_before).order_by(has_items, "last_active")[:surplus]
        if len(left_alone) < surplus:
            raise TooManySessions(limit=SESSIONS_MAX)
        for session in left_alone:
            session_expire_if_idle(session_id=session.pk, since=left_before)
    return CheckoutSession.objects.create(user=user, browser=browser)


def session_move(*, session_id: UUID, browser: str, expected: str) -> CheckoutSession:
    """Let an active session go on in a browser, which must be one of its shopper's.

    `expected` is the browser that it was seen to be with: of several that continue it at once, the first gets
    it, and the others are refused with `SessionElsewhere`, by which they can ask again. The browser that had
    it is told after the commit.
    """
    with sessions.session_hold(session_id) as session:
        if session.browser == browser:
            return session
        if session.browser != expected:
            raise SessionElsewhere(session_id=session_id)
        if session.browser:  # one that nobody had is taken as it is
            session.last_active = timezone.now()
        session.browser = browser
        session.save(update_fields=["browser", "last_active"])
        transaction.on_commit(partial(announce.session_moved_announce, session_id=session_id))
    return session


def session_touch(*, session_id: UUID) -> None:
    """Note that the shopper is there; written only when the stored time is older than `TOUCH_EVERY`."""
    now = timezone.now()
    CheckoutSession.objects.filter(
        pk=session_id, status=CheckoutSession.Status.ACTIVE, last_active__lt=now - sessions.TOUCH_EVERY
    ).update(last_active=now)


def session_current(*, session: CheckoutSession) -> CheckoutSession:
    """Return a session that was just read as it stands now: ended, if it was idle for too long."""
    if session.last_active < sessions.idle_since() and session_expire_if_idle(session_id=session.pk):
        session.refresh_from_db()
    return session


def session_expire_if_idle(*, session_id: UUID, since: datetime | None = None) -> bool:
    """End a session that was idle since a time, by default for too long; return whether this call ended it.

    Judged under its lock.
    """
    with transaction.atomic():
        session = sessions.session_lock(session_id)
        if not sessions.is_idle(session, since=since):
            return False
        sessions.session_end(session, CheckoutSession.Status.EXPIRED)
        return True


def sessions_expire() -> int:
    """End every session that was idle for too long and return how many; safe to run anywhere, at any time."""
    idle = CheckoutSession.objects.filter(
        status=CheckoutSession.Status.ACTIVE, last_active__lt=sessions.idle_since()
    ).values_list("pk", flat=True)
    return sum(session_expire_if_idle(session_id=session_id) for session_id in list(idle))


def session_cancel(*, session_id: UUID) -> None:
    """End a session without an order; cancelling again changes nothing, a completed one is refused."""
    with transaction.atomic():
        session = sessions.session_lock(session_id)
        if session.status == CheckoutSession.Status.COMPLETED:
            raise SessionNotActive(session_id=session_id, session_status=session.status)
        if session.status == CheckoutSession.Status.ACTIVE:
            sessions.session_end(session, CheckoutSession.Status.EXPIRED)


def session_confirm(
    *, session_id: UUID, expected_unresolved: int | None = None, expected_total: Decimal | str | None = None
) -> Confirmation:
    """Turn an active session into an order, exactly once.

    The session row stays locked until commit, so a double tap places one order, the second caller gets
    the same one, and nothing gets into the cart between its being counted and its being sold.

    `expected_unresolved` is how many unresolved items the shopper was shown: with another number open,
    `ItemsUnresolved` is raised. Those that are open are closed as left; where shoppers may not give them up,
    none may be.

    `expected_total` is the total that the shopper was shown, `NO_TOTAL` where there was none: with another
    one, `CartChanged` is raised.
    """
    session_expire_if_idle(session_id=session_id)
    try:
        return _session_confirm(session_id, expected_unresolved, expected_total)
    except ItemsUnresolved:
        if not settings.SHOPPER_DISMISSES:
            announce.staff_missed_announce(session_id=session_id, pays=True)
        raise


def _session_confirm(
    session_id: UUID, expected_unresolved: int | None, expected_total: Decimal | str | None
) -> Confirmation:
    with transaction.atomic():
        session = sessions.session_lock(session_id)
        if session.status == CheckoutSession.Status.COMPLETED:
            return Confirmation(order=session.order, created=False)
        sessions.active_check(session)
        _unresolved_check(session_id, expected_unresolved)
        items = list(selectors.billing_items(session_id=session_id))
        _sellable_check([item.product for item in items])
        lines = selectors.order_lines(items)
        total = lines_total(lines)
        if expected_total is not None and expected_total != (NO_TOTAL if total is None else total):
            raise CartChanged(selectors.cart_get(session_id=session_id))
        order = order_place(
            user_id=session.user_id,
            session_id=session.pk,
            store_id=session.lane.store_id if session.lane else store_default().pk,
            lines=lines,
            currency=settings.CURRENCY,
        )
        sessions.session_end(session, CheckoutSession.Status.COMPLETED)
        return Confirmation(order=order, created=True)


def _unresolved_check(session_id: UUID, expected: int | None) -> None:
    allowed = expected if settings.SHOPPER_DISMISSES else 0
    if allowed is not None and open_items(session_id=session_id).count() != allowed:
        raise ItemsUnresolved(selectors.unresolved_list(session_id=session_id))


def _sellable_check(products: list[Product]) -> None:
    if not products:
        raise CartEmpty
    if withdrawn := [product for product in products if not product.is_active]:
        raise ItemsNotForSale(withdrawn)
    unpriced = [product for product in products if product.price is None]
    if unpriced and len(unpriced) < len(products):
        raise ItemsWithoutPrice(unpriced)

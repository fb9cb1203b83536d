"""What every change of a cart is made of: the lock, the line, the record and the news."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Literal
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.models import Product
from checkout import announce
from checkout.errors import (
    ItemsNotForSale,
    ProductNotFound,
    QuantityOutOfRange,
    SessionNotActive,
    SessionNotFound,
)
from checkout.locks import sessions_for_update
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from checkout.payloads import CartEvent

QUANTITY_MAX = 999
# Writing the time of every single touch would be a write for each; this is how old it may get.
TOUCH_EVERY = timedelta(seconds=15)
ACTIONS_TOLD: dict[ScanEvent.Action, Literal["add", "remove", "correct", "undo"]] = {
    ScanEvent.Action.ADD: "add",
    ScanEvent.Action.REMOVE: "remove",
    ScanEvent.Action.CORRECT: "correct",
    ScanEvent.Action.UNDO: "undo",
}


@dataclass(frozen=True)
class Cause:
    """What led to a change, kept with it.

    Attributes
    ----------
    score : similarity of the match, -1..1; None where nothing was matched
    margin : distance to the second best product
    thumbnail : small JPEG of the item
    event_id : the change happens once however often it is asked for under this id
    about_id : the earlier event that this one undoes, corrects or answers
    """

    source: Source = Source.VISION
    score: float | None = None
    margin: float | None = None
    thumbnail: bytes | None = None
    reason: str = ""
    event_id: UUID = field(default_factory=uuid4)
    about_id: UUID | None = None


def product_get(product_id: UUID) -> Product:
    """Return a product, on sale or not."""
    try:
        return Product.objects.get(pk=product_id)
    except Product.DoesNotExist:
        raise ProductNotFound(f"There is no product {product_id}.", product_id=str(product_id)) from None


def idle_since() -> datetime:
    """Return the time before which an active session counts as abandoned."""
    return timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES)


def session_lock(session_id: UUID) -> CheckoutSession:
    """Return a session, locked until the transaction ends."""
    try:
        return sessions_for_update().get(pk=session_id)
    except CheckoutSession.DoesNotExist:
        raise SessionNotFound(f"There is no checkout session {session_id}.") from None


@contextmanager
def session_active(session_id: UUID) -> Iterator[CheckoutSession]:
    """Hold the lock on an active session for one transaction; an abandoned one ends here and is refused."""
    with transaction.atomic():
        session = session_lock(session_id)
        if not is_idle(session):
            active_check(session)
            yield session
            return
        session_end(session, CheckoutSession.Status.EXPIRED)
    active_check(session)


def active_check(session: CheckoutSession) -> None:
    """Refuse a session that has ended."""
    if session.status != CheckoutSession.Status.ACTIVE:
        raise SessionNotActive(session_id=session.pk, session_status=session.status)


def is_idle(session: CheckoutSession) -> bool:
    """Whether a session should have ended by itself."""
    return session.status == CheckoutSession.Status.ACTIVE and session.last_active < idle_since()


def session_end(session: CheckoutSession, status: CheckoutSession.Status) -> None:
    """End a locked session and have that announced once it is committed."""
    session.status = status
    session.save(update_fields=["status"])
    transaction.on_commit(partial(announce.session_closed_announce, session_id=session.pk))


def happened(cause: Cause) -> bool:
    """Whether the change with this cause was made before."""
    return ScanEvent.objects.filter(pk=cause.event_id).exists()


def named(product: Product) -> dict[str, str]:
    """Return a product as errors name it."""
    return {"product_id": str(product.pk), "name": product.name}


def line_get(session: CheckoutSession, product_id: UUID) -> BillingItem | None:
    """Return the line of a product, if the cart has one."""
    return BillingItem.objects.filter(session=session, product_id=product_id).first()


def line_put(
    session: CheckoutSession, product: Product, quantity: int, source: Source, score: float | None = None
) -> BillingItem:
    """Put pieces of a product on sale into the cart and return its line; a score enters the line's mean."""
    if not product.is_active:
        raise ItemsNotForSale([named(product)])
    item = line_get(session, product.pk) or BillingItem(
        session=session, product=product, quantity=0, source=source
    )
    quantity_check(item.quantity + quantity, product)
    if score is not None:
        score_count(item, score)
    quantity_write(item, item.quantity + quantity)
    return item


def line_take(item: BillingItem, quantity: int, score: float | None = None) -> int:
    """Take pieces out of a line, as many as are there, and return how many; a score leaves the mean."""
    taken = min(quantity, item.quantity)
    if score is not None and item.score_count:
        _score_discount(item, score)
    quantity_write(item, item.quantity - taken)
    return taken


def quantity_check(quantity: int, product: Product) -> None:
    """Refuse a quantity beyond what a line holds."""
    if not 0 <= quantity <= QUANTITY_MAX:
        raise QuantityOutOfRange(maximum=QUANTITY_MAX, product_id=str(product.pk))


def quantity_write(item: BillingItem, quantity: int) -> None:
    """Store a line, or remove it when nothing is left of it."""
    if quantity == 0:
        item.delete()
    else:
        item.quantity = quantity
        item.save()


def changed(
    session: CheckoutSession,
    product: Product,
    action: ScanEvent.Action,
    quantity: int,
    cause: Cause,
    *,
    other: Product | None = None,
) -> CartEvent:
    """Record a change of the cart and have it announced once it is committed."""
    event_record(session, product, action, quantity, cause, other=other)
    if session.last_active < timezone.now() - TOUCH_EVERY:
        session.last_active = timezone.now()
        session.save(update_fields=["last_active"])
    event: CartEvent = {
        "id": str(cause.event_id),
        "action": ACTIONS_TOLD[action],
        "product_id": str(product.pk),
        "name": product.name,
        "quantity": quantity,
        "source": cause.source.value,
        "undoable": action != ScanEvent.Action.UNDO,
    }
    if other is not None:
        event["instead_id"], event["instead_name"] = str(other.pk), other.name
    if cause.about_id is not None:
        event["about"] = str(cause.about_id)
    transaction.on_commit(partial(announce.cart_announce, session_id=session.pk, event=event))
    return event


def event_record(
    session: CheckoutSession,
    product: Product | None,
    action: ScanEvent.Action,
    quantity: int,
    cause: Cause,
    *,
    other: Product | None = None,
) -> None:
    """Write down what happened."""
    ScanEvent.objects.create(
        id=cause.event_id,
        session=session,
        product=product,
        other_product=other,
        about_id=cause.about_id,
        action=action,
        quantity=quantity,
        score=cause.score,
        margin=cause.margin,
        source=cause.source,
        reason=cause.reason[:200],
        thumbnail=cause.thumbnail,
    )


def _clipped(score: float) -> Decimal:
    return Decimal(str(round(min(1.0, max(-1.0, score)), 6)))


def score_count(item: BillingItem, score: float) -> None:
    """Let one more accepted similarity into the mean; a line added by hand and then seen counts as seen."""
    total = (item.avg_score or Decimal(0)) * item.score_count + _clipped(score)
    item.score_count += 1
    item.avg_score = round(total / item.score_count, 6)
    item.source = Source.VISION


def _score_discount(item: BillingItem, score: float) -> None:
    """Take a similarity out of the mean again."""
    total = (item.avg_score or Decimal(0)) * item.score_count - _clipped(score)
    item.score_count -= 1
    if item.score_count == 0:
        item.avg_score = None
    else:
        item.avg_score = _clipped(float(total / item.score_count))

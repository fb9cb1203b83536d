"""Links that take a receipt along from a lane: opened once, by the browser that keeps it; claimed once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from orders.errors import ReceiptLinkGone, ReceiptLinkUnknown, ReceiptNotClaimable
from orders.models import Order, ReceiptLink

TOKEN_BYTES = 32
TOKEN_MAX_CHARACTERS = 64
# How long a link waits to be opened, and how long the browser that opened it may read the receipt.
OPENS_FOR = timedelta(hours=24)
SHOWN_FOR = timedelta(hours=24)


def receipt_link_make(*, order: Order) -> str:
    """Return the token of a new link, of which only the hash is stored; it replaces those not yet opened."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        ReceiptLink.objects.filter(order=order, opened_at__isnull=True).delete()
        ReceiptLink.objects.create(
            order=order, token_hash=token_hash(token), expires_at=timezone.now() + OPENS_FOR
        )
    return token


def receipt_link_get(*, token: str) -> ReceiptLink:
    """Return a link by its token, opened or not, or raise `ReceiptLinkUnknown`."""
    link = None
    if len(token) <= TOKEN_MAX_CHARACTERS:
        link = ReceiptLink.objects.filter(token_hash=token_hash(token)).select_related("order").first()
    if link is None:
        raise ReceiptLinkUnknown
    return link


def receipt_link_check(link: ReceiptLink, *, is_holder: bool, now: datetime | None = None) -> None:
    """Raise `ReceiptLinkGone` where a browser may neither open a link nor, as its holder, go on reading."""
    now = now or timezone.now()
    if is_holder and link.opened_at is not None and now < link.opened_at + SHOWN_FOR:
        return
    if link.opened_at is not None or now >= link.expires_at:
        raise ReceiptLinkGone


def receipt_link_open(*, token: str) -> Order:
    """Open a link and return its order; of several browsers that open it at once, exactly one succeeds.

    One conditional update decides. Raises `ReceiptLinkUnknown` or `ReceiptLinkGone`.
    """
    link = receipt_link_get(token=token)
    now = timezone.now()
    unopened = ReceiptLink.objects.filter(pk=link.pk, opened_at__isnull=True, expires_at__gt=now)
    if not unopened.update(opened_at=now):
        raise ReceiptLinkGone
    return link.order


def receipt_is_taken(order: Order) -> bool:
    """Whether a browser has opened a link of an order."""
    return ReceiptLink.objects.filter(order=order, opened_at__isnull=False).exists()


def is_claimable(order: Order) -> bool:
    """Whether an order still belongs to the account of a device."""
    return order.user.is_device


def orders_for_update() -> QuerySet[Order]:
    """Return orders locked until the transaction ends."""
    return Order.objects.select_for_update(no_key=True)


@transaction.atomic
def receipt_claim(*, order_id: UUID, user: User) -> Order:
    """Make an order of a device a shopper's own, once; claiming it again changes nothing.

    The order stays locked until commit, so that of several who claim it at once the first gets it, and the
    others are refused with `ReceiptNotClaimable`. A conditional update would not do: PostgreSQL, having
    waited for the row, asks again only what stands in the row itself, not whether its user is a device.
    """
    order = orders_for_update().get(pk=order_id)
    if order.user_id == user.pk and not user.is_device:
        return order
    if user.is_device or not is_claimable(order):
        raise ReceiptNotClaimable
    order.user = user
    order.save(update_fields=["user"])
    return order


def receipt_links_forget(*, now: datetime | None = None) -> int:
    """Delete links that nobody can use any more, and return how many."""
    now = now or timezone.now()
    too_old = Q(opened_at__isnull=True, expires_at__lte=now) | Q(opened_at__lte=now - SHOWN_FOR)
    deleted, _ = ReceiptLink.objects.filter(too_old).delete()
    return deleted


def token_hash(token: str) -> str:
    """Return what is stored of a token, whose 256 bits need no slow hash."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()

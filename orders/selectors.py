"""The orders that a user may see."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from orders.models import Order

# How long a receipt can be read at a lane after its page would have left: it may be shown once more.
RECEIPT_GRACE_S = 120


def orders_shown(user: User) -> QuerySet[Order]:
    """Return the orders that are an account's own to see: a shopper's are all, a device's only the newest.

    A lane shows the receipt of the visit just paid, for as long as its page stays and `RECEIPT_GRACE_S` more,
    and only until something goes into the next cart: whoever comes next must not read what others bought. An
    account of a device without a lane sees none.
    """
    own = Order.objects.filter(user=user)
    if not user.is_device:
        return own
    lane = getattr(user, "lane", None)
    if lane is None:
        return own.none()
    shown_s = lane.receipt_leaves_after_s + RECEIPT_GRACE_S
    newest = Order.objects.filter(session__user=user).order_by("-confirmed_at", "-id").values("pk")[:1]
    shown = own.filter(pk__in=newest, confirmed_at__gt=timezone.now() - timedelta(seconds=shown_s))
    followed = Order.objects.filter(
        user__sessions__created_at__gt=F("confirmed_at"),
        user__sessions__order__isnull=True,
        user__sessions__scan_events__isnull=False,
    )
    return shown.exclude(pk__in=followed.values("pk"))


def order_list(*, user: User) -> QuerySet[Order]:
    """Return the orders an account may see, or every order for an admin, newest first, with their lines."""
    orders = Order.objects.all() if user.is_admin else orders_shown(user)
    return orders.prefetch_related("items")


def order_get(*, user: User, order_id: UUID) -> Order:
    """Return an order; raises `Order.DoesNotExist` also for one that the user may not see."""
    return order_list(user=user).select_related("store").get(pk=order_id)

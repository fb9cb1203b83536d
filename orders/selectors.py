"""Which receipts someone may see."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from orders.models import Order


def order_list(*, user: User) -> QuerySet[Order]:
    """Return a shopper's own receipts, an admin every one, newest first, each with its lines."""
    orders = Order.objects.prefetch_related("items")
    return orders if user.is_admin else orders.filter(user=user)


def order_get(*, user: User, order_id: UUID) -> Order:
    """Return one receipt; one that the user may not see does not exist (`Order.DoesNotExist`)."""
    return order_list(user=user).get(pk=order_id)

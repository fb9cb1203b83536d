"""The orders that a user may see."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from orders.models import Order


def order_list(*, user: User) -> QuerySet[Order]:
    """Return a shopper's own orders, or every order for an admin, newest first, with their lines."""
    orders = Order.objects.prefetch_related("items")
    return orders if user.is_admin else orders.filter(user=user)


def order_get(*, user: User, order_id: UUID) -> Order:
    """Return an order; raises `Order.DoesNotExist` also for one that the user may not see."""
    return order_list(user=user).select_related("store").get(pk=order_id)

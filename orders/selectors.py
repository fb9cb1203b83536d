"""Which receipts someone may see, and the pictures of what is on them."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import User
from catalog.models import Product, ProductImage
from orders.models import Order


def order_list(*, user: User) -> QuerySet[Order]:
    """Return a shopper's own receipts, an admin every one, newest first, each with its lines."""
    orders = Order.objects.prefetch_related("items")
    return orders if user.is_admin else orders.filter(user=user)


def order_get(*, user: User, order_id: UUID) -> Order:
    """Return one receipt; one that the user may not see does not exist (`Order.DoesNotExist`)."""
    return order_list(user=user).get(pk=order_id)


def pictures_by_product(product_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the address of each product's first photo, in one query."""
    first = ProductImage.objects.filter(product=OuterRef("pk")).order_by("created_at", "id")
    names = (
        Product.objects.filter(pk__in=set(product_ids))
        .order_by()
        .values_list("pk", Subquery(first.values("image")[:1]))
    )
    return {product_id: default_storage.url(name) for product_id, name in names if name}

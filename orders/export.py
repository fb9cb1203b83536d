"""Orders as a CSV table for bookkeeping."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from ebrcs.admin_site.csv_export import csv_lines
from orders.models import Order

COLUMNS = (
    "order",
    "confirmed_at",
    "shopper",
    "product",
    "quantity",
    "unit_price",
    "line_total",
    "currency",
    "payment_status",
    "store",
)
ORDERS_AT_ONCE = 500


def orders_csv_lines(orders: QuerySet[Order]) -> Iterator[str]:
    """Yield a CSV with a header and one line per order line."""
    return csv_lines(COLUMNS, _rows(orders))


def _rows(orders: QuerySet[Order]) -> Iterator[tuple[object, ...]]:
    for order in orders.select_related("user", "store").prefetch_related("items").iterator(ORDERS_AT_ONCE):
        for item in order.items.all():
            yield (
                order.number,
                order.confirmed_at,
                order.user.username,
                item.product_name,
                item.quantity,
                item.unit_price,
                None if item.unit_price is None else item.unit_price * item.quantity,
                order.currency,
                order.payment_status,
                order.store.name if order.store else None,
            )

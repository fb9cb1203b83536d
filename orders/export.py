"""Receipts as a table for the bookkeeper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

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
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def orders_csv_lines(orders: QuerySet[Order]) -> Iterator[str]:
    """Yield a CSV with one line per order line, after a line of column names."""
    yield "\ufeff" + _line(COLUMNS)  # the mark by which spreadsheets know UTF-8
    for order in orders.select_related("user").prefetch_related("items"):
        for item in order.items.all():
            line_total = None if item.unit_price is None else item.unit_price * item.quantity
            yield _line(
                (
                    order.number,
                    order.confirmed_at.isoformat(),
                    _text(order.user.username),
                    _text(item.product_name),
                    item.quantity,
                    item.unit_price,
                    line_total,
                    order.currency,
                    order.payment_status,
                )
            )


def _text(value: str) -> str:
    """Keep a spreadsheet from taking a name for a formula (OWASP, CSV injection)."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def _line(values: Iterable[object]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerow(values)
    return stream.getvalue()

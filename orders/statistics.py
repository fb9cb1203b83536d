"""What was sold, by time and by product, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, DecimalField, F, Q, Sum

from catalog.selectors import pictures_by_product
from orders.models import Order, OrderItem
from orders.periods import Number, Period, Series

BEST_SELLERS_MAX = 8
AMOUNT: DecimalField[Decimal, Decimal] = DecimalField(max_digits=18, decimal_places=2)


@dataclass(frozen=True)
class Sales:
    """Sales of a period in one currency.

    Attributes
    ----------
    amount, orders, items : slot by slot; an order without prices has no amount but counts as an order
    priced_orders : orders that have an amount, over which the average basket is taken
    elsewhere : sums of orders in other currencies, which cannot be added to these
    """

    currency: str
    amount: Series
    orders: Series
    items: Series
    priced_orders: Series
    elsewhere: list[tuple[str, Decimal]]

    @property
    def is_priced(self) -> bool:
        """Whether the shop seems to have prices: some orders have an amount, or there are no orders."""
        return bool(self.priced_orders.total or self.priced_orders.before or not self.orders.total)

    @property
    def basket(self) -> Decimal | None:
        """The average basket, None if no order has an amount."""
        return ratio(self.amount.total, self.priced_orders.total)

    @property
    def basket_before(self) -> Decimal | None:
        """The average basket of the period before."""
        return ratio(self.amount.before, self.priced_orders.before)


@dataclass(frozen=True)
class BestSeller:
    """How much of a product was sold; `amount` is None if it was sold without a price."""

    product_id: UUID
    name: str
    picture: str | None
    units: int
    amount: Decimal | None


def sales_get(*, period: Period, currency: str) -> Sales:
    """Return the sales of a period, in one query."""
    rows = list(
        Order.objects.filter(period.within_or_before("confirmed_at"))
        .values(**period.grouping("confirmed_at"), unit=F("currency"))
        .annotate(
            amount=Sum("total_amount"),
            order_count=Count("pk"),
            item_count=Sum("total_items"),
            priced=Count("total_amount"),
        )
        .order_by()
    )
    ours = [row for row in rows if row["unit"] == currency]
    others: dict[str, Decimal] = {}
    for row in rows:
        if row["unit"] != currency and row["amount"] and period.slot_of(row) is not None:
            others[row["unit"]] = others.get(row["unit"], Decimal(0)) + row["amount"]
    return Sales(
        currency=currency,
        amount=period.series(ours, "amount"),
        orders=period.series(rows, "order_count"),
        items=period.series(rows, "item_count"),
        priced_orders=period.series(ours, "priced"),
        elsewhere=sorted(others.items()),
    )


def best_sellers(*, period: Period, currency: str) -> list[BestSeller]:
    """Return the products that sold the most pieces, in two queries; amounts in one currency."""
    rows = list(
        OrderItem.objects.filter(period.within("order__confirmed_at"))
        .values("product_id", name=F("product__name"))
        .annotate(
            units=Sum("quantity"),
            amount=Sum(
                F("unit_price") * F("quantity"), filter=Q(order__currency=currency), output_field=AMOUNT
            ),
        )
        .order_by("-units", "name", "product_id")[:BEST_SELLERS_MAX]
    )
    pictures = pictures_by_product(row["product_id"] for row in rows)
    return [
        BestSeller(
            product_id=row["product_id"],
            name=row["name"],
            picture=pictures.get(row["product_id"]),
            units=row["units"],
            amount=row["amount"],
        )
        for row in rows
    ]


def ratio(amount: Number, count: Number) -> Decimal | None:
    """Return amount / count, None for a count of zero."""
    return Decimal(amount) / Decimal(count) if count else None

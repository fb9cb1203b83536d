"""The metrics and the chart of what was sold."""

from __future__ import annotations

from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from checkout.dashboard.charts import Chart
from checkout.dashboard.formats import ABSENT, change, number
from checkout.dashboard.metric import Metric, metric_counted, slots_chart
from orders.periods import Number, Period
from orders.statistics import Sales, ratio
from orders.templatetags.money import money, money_whole

CHART_HEIGHT_PX = 240


def sales_metrics(sales: Sales, period: Period) -> list[Metric]:
    """Return sales, orders and the average basket."""

    def amount(value: Number | None) -> str:
        return ABSENT if value is None or not sales.is_priced else money(Decimal(value), sales.currency)

    baskets = [
        ratio(total, count)
        for total, count in zip(sales.amount.values, sales.priced_orders.values, strict=True)
    ]
    return [
        Metric(
            name=_("Sales"),
            value=amount(sales.amount.total),
            change=change(sales.amount.total, sales.amount.before),
            before=amount(sales.amount.before),
            values=[amount(value) for value in sales.amount.values],
        ),
        metric_counted(_("Orders"), sales.orders, period, url=reverse("admin:orders_order_changelist")),
        Metric(
            name=_("Average order"),
            value=amount(sales.basket),
            change=change(sales.basket, sales.basket_before),
            before=amount(sales.basket_before),
            values=[amount(value) for value in baskets],
            note=_items_per_order(sales),
        ),
    ]


def sales_chart(sales: Sales, period: Period) -> tuple[str, Chart]:
    """Return the chart of sales by day or hour with its heading; in a shop without prices that of orders."""
    if not sales.is_priced:
        name = _("Orders by hour") if period.is_hourly else _("Orders by day")
        return name, slots_chart(
            sales.orders.values, period, written=number, titled=number, height=CHART_HEIGHT_PX
        )
    name = _("Sales by hour") if period.is_hourly else _("Sales by day")
    return name, slots_chart(
        sales.amount.values,
        period,
        written=lambda value: money_whole(value, sales.currency),
        titled=lambda value: str(money(Decimal(value), sales.currency)),
        height=CHART_HEIGHT_PX,
    )


def _items_per_order(sales: Sales) -> str:
    items = ratio(sales.items.total, sales.orders.total)
    return "" if items is None else _("%(items)s items per order") % {"items": number(items, 1)}

"""Periods: whole days of the shop's time zone, compared with as much time before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from orders.models import Order
from orders.periods import Period
from orders.statistics import best_sellers, sales_get
from tests.checkout.shop import product_make
from tests.checkout.visits import sale_make

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 21, 18, 30, tzinfo=SEOUL)


@pytest.fixture(autouse=True)
def _seoul(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Seoul"


def test_days_are_those_of_the_shop_and_days_without_sales_are_zero(shopper: User) -> None:
    bread = product_make("Rye bread")
    # 23:30 UTC of the 18th is half past eight in the morning of the 19th in Seoul.
    sale_make(shopper, bread, datetime(2026, 11, 18, 23, 30, tzinfo=UTC), quantity=2)
    sale_make(shopper, bread, datetime(2026, 11, 21, 9, tzinfo=SEOUL))

    sales = sales_get(period=Period(7, NOW), currency="EUR")

    assert sales.amount.values == [0, 0, 0, 0, Decimal("5.00"), 0, Decimal("2.50")]
    assert sales.orders.values == [0, 0, 0, 0, 1, 0, 1]
    assert sales.basket == Decimal("3.75")


def test_today_goes_by_the_hour(shopper: User) -> None:
    sale_make(shopper, product_make("Rye bread"), datetime(2026, 11, 21, 9, 59, tzinfo=SEOUL))

    values = sales_get(period=Period(1, NOW), currency="EUR").orders.values

    assert [hour for hour, count in enumerate(values) if count] == [9]
    assert len(values) == 24


@pytest.mark.parametrize(
    ("at", "total", "before"),
    [
        (datetime(2026, 11, 15, 0, 0, tzinfo=SEOUL), 1, 0),  # the first moment
        (datetime(2026, 11, 14, 23, 59, tzinfo=SEOUL), 0, 0),  # later in its day than it is now
        (datetime(2026, 11, 14, 18, 29, tzinfo=SEOUL), 0, 1),
        (datetime(2026, 11, 8, 0, 0, tzinfo=SEOUL), 0, 1),
        (datetime(2026, 11, 7, 23, 59, tzinfo=SEOUL), 0, 0),
        (NOW + timedelta(seconds=1), 0, 0),
    ],
)
def test_half_a_day_is_compared_with_half_a_day(shopper: User, at: datetime, total: int, before: int) -> None:
    sale_make(shopper, product_make("Rye bread"), at)

    orders = sales_get(period=Period(7, NOW), currency="EUR").orders

    assert (orders.total, orders.before) == (total, before)


def test_the_day_on_which_clocks_are_set_back_has_all_its_sales(shopper: User, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    berlin = ZoneInfo("Europe/Berlin")
    bread = product_make("Rye bread")
    for hour_utc in (0, 1):  # 2:30 in the morning happens twice
        sale_make(shopper, bread, datetime(2026, 10, 25, hour_utc, 30, tzinfo=UTC))

    period = Period(1, datetime(2026, 10, 25, 20, tzinfo=berlin))

    assert sales_get(period=period, currency="EUR").orders.values[2] == 2


def test_orders_without_prices_count_as_orders_but_not_in_the_basket(shopper: User) -> None:
    bread, stone = product_make("Rye bread"), product_make("Stone", None)
    sale_make(shopper, bread, NOW - timedelta(hours=1))
    sale_make(shopper, stone, NOW - timedelta(hours=1), amount=None, quantity=9)

    sales = sales_get(period=Period(1, NOW), currency="EUR")

    assert (sales.orders.total, sales.amount.total, sales.basket) == (2, Decimal("2.50"), Decimal("2.50"))
    assert [
        (one.name, one.units, one.amount) for one in best_sellers(period=Period(1, NOW), currency="EUR")
    ] == [
        ("Stone", 9, None),
        ("Rye bread", 1, Decimal("2.50")),
    ]


def test_another_currency_is_never_added_up_with_ours(shopper: User) -> None:
    bread = product_make("Rye bread")
    sale_make(shopper, bread, NOW - timedelta(hours=1))
    sale_make(shopper, bread, NOW - timedelta(hours=1), amount="3000", currency="KRW")

    sales = sales_get(period=Period(1, NOW), currency="EUR")

    assert sales.amount.total == Decimal("2.50")
    assert sales.elsewhere == [("KRW", Decimal("3000.00"))]
    assert Order.objects.count() == sales.orders.total == 2
    assert best_sellers(period=Period(1, NOW), currency="EUR")[0].amount == Decimal("2.50")


def test_eight_best_sellers_are_listed_the_most_sold_first(shopper: User) -> None:
    products = [product_make(f"Product {number}") for number in range(9)]
    for number, product in enumerate(products, start=1):
        sale_make(shopper, product, NOW - timedelta(hours=1), quantity=number)

    sellers = best_sellers(period=Period(1, NOW), currency="EUR")

    assert [(one.product_id, one.units) for one in sellers] == [
        (product.pk, number) for number, product in list(enumerate(products, start=1))[:0:-1]
    ]

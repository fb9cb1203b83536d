"""The dashboard: for the shop keeper only, right at any time, and as quick for many orders as for two."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import FrameCount
from tests.checkout.shop import product_with_photo
from tests.checkout.visits import event_make, sale_make, visit_make

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/dashboard/"


class Styles(HTMLParser):
    """Collects what the content policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or "style" in names or (tag == "script" and "src" not in names):
            self.found.append(f"{tag} {names}")
        self.found += [name for name in names if name.startswith("on")]


@pytest.fixture
def page(keeper: User, client: Client) -> Callable[..., str]:
    """Return an opener of the dashboard."""
    client.force_login(keeper)

    def get(days: int = 7, language: str = "en") -> str:
        answer = client.get(ADDRESS, {"days": days}, headers={"accept-language": language})
        assert answer.status_code == 200
        return answer.content.decode()

    return get


@pytest.fixture
def busy(shopper: User) -> None:
    """Sell something an hour ago, or at midnight if the day is younger, and have doubts about it."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    at = max(today, timezone.now() - timedelta(hours=1))
    bread = product_with_photo("Rye & <b>bread</b>", "1234.50")
    order = sale_make(shopper, bread, at, quantity=2, amount="1234.50", lasting=timedelta())
    for action in ("question", "unknown", "answer", "correct", "disagree"):
        event_make(order.session, at, action, product=bread, other_product=bread)
    FrameCount.objects.create(hour=at, outcome="answered", step=40, frames=100)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_an_empty_shop_has_a_dashboard(page: Callable[..., str], days: int) -> None:
    text = page(days)

    assert "No sales in this period." in text
    assert "None in this period." in text
    assert text.count('role="img"') == 11


def test_the_last_seven_days_are_shown_first(keeper: User, client: Client) -> None:
    client.force_login(keeper)

    assert client.get(ADDRESS).context["period"].days == 7


@pytest.mark.parametrize("days", [1, 7, 30])
def test_it_shows_what_was_sold_and_seen(busy: None, page: Callable[..., str], days: int) -> None:
    text = page(days)

    assert "€2,469.00" in text
    assert "Rye &amp; &lt;b&gt;bread&lt;/b&gt;" in text
    assert "50.0 per 100 items" in text
    highest = r"\d+:00" if days == 1 else timezone.localdate().strftime(r"%b\. \d+, %Y|%B \d+, %Y")
    assert re.search(rf"Highest: (?:{highest}): €2,469\.00", text)


def test_it_speaks_korean(busy: None, page: Callable[..., str]) -> None:
    text = page(7, "ko")

    assert "대시보드" in text
    assert "많이 팔린 상품" in text
    assert "€2,469.00" in text


def test_a_shop_without_prices_has_its_orders_drawn(shopper: User, page: Callable[..., str]) -> None:
    stone = product_with_photo("Stone", None)
    sale_make(shopper, stone, timezone.now(), amount=None)
    sale_make(shopper, stone, timezone.now(), amount=None)

    text = page(7)

    assert "€" not in text
    assert "<h3>Orders by day</h3>" in text
    assert ": 2</title>" in text


def test_its_charts_need_nothing_that_the_content_policy_blocks(busy: None, page: Callable[..., str]) -> None:
    styles = Styles()
    styles.feed(page(30))

    assert styles.found == []


@pytest.mark.parametrize("days", ["0", "2", "-1", "x", "7 ", "10" * 50])
def test_other_periods_are_refused(keeper: User, client: Client, days: str) -> None:
    client.force_login(keeper)

    assert client.get(ADDRESS, {"days": days}).status_code == 400


def test_only_the_shop_keeper_sees_it(shopper: User, client: Client) -> None:
    assert client.get(ADDRESS).status_code == 302
    client.force_login(shopper)
    refused = client.get(ADDRESS)

    assert refused.status_code in (302, 403)
    assert b"Best sellers" not in refused.content


def test_the_admin_leads_to_it(keeper: User, client: Client) -> None:
    client.force_login(keeper)

    assert f'href="{ADDRESS}"' in client.get("/admin/").content.decode()


@pytest.mark.parametrize("orders", [2, 200])
def test_many_orders_take_as_many_queries_as_two(
    shopper: User, keeper: User, client: Client, settings: Settings, orders: int
) -> None:
    settings.CURRENCY = "EUR"
    products = [product_with_photo(f"Product {number}") for number in range(2 if orders == 2 else 12)]
    for number in range(orders):
        product = products[number % len(products)]
        order = sale_make(shopper, product, timezone.now() - timedelta(hours=number))
        event_make(order.session, timezone.now(), "correct", product=product)
    visit_make(shopper, timezone.now(), "expired")
    client.force_login(keeper)
    client.get(ADDRESS, {"days": 30})

    with assertNumQueries(13):
        client.get(ADDRESS, {"days": 30})

"""My page and the receipt: who may see them, what they show, how many queries they take."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.models import Store, User
from catalog.models import Product
from orders.models import Order
from orders.templatetags.money import money
from tests.checkout.lanes.makers import store_make
from tests.checkout.shop import order_make, product_with_photo

pytestmark = pytest.mark.django_db


def test_a_receipt_says_what_was_sold_at_the_price_of_the_day(client: Client, shopper: User) -> None:
    product = product_with_photo("Orange juice", "2.99")
    order = order_make(shopper, product, quantity=3)
    Product.objects.filter(pk=product.pk).update(name="Something else", price=Decimal("99.00"))
    client.force_login(shopper)

    page = client.get(f"/orders/{order.pk}/").content.decode()

    assert order.number in page
    assert "Orange juice" in page
    assert "Something else" not in page
    assert "3 × €2.99" in page
    assert "€8.97" in page
    assert "99.00" not in page


def test_a_shop_without_prices_has_receipts_without_amounts(client: Client, shopper: User) -> None:
    order = order_make(shopper, product_with_photo("Pear", None))
    client.force_login(shopper)

    page = client.get(f"/orders/{order.pk}/").content.decode()

    assert "no price" in page
    assert "€" not in page


def test_a_receipt_is_seen_by_its_owner_and_the_keeper_only(
    client: Client, shopper: User, stranger: User, keeper: User
) -> None:
    order = order_make(shopper, product_with_photo("Pear"))
    statuses = {}
    for user in (shopper, stranger, keeper):
        client.force_login(user)
        statuses[user.username] = client.get(f"/orders/{order.pk}/").status_code

    assert statuses == {"shopper": 200, "stranger": 404, "keeper": 200}


@pytest.mark.parametrize("path", ["/my/", "/orders/00000000-0000-0000-0000-000000000000/", "/checkout/"])
def test_without_logging_in_a_page_leads_to_the_login(client: Client, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response.headers["Location"]) == (302, f"/login/?next={path}")


def test_names_are_shown_as_text_whatever_they_contain(client: Client, shopper: User) -> None:
    order = order_make(shopper, product_with_photo("<script>alert(1)</script>"))
    client.force_login(shopper)

    for path in (f"/orders/{order.pk}/", "/my/", "/"):
        assert "<script>alert" not in client.get(path).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in client.get(f"/orders/{order.pk}/").content.decode()


def test_my_page_lists_only_my_own_orders_newest_first(
    client: Client, keeper: User, stranger: User, shopper: User
) -> None:
    pear = product_with_photo("Pear")
    theirs = order_make(stranger, pear)
    first, second = order_make(keeper, pear), order_make(keeper, pear)
    client.force_login(keeper)

    page = client.get("/my/").content.decode()

    assert theirs.number not in page
    assert page.index(second.number) < page.index(first.number)


def test_my_page_without_orders_says_what_to_do(client: Client, shopper: User) -> None:
    client.force_login(shopper)

    assert "No orders yet" in client.get("/my/").content.decode()


def test_my_page_is_cut_into_pages_and_forgives_wrong_numbers(client: Client, shopper: User) -> None:
    pear = product_with_photo("Pear")
    orders = [order_make(shopper, pear) for _ in range(11)]
    client.force_login(shopper)

    shown = {
        number: [card.order.number for card in client.get("/my/", {"page": number}).context["cards"]]
        for number in ("1", "2", "99", "x", "-1")
    }

    newest_first = [order.number for order in reversed(orders)]
    assert shown["1"] == shown["x"] == newest_first[:10]
    assert shown["2"] == shown["99"] == shown["-1"] == newest_first[10:]


def test_an_order_shows_three_pictures_and_counts_the_rest(client: Client, shopper: User) -> None:
    order_make(shopper, *[product_with_photo(f"Product {number}") for number in range(5)])
    client.force_login(shopper)

    page = client.get("/my/").content.decode()

    assert page.count('<img src="/media/products/') == 3
    assert '<span class="order-more number">+2</span>' in page


@pytest.mark.parametrize("count", [2, 10])
def test_my_page_takes_as_many_queries_for_any_number_of_orders(
    client: Client, shopper: User, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    products = [product_with_photo(f"Product {number}") for number in range(3)]
    for _ in range(count):
        order_make(shopper, *products)
    client.force_login(shopper)

    # login session, user, number of orders, orders, their lines, pictures, the shop's name
    with django_assert_num_queries(7):
        assert client.get("/my/").status_code == 200


@pytest.mark.parametrize("count", [1, 20])
def test_a_receipt_takes_as_many_queries_for_any_number_of_lines(
    client: Client, shopper: User, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    order = order_make(shopper, *[product_with_photo(f"Product {number}") for number in range(count)])
    client.force_login(shopper)

    # login session, user, order with its store, lines, pictures
    with django_assert_num_queries(5):
        assert client.get(f"/orders/{order.pk}/").status_code == 200


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (Decimal("1234.5"), "EUR", "€1,234.50"),
        (Decimal(0), "USD", "$0.00"),
        (Decimal("12000.00"), "KRW", "₩12,000"),
        (Decimal("12.00"), "CHF", "CHF\N{NO-BREAK SPACE}12.00"),
        (None, "EUR", "no price"),
    ],
)
def test_amounts_are_written_with_the_sign_and_places_of_their_currency(
    amount: Decimal | None, currency: str, written: str
) -> None:
    assert money(amount, currency) == written


def test_the_currency_of_a_receipt_is_that_of_the_day(
    client: Client, shopper: User, settings: Settings
) -> None:
    settings.CURRENCY = "KRW"
    order = order_make(shopper, product_with_photo("Pear", "1200.00"))
    settings.CURRENCY = "EUR"
    client.force_login(shopper)

    page = client.get(f"/orders/{order.pk}/").content.decode()

    assert "₩1,200" in page
    assert "€" not in page


def test_a_receipt_says_who_sold_it_and_ends_with_the_last_word_of_the_shop(
    client: Client, shopper: User
) -> None:
    order = order_make(shopper, product_with_photo("Pear"))
    facts = {
        "name": "Corner <Shop>",
        "address": "1 Main Street\nSpringfield",
        "phone": "+49 30 1234",
        "business_number": "123-45-67890",
        "receipt_footer": "Returns within 14 days.\nThank you!",
        "logo": "stores/a.png",
    }
    Store.objects.update(**facts)
    client.force_login(shopper)

    page = client.get(f"/orders/{order.pk}/").content.decode()

    written = [
        '<img class="store-logo" src="/media/stores/a.png" alt="">',
        '<p class="store-name">Corner &lt;Shop&gt;</p>',
        "1 Main Street<br>Springfield",
        "Phone +49 30 1234",
        "Business number 123-45-67890",
        "Pear",
        "Returns within 14 days.<br>Thank you!",
    ]
    places = [page.index(text) for text in written]
    assert places == sorted(places)


def test_a_receipt_names_the_store_that_sold_and_an_old_one_the_first(client: Client, shopper: User) -> None:
    order = order_make(shopper, product_with_photo("Pear"))
    Order.objects.filter(pk=order.pk).update(store=store_make("Second"))
    client.force_login(shopper)

    assert "<span>Second</span>" in client.get(f"/orders/{order.pk}/").content.decode()
    Order.objects.filter(pk=order.pk).update(store=None)
    page = client.get(f"/orders/{order.pk}/").content.decode()
    assert '<p class="store-name">EBRCS</p>' in page
    assert "store-fact" not in page
    assert "store-footer" not in page

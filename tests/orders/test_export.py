"""Receipts in admin: read and exported, never changed."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import Product
from checkout.models import CheckoutSession
from orders.models import Order, OrderItem
from tests.checkout.lanes.makers import store_make
from tests.checkout.shop import order_make, product_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(shopper: User) -> Order:
    session = CheckoutSession.objects.create(user=shopper, status=CheckoutSession.Status.COMPLETED)
    order = Order.objects.create(
        number="T-1",
        user=shopper,
        session=session,
        store=store_make("=Shop"),
        total_items=3,
        total_amount="7.50",
        currency="EUR",
    )
    for name, quantity, price in (("=1+1", 2, Decimal("2.50")), ("Bread, dark", 1, Decimal("2.50"))):
        product = Product.objects.create(name=name, price=price)
        OrderItem.objects.create(
            order=order, product=product, product_name=name, quantity=quantity, unit_price=price
        )
    return order


def test_the_export_has_a_line_for_each_order_line_and_no_formula(
    order: Order, keeper: User, client: Client
) -> None:
    client.force_login(keeper)
    response = client.post(
        reverse("admin:orders_order_changelist"),
        {"action": "export_csv", "_selected_action": [str(order.pk)]},
    )
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert rows[0][:5] == ["order", "confirmed_at", "shopper", "product", "quantity"]
    assert (rows[0][-1], [row[-1] for row in rows[1:]]) == ("store", ["'=Shop", "'=Shop"])
    assert [row[3:8] for row in rows[1:]] == [
        ["'=1+1", "2", "2.50", "5.00", "EUR"],
        ["Bread, dark", "1", "2.50", "2.50", "EUR"],
    ]


@pytest.mark.parametrize("action", ["add", "delete", "change"])
def test_a_receipt_cannot_be_added_changed_or_deleted(
    order: Order, keeper: User, client: Client, action: str
) -> None:
    client.force_login(keeper)
    arguments = [] if action == "add" else [order.pk]
    response = client.post(
        reverse(f"admin:orders_order_{action}", args=arguments), {"number": "T-2", "post": "yes"}
    )
    assert response.status_code == 403
    assert Order.objects.get().number == "T-1"
    assert client.get(reverse("admin:orders_order_change", args=[order.pk])).status_code == 200


def test_orders_are_listed_and_exported_by_store(order: Order, keeper: User, client: Client) -> None:
    other = order_make(keeper, product_make("Milk"))
    client.force_login(keeper)
    address = reverse("admin:orders_order_changelist")
    for one in (order, other):
        assert one.store is not None
        chosen = {"store__id__exact": str(one.store.pk)}
        assert list(client.get(address, chosen).context["cl"].result_list) == [one]
        exported = client.get(reverse("admin:orders_order_export"), chosen).content.decode("utf-8-sig")
        assert {row[0] for row in list(csv.reader(io.StringIO(exported)))[1:]} == {one.number}


def test_an_order_of_before_there_were_stores_is_exported_without_one(
    order: Order, keeper: User, client: Client
) -> None:
    Order.objects.update(store=None)
    client.force_login(keeper)
    exported = client.get(reverse("admin:orders_order_export")).content.decode("utf-8-sig")
    assert [row[-1] for row in csv.reader(io.StringIO(exported))] == ["store", "", ""]

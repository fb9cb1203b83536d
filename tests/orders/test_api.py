"""Receipts over REST: their shape, who sees which, pages, and a steady number of queries."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Product
from checkout.cart import items, services
from orders.models import Order
from tests.checkout.shop import product_make, seen, session_with


def client_of(user: User | AnonymousUser) -> APIClient:
    client = APIClient()
    client.force_authenticate(user if isinstance(user, User) else None)
    return client


def order_of(user: User, *products: Product) -> Order:
    return services.session_confirm(session_id=session_with(user, *products).pk).order


def test_a_receipt_has_the_published_shape(shopper: User) -> None:
    milk = product_make("Milk", "1.10")
    session = session_with(shopper, milk, quantity=2)
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.875))
    order = services.session_confirm(session_id=session.pk).order
    shown = client_of(shopper).get(f"/api/orders/{order.pk}").json()
    assert shown.pop("confirmed_at").startswith(f"{order.confirmed_at:%Y-%m-%dT%H:%M}")
    assert shown == {
        "order_id": str(order.pk),
        "number": order.number,
        "total_items": 3,
        "total_amount": "3.30",
        "currency": "EUR",
        "payment_status": "mock_paid",
        "items": [
            {
                "product_id": str(milk.pk),
                "product_name": "Milk",
                "quantity": 3,
                "score": 0.875,
                "unit_price": "1.10",
            }
        ],
    }


def test_shoppers_see_their_own_receipts_newest_first_and_admins_all(
    shopper: User, stranger: User, keeper: User
) -> None:
    milk = product_make("Milk")
    first, second, other = order_of(shopper, milk), order_of(shopper, milk), order_of(stranger, milk)
    for user, expected in (
        (shopper, [second, first]),
        (stranger, [other]),
        (keeper, [other, second, first]),
    ):
        listed = client_of(user).get("/api/orders").json()
        assert [row["order_id"] for row in listed["results"]] == [str(order.pk) for order in expected]
        assert listed["count"] == len(expected)
    assert client_of(stranger).get(f"/api/orders/{first.pk}").status_code == 404
    assert client_of(keeper).get(f"/api/orders/{first.pk}").status_code == 200
    assert client_of(AnonymousUser()).get("/api/orders").status_code == 401
    assert client_of(AnonymousUser()).get(f"/api/orders/{first.pk}").status_code == 401


def test_nothing_changes_a_receipt(shopper: User, keeper: User) -> None:
    order = order_of(shopper, product_make("Milk"))
    for user in (shopper, keeper):
        for method in ("post", "put", "patch", "delete"):
            for address in ("/api/orders", f"/api/orders/{order.pk}"):
                answer = getattr(client_of(user), method)(address, {"total_items": 9})
                assert answer.status_code == 405
    assert Order.objects.get().total_items == 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("page=2", 404),
        ("page=0", 404),
        ("page=nonsense", 404),
        ("page=" + "9" * 400, 404),
        ("page=%00", 404),
        ("page_size=0", 200),
        ("page_size=-5", 200),
        ("page_size=%00", 200),
        ("page_size=" + "9" * 400, 200),
    ],
)
def test_pages_that_are_none_are_told_so(shopper: User, query: str, status: int) -> None:
    order_of(shopper, product_make("Milk"))
    assert client_of(shopper).get(f"/api/orders?{query}").status_code == status


@pytest.mark.parametrize("order_id", [uuid4(), "nonsense", "%00"])
def test_a_receipt_that_is_none_is_not_found(shopper: User, order_id: object) -> None:
    assert client_of(shopper).get(f"/api/orders/{order_id}").status_code == 404


def test_a_list_takes_as_many_queries_for_50_receipts_as_for_2(
    shopper: User, stranger: User, django_assert_num_queries: Any
) -> None:
    milk, juice = product_make("Milk"), product_make("Juice")
    for user, number in ((shopper, 2), (stranger, 50)):
        for _ in range(number):
            order_of(user, milk, juice)
    for user, number in ((shopper, 2), (stranger, 50)):
        with django_assert_num_queries(3):
            rows = client_of(user).get("/api/orders?page_size=100").json()["results"]
        assert [len(row["items"]) for row in rows] == [2] * number

"""Sessions and carts over REST: bodies, permissions, and the answers to bad input."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from checkout.cart import items, services
from checkout.live import tickets
from checkout.models import BillingItem, CheckoutSession
from orders.models import Order
from tests.checkout.shop import product_make, seen, session_with

HOSTILE = [
    {"quantity": -1},
    {"quantity": 1000},
    {"quantity": 10**40},
    {"quantity": "1" * 5000},
    {"quantity": 1.5},
    {"quantity": "two"},
    {"quantity": "\0"},
    {"quantity": None},
    {"quantity": True},
    {"quantity": [1]},
    {"quantity": {"$gt": 1}},
    {},
    [],
    [[[]]],
    "text",
    7,
    None,
]


def client_of(user: User | None) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def client(shopper: User) -> APIClient:
    return client_of(shopper)


def addresses(session_id: object, product_id: object) -> list[tuple[str, str, Any]]:
    base = f"/api/sessions/{session_id}"
    return [
        ("get", base, None),
        ("delete", base, None),
        ("post", f"{base}/ticket", None),
        ("get", f"{base}/billing", None),
        ("put", f"{base}/billing/items/{product_id}", {"quantity": 5}),
        ("post", f"{base}/billing/confirm", None),
    ]


def test_a_session_is_started_shown_and_cancelled(client: APIClient) -> None:
    answer = client.post("/api/sessions")
    body = answer.json()
    assert (answer.status_code, body["status"], body["order_id"]) == (201, "active", None)
    address = f"/api/sessions/{body['session_id']}"
    assert client.get(address).json() == body
    assert client.delete(address).status_code == 204
    assert client.get(address).json()["status"] == "expired"
    assert client.delete(address).status_code == 204


def test_a_visit_over_rest_ends_in_an_order(client: APIClient, shopper: User) -> None:
    milk, juice = product_make("Milk", "1.10"), product_make("Juice", "2.35")
    address = f"/api/sessions/{client.post('/api/sessions').json()['session_id']}"
    answer = client.put(f"{address}/billing/items/{milk.pk}", {"quantity": 3})
    assert (answer.status_code, answer.json()["total_amount"]) == (200, "3.30")
    session = CheckoutSession.objects.get()
    items.item_add(session_id=session.pk, product_id=juice.pk, cause=seen(0.75))
    assert client.get(f"{address}/billing").json() == {
        "items": [
            {
                "product_id": str(milk.pk),
                "name": "Milk",
                "quantity": 3,
                "unit_price": "1.10",
                "avg_score": None,
                "source": "manual",
                "image": None,
            },
            {
                "product_id": str(juice.pk),
                "name": "Juice",
                "quantity": 1,
                "unit_price": "2.35",
                "avg_score": 0.75,
                "source": "vision",
                "image": None,
            },
        ],
        "total_items": 4,
        "total_amount": "5.65",
        "currency": "EUR",
        "unresolved": [],
    }
    first = client.post(f"{address}/billing/confirm")
    again = client.post(f"{address}/billing/confirm")
    order = Order.objects.get()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json() == {
        "order_id": str(order.pk),
        "number": order.number,
        "total_items": 4,
        "total_amount": "5.65",
    }
    assert client.get(address).json()["order_id"] == str(order.pk)
    refused = client.delete(address)
    assert (refused.status_code, refused.json()["code"]) == (409, "session_not_active")


def test_refusals_are_problems_with_a_code_and_what_helps(client: APIClient, shopper: User) -> None:
    empty = services.session_start(user=shopper)
    mixed = session_with(shopper, product_make("Apple", None), product_make("Milk"))
    for session, code, names in ((empty, "empty_cart", None), (mixed, "items_without_price", ["Apple"])):
        answer = client.post(f"/api/sessions/{session.pk}/billing/confirm")
        body = answer.json()
        assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
        assert (body["code"], body["status"]) == (code, 409)
        assert [item["name"] for item in body["items"]] == names if names else "items" not in body
    answer = client.put(f"/api/sessions/{empty.pk}/billing/items/{uuid4()}", {"quantity": 1})
    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_product")
    assert Order.objects.count() == 0


def test_a_ticket_is_for_this_session_and_this_shopper(client: APIClient, shopper: User) -> None:
    session = services.session_start(user=shopper)
    answer = client.post(f"/api/sessions/{session.pk}/ticket")
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 30)
    login = tickets.ticket_redeem(ticket=answer.json()["ticket"], session_id=session.pk)
    assert login is not None
    assert login.account_id == shopper.pk
    services.session_cancel(session_id=session.pk)
    answer = client.post(f"/api/sessions/{session.pk}/ticket")
    assert (answer.status_code, answer.json()["code"]) == (409, "session_not_active")


def test_someone_elses_session_does_not_exist_and_stays_as_it_was(
    shopper: User, stranger: User, keeper: User
) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk)
    for user in (stranger, keeper):
        for method, address, body in addresses(session.pk, milk.pk):
            answer = getattr(client_of(user), method)(address, body)
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_session"), address
    session.refresh_from_db()
    assert (session.status, BillingItem.objects.get().quantity, Order.objects.count()) == ("active", 1, 0)


def test_nobody_gets_anywhere_without_logging_in(shopper: User) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk)
    for method, address, body in [*addresses(session.pk, milk.pk), ("post", "/api/sessions", None)]:
        assert getattr(APIClient(), method)(address, body).status_code == 401, address
    assert (CheckoutSession.objects.get().status, BillingItem.objects.get().quantity) == ("active", 1)


@pytest.mark.parametrize("body", HOSTILE, ids=[repr(body)[:30] for body in HOSTILE])
def test_a_quantity_that_is_none_is_refused_and_changes_nothing(
    client: APIClient, shopper: User, body: Any
) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk)
    address = f"/api/sessions/{session.pk}/billing/items/{milk.pk}"
    answer = client.put(address, body)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["detail"]
    assert BillingItem.objects.get().quantity == 1


def test_bodies_that_are_no_json_are_refused(client: APIClient, shopper: User) -> None:
    milk = product_make("Milk")
    address = f"/api/sessions/{session_with(shopper, milk).pk}/billing/items/{milk.pk}"
    for body in (b"{", b"\xff\xfe", b"[" * 100_000, b"{" * 10, b'{"quantity": NaN}', b"\0"):
        answer = client.put(address, body, content_type="application/json")
        assert answer.status_code == 400, body[:20]
    assert client.put(address, b"a=b", content_type="text/csv").status_code == 415
    assert BillingItem.objects.get().quantity == 1


@pytest.mark.parametrize("session_id", ["0", "nonsense", "%00", "1" * 400, "../../etc"])
def test_an_id_that_is_none_is_not_found(client: APIClient, session_id: str) -> None:
    for method, address, body in addresses(session_id, uuid4()):
        assert getattr(client, method)(address, body).status_code in {404, 405}, address


def test_an_abandoned_session_shows_as_expired(client: APIClient, shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"))
    CheckoutSession.objects.update(last_active=timezone.now() - timedelta(minutes=61))
    assert client.get(f"/api/sessions/{session.pk}").json()["status"] == "expired"
    answer = client.post(f"/api/sessions/{session.pk}/billing/confirm")
    assert (answer.status_code, answer.json()["session_status"]) == (409, "expired")


def test_addresses_are_as_published() -> None:
    session_id, product_id = UUID(int=1), UUID(int=2)
    assert reverse("api-billing-item", args=[session_id, product_id]) == (
        f"/api/sessions/{session_id}/billing/items/{product_id}"
    )


def test_the_description_of_the_api_names_every_call() -> None:
    body = APIClient().get("/api/schema/", headers={"accept": "application/vnd.oai.openapi+json"}).json()
    described = {(path, method) for path, methods in body["paths"].items() for method in methods}
    assert {
        ("/api/sessions", "post"),
        ("/api/sessions/{session_id}", "get"),
        ("/api/sessions/{session_id}", "delete"),
        ("/api/sessions/{session_id}/ticket", "post"),
        ("/api/sessions/{session_id}/billing", "get"),
        ("/api/sessions/{session_id}/billing/items/{product_id}", "put"),
        ("/api/sessions/{session_id}/billing/confirm", "post"),
        ("/api/orders", "get"),
        ("/api/orders/{order_id}", "get"),
    } <= described
    line = body["components"]["schemas"]["CartLine"]["properties"]
    assert (line["unit_price"]["type"], line["avg_score"]["type"]) == ("string", "number")

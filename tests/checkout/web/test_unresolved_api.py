"""Unresolved items over REST: resolved, given up, seen, and asked for at payment."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.models import CheckoutSession, UnresolvedItem
from orders.models import Order
from tests.checkout.cart.unresolved import left
from tests.checkout.shop import cart_lines, product_make, session_with
from tests.checkout.web.test_api import client_of

pytestmark = pytest.mark.django_db
CODE = "4006381333931"
NOWHERE = "00000000-0000-4000-8000-000000000001"
BAD_BODIES: list[Any] = [
    {},
    [],
    "text",
    None,
    {"product_id": 7},
    {"product_id": "no"},
    {"code": 4006381333931},
]


def post(user: User | None, session: CheckoutSession, path: str, body: Any = None) -> Any:
    return client_of(user).post(f"/api/sessions/{session.pk}/{path}", body, format="json")


def test_it_is_resolved_by_product_and_by_barcode_and_the_cart_is_the_answer(
    session: CheckoutSession, shopper: User
) -> None:
    milk, tea = product_make("Milk"), product_make("Tea", barcode=CODE)
    first, second = left(session, milk), left(session)
    answer = post(shopper, session, f"unresolved/{first}/resolve", {"product_id": str(milk.pk)})
    assert (answer.status_code, [line["id"] for line in answer.json()["unresolved"]]) == (200, [str(second)])
    answer = post(shopper, session, f"unresolved/{second}/resolve", {"code": CODE})
    assert (answer.status_code, answer.json()["total_items"], answer.json()["unresolved"]) == (200, 2, [])
    assert cart_lines(session) == {"Milk": 1, "Tea": 1}
    again = post(shopper, session, f"unresolved/{first}/resolve", {"product_id": str(tea.pk)})
    assert (again.status_code, again.json()["code"]) == (409, "already_resolved")


@pytest.mark.parametrize("body", [*BAD_BODIES, {"product_id": NOWHERE, "code": CODE}], ids=repr)
def test_a_body_that_names_no_product_is_refused(session: CheckoutSession, shopper: User, body: Any) -> None:
    item = left(session)
    assert post(shopper, session, f"unresolved/{item}/resolve", body).status_code == 400
    assert UnresolvedItem.objects.get().outcome is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"code": "123"}, 400, "bad_barcode"),
        ({"code": CODE}, 404, "no_such_product"),
        ({"product_id": str(uuid4())}, 404, "no_such_product"),
    ],
)
def test_products_are_refused_as_everywhere(
    session: CheckoutSession, shopper: User, body: Any, status: int, code: str
) -> None:
    answer = post(shopper, session, f"unresolved/{left(session)}/resolve", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert UnresolvedItem.objects.get().outcome is None


def test_it_is_given_up_with_one_of_two_reasons(session: CheckoutSession, shopper: User) -> None:
    item = left(session)
    refused: list[Any] = [{}, {"reason": "left"}, {"reason": "bored"}, {"reason": None}, []]
    for body in refused:
        assert post(shopper, session, f"unresolved/{item}/dismiss", body).status_code == 400
    answer = post(shopper, session, f"unresolved/{item}/dismiss", {"reason": "not_mine"})
    assert (answer.status_code, answer.json()["unresolved"]) == (200, [])
    assert UnresolvedItem.objects.get().outcome == "not_mine"
    missing = post(shopper, session, f"unresolved/{uuid4()}/dismiss", {"reason": "put_back"})
    assert (missing.status_code, missing.json()["code"]) == (404, "unresolved_not_found")


def test_where_shoppers_may_not_give_up_an_admin_does(
    session: CheckoutSession, shopper: User, keeper: User, stranger: User, settings: Settings
) -> None:
    settings.SHOPPER_DISMISSES = False
    path, body = f"unresolved/{left(session)}/dismiss", {"reason": "put_back"}
    refused = post(shopper, session, path, body)
    assert (refused.status_code, refused.json()["code"]) == (403, "staff_needed")
    assert post(stranger, session, path, body).status_code == 404
    assert UnresolvedItem.objects.get().outcome is None
    assert post(keeper, session, path, body).status_code == 200
    assert UnresolvedItem.objects.get().outcome == "put_back"


def test_its_picture_is_shown_to_the_shopper_and_to_admins_and_kept_nowhere(
    session: CheckoutSession, shopper: User, keeper: User, stranger: User
) -> None:
    item = left(session)
    address = f"/api/sessions/{session.pk}/unresolved/{item}/picture"
    for user in (shopper, keeper):
        answer = client_of(user).get(address)
        assert (answer.status_code, answer.content, answer["Content-Type"]) == (200, b"jpeg", "image/jpeg")
        assert answer["Cache-Control"] == "no-store"
    assert client_of(stranger).get(address).status_code == 404
    assert client_of(None).get(address).status_code == 401
    assert client_of(shopper).get(address.replace(str(item), str(uuid4()))).status_code == 404


def test_nobody_else_touches_it(session: CheckoutSession, stranger: User, keeper: User) -> None:
    milk = product_make("Milk")
    item = left(session, milk)
    for user, status in ((stranger, 404), (keeper, 404), (None, 401)):
        answer = post(user, session, f"unresolved/{item}/resolve", {"product_id": str(milk.pk)})
        assert answer.status_code == status
    for user, status in ((stranger, 404), (None, 401)):
        answer = post(user, session, f"unresolved/{item}/dismiss", {"reason": "put_back"})
        assert answer.status_code == status
    assert (UnresolvedItem.objects.get().outcome, cart_lines(session)) == (None, {})


def test_payment_names_what_is_unresolved_where_another_number_was_shown(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"))
    item = left(session)
    refused = post(shopper, session, "billing/confirm", {"expected_unresolved": 0})
    body = refused.json()
    assert (refused.status_code, body["code"]) == (409, "unresolved_items")
    cart = client_of(shopper).get(f"/api/sessions/{session.pk}/billing").json()
    assert body["items"] == cart["unresolved"]
    assert [line["id"] for line in body["items"]] == [str(item)]
    bad_values: list[Any] = [-1, "1", 1.5, None, True, []]
    for value in bad_values:
        assert post(shopper, session, "billing/confirm", {"expected_unresolved": value}).status_code == 400
    assert Order.objects.count() == 0
    paid = post(shopper, session, "billing/confirm", {"expected_unresolved": 1})
    assert (paid.status_code, UnresolvedItem.objects.get().outcome) == (201, "left")


def test_a_client_that_does_not_ask_pays_as_before(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"))
    left(session)
    assert post(shopper, session, "billing/confirm").status_code == 201
    assert UnresolvedItem.objects.get().outcome == "left"

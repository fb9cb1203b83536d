"""Nobody pays another total than the one that was shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from catalog.models import Product
from checkout.cart import items, services
from checkout.models import CheckoutSession
from orders.models import Order
from tests.checkout.shop import product_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(shopper: User) -> CheckoutSession:
    session = services.session_start(user=shopper)
    milk = product_make("Milk", price="1.20")
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=2)
    return session


def paid(shopper: User, session: CheckoutSession, **shown: Any) -> Any:
    client = Client()
    client.force_login(shopper)
    path = f"/api/sessions/{session.pk}/billing/confirm"
    return client.post(path, shown, content_type="application/json")


@pytest.mark.parametrize("shown", [{"expected_total": "2.40"}, {"expected_total": "2.4"}, {}])
def test_the_total_that_was_shown_is_paid_once(
    shopper: User, session: CheckoutSession, shown: dict[str, Any]
) -> None:
    answers = [paid(shopper, session, **shown) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["total_amount"] == "2.40"
    # Asked again with what is no longer true, it still is the same order.
    assert paid(shopper, session, expected_total="9.00").json() == answers[0].json()


@pytest.mark.parametrize("total", ["2.39", "0.00", None])
def test_another_total_is_refused_with_the_cart_as_it_is(
    shopper: User, session: CheckoutSession, total: str | None
) -> None:
    answer = paid(shopper, session, expected_total=total)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (409, "cart_changed")
    assert (body["cart"]["total_amount"], body["cart"]["items"][0]["quantity"]) == ("2.40", 2)
    assert not Order.objects.exists()
    session.refresh_from_db()
    assert session.status == CheckoutSession.Status.ACTIVE


def test_a_price_that_changes_under_the_shopper_is_not_charged_unseen(
    shopper: User, session: CheckoutSession
) -> None:
    Product.objects.update(price=Decimal("9.99"))
    assert paid(shopper, session, expected_total="2.40").status_code == 409
    assert paid(shopper, session, expected_total="19.98").status_code == 201


def test_a_cart_without_prices_is_paid_as_one_without_a_total(
    shopper: User, session: CheckoutSession
) -> None:
    Product.objects.update(price=None)
    assert paid(shopper, session, expected_total="2.40").status_code == 409
    answer = paid(shopper, session, expected_total=None)
    assert (answer.status_code, answer.json()["total_amount"]) == (201, None)


@pytest.mark.parametrize("total", [True, "two", "1e30", "2.405", [], {}])
def test_what_is_no_amount_is_refused(shopper: User, session: CheckoutSession, total: Any) -> None:
    assert paid(shopper, session, expected_total=total).status_code == 400
    assert not Order.objects.exists()

"""Order numbers, and that one which is taken is drawn again."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError

from accounts.models import User
from accounts.stores import store_default
from checkout.cart import items
from checkout.cart import services as checkout_services
from checkout.lanes.visits import lane_visit
from orders import services
from orders.models import Order
from tests.checkout.lanes.makers import lane_make, store_make
from tests.checkout.shop import product_make, session_with


def test_a_number_is_the_day_and_five_characters_that_are_not_mistaken() -> None:
    numbers = {services.order_number_make() for _ in range(200)}
    assert len(numbers) > 190
    assert all(re.fullmatch(r"\d{6}-[0-9A-HJKMNP-TV-Z]{5}", number) for number in numbers)


def test_a_number_already_taken_is_drawn_again(shopper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["A-1", "A-1", "A-1", "B-2"])
    monkeypatch.setattr(services, "order_number_make", lambda: next(drawn))
    milk = product_make("Milk")
    for _ in range(2):
        checkout_services.session_confirm(session_id=session_with(shopper, milk).pk)
    assert sorted(Order.objects.values_list("number", flat=True)) == ["A-1", "B-2"]


def test_after_20_numbers_that_are_taken_the_order_fails(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    milk = product_make("Milk")
    for drawn in (["A-1"], ["A-1"] * 19 + ["B-2"], ["A-1"] * 20 + ["C-3"]):
        numbers = iter(drawn)
        monkeypatch.setattr(services, "order_number_make", lambda numbers=numbers: next(numbers))
        session = session_with(shopper, milk)
        if drawn[-1] == "C-3":
            with pytest.raises(IntegrityError, match="20 tries"):
                checkout_services.session_confirm(session_id=session.pk)
        else:
            checkout_services.session_confirm(session_id=session.pk)
    assert sorted(Order.objects.values_list("number", flat=True)) == ["A-1", "B-2"]


def test_a_session_never_gets_a_second_order(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"))
    order = checkout_services.session_confirm(session_id=session.pk).order
    line = services.OrderLine(order.items.get().product_id, "Milk", 1, None, None)
    with pytest.raises(IntegrityError):
        services.order_place(
            user_id=shopper.pk,
            session_id=session.pk,
            store_id=store_default().pk,
            lines=[line],
            currency="EUR",
        )
    assert Order.objects.get() == order


def test_an_order_is_of_the_store_of_its_lane_or_of_the_first(shopper: User) -> None:
    milk, other = product_make("Milk"), store_make()
    lane = lane_make(store=other)
    at_lane = lane_visit(lane=lane)
    items.item_set(session_id=at_lane.pk, product_id=milk.pk, quantity=1)
    orders = [
        checkout_services.session_confirm(session_id=session.pk).order
        for session in (at_lane, session_with(shopper, milk))
    ]
    assert [order.store for order in orders] == [other, store_default()]

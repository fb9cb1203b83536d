"""Many callers on one cart at once, each protection beside a control that fails without it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connection

from accounts.models import User
from checkout.cart import items, selectors, services, sessions
from checkout.errors import SessionNotActive
from checkout.models import BillingItem, CheckoutSession, ScanEvent
from ebrcs.errors import EbrcsError
from orders.models import Order, OrderItem
from tests.checkout.shop import product_make, seen, session_with

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 40


def at_once(calls: int, call: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Call from many threads that start together; return results, refusals and database errors alike."""
    barrier = threading.Barrier(min(threads, calls))
    started = threading.local()

    def guarded(number: int) -> Any:
        if not getattr(started, "done", False):
            started.done = True
            barrier.wait(30)
        try:
            return call(number)
        except (EbrcsError, DatabaseError) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(min(threads, calls)) as pool:
        return list(pool.map(guarded, range(calls)))


def confirming(session: CheckoutSession) -> Callable[[int], services.Confirmation]:
    """Return a call that confirms a session."""
    return lambda _: services.session_confirm(session_id=session.pk)


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the lock away."""
    monkeypatch.setattr(sessions, "sessions_for_update", CheckoutSession.objects.all)


@pytest.mark.postgres
def test_500_confirms_of_one_cart_give_one_order_to_everybody(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"), product_make("Juice"), quantity=2)
    confirmations = at_once(500, confirming(session))
    assert {confirmation.order.pk for confirmation in confirmations} == {Order.objects.get().pk}
    assert Counter(confirmation.created for confirmation in confirmations) == {True: 1, False: 499}
    assert OrderItem.objects.count() == 2


@pytest.mark.postgres
def test_without_the_lock_some_of_them_fail(shopper: User, unlocked: None) -> None:
    failures = 0
    for _ in range(10):
        session = session_with(shopper, product_make("Milk"))
        outcomes = at_once(40, confirming(session))
        failures += sum(isinstance(outcome, Exception) for outcome in outcomes)
        # The unique session of an order is the last line of defence.
        assert Order.objects.filter(session=session).count() == 1
    assert failures > 0


def test_20_confirms_of_one_cart_give_one_order_on_any_database(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"))
    confirmations = at_once(20, confirming(session), threads=10)
    assert {confirmation.order.pk for confirmation in confirmations} == {Order.objects.get().pk}


def test_50_additions_at_once_are_all_counted(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    events = at_once(
        50,
        lambda _: items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9)),
        threads=25,
    )
    item = BillingItem.objects.get()
    assert not [event for event in events if isinstance(event, Exception)]
    assert (item.quantity, item.score_count, float(item.avg_score or 0)) == (50, 50, 0.9)
    assert ScanEvent.objects.count() == 50


@pytest.mark.postgres
def test_without_the_lock_additions_get_lost(shopper: User, unlocked: None) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk)
    at_once(50, lambda _: items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9)))
    assert BillingItem.objects.get().quantity < 51


def test_the_same_change_asked_for_by_many_at_once_happens_once(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    cause = seen(0.9)
    events = at_once(
        20, lambda _: items.item_add(session_id=session.pk, product_id=milk.pk, cause=cause), threads=10
    )
    assert len([event for event in events if event is not None]) == 1
    assert BillingItem.objects.get().quantity == 1


def test_what_is_added_while_paying_is_either_paid_or_refused(shopper: User) -> None:
    milk = product_make("Milk")
    for _ in range(5):
        session = session_with(shopper, milk)

        def act(number: int, session: CheckoutSession = session) -> Any:
            if number == 5:
                return services.session_confirm(session_id=session.pk)
            return items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))

        outcomes = at_once(10, act, threads=10)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert {type(error) for error in refused} <= {SessionNotActive}
        order = Order.objects.get(session=session)
        assert order.total_items == 1 + 9 - len(refused)
        assert selectors.cart_get(session_id=session.pk)["total_items"] == order.total_items


def test_cancelling_and_paying_at_once_is_one_or_the_other(shopper: User) -> None:
    milk = product_make("Milk")
    for _ in range(5):
        session = session_with(shopper, milk)

        def act(number: int, session: CheckoutSession = session) -> Any:
            service = services.session_cancel if number % 2 else services.session_confirm
            return service(session_id=session.pk)

        at_once(8, act, threads=8)
        session.refresh_from_db()
        assert (session.status, Order.objects.filter(session=session).count()) in {
            ("completed", 1),
            ("expired", 0),
        }

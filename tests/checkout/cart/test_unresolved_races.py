"""Many callers on one unresolved item at once: it is added once, beside controls in which it is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from checkout.cart import services, sessions, unresolved
from checkout.cart.scan_events import Cause
from checkout.cart.unresolved import (
    unresolved_count_sighting,
    unresolved_dismiss,
    unresolved_open,
    unresolved_resolve,
)
from checkout.models import BillingItem, CheckoutSession, ScanEvent, UnresolvedItem
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.cart.unresolved import left
from tests.checkout.shop import product_make, seen, session_with

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
CALLERS, ROUNDS = 12, 5


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the lock on the session away."""
    monkeypatch.setattr(sessions, "sessions_for_update", CheckoutSession.objects.all)


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look whether an item is open, and close it afterwards."""

    def close(item: UnresolvedItem, outcome: Any, product: Any = None) -> bool:
        is_open = item.outcome is None
        UnresolvedItem.objects.filter(pk=item.pk).update(
            outcome=outcome, resolved_at=item.created_at, product=product
        )
        return is_open

    monkeypatch.setattr(unresolved, "unresolved_close", close)


def pieces(session: CheckoutSession) -> int:
    return sum(BillingItem.objects.filter(session=session).values_list("quantity", flat=True))


def invariants_hold(session: CheckoutSession, item: UUID) -> None:
    """Check by the rows: as many pieces as additions about the item, and one where its outcome is added."""
    additions = ScanEvent.objects.filter(session=session, action="add", about=item).count()
    outcome = UnresolvedItem.objects.get(pk=item).outcome
    assert additions == pieces(session) == (1 if outcome == "added" else 0)


def by_hand_camera_and_dismissal(
    session: CheckoutSession, item: UUID, product_id: UUID
) -> Callable[[int], object]:
    """Return a call that resolves, counts or gives up, by turns."""

    def call(number: int) -> object:
        about: dict[str, Any] = {"session_id": session.pk, "unresolved_id": item}
        if number % 3 == 0:
            return unresolved_resolve(**about, product_id=product_id)
        if number % 3 == 1:
            return unresolved_count_sighting(**about, product_id=product_id, cause=seen(0.9))
        return unresolved_dismiss(**about, reason="put_back")

    return call


def test_resolved_counted_and_given_up_at_once_it_is_added_once(shopper: User) -> None:
    milk = product_make("Milk")
    for _ in range(ROUNDS):
        session = services.session_start(user=shopper)
        item = left(session, milk)
        at_once(CALLERS, by_hand_camera_and_dismissal(session, item, milk.pk), CALLERS)
        invariants_hold(session, item)
        assert pieces(session) == 1, "the camera saw it"


def resolving(session: CheckoutSession, item: UUID, product_id: UUID) -> Counter[str]:
    """Let two sockets, or a dozen, resolve the same item at once; return what they were told."""
    told = at_once(
        CALLERS,
        lambda _: unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=product_id),
        CALLERS,
    )
    return Counter("done" if isinstance(each, dict) else type(each).__name__ for each in told)


def test_many_sockets_that_resolve_it_at_once_add_it_once(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    item = left(session, milk)
    assert resolving(session, item, milk.pk) == Counter(done=1, AlreadyResolved=CALLERS - 1)
    invariants_hold(session, item)


def test_without_the_lock_the_item_itself_is_the_last_defence(shopper: User, unlocked: None) -> None:
    milk = product_make("Milk")
    for _ in range(ROUNDS):
        session = services.session_start(user=shopper)
        item = left(session, milk)
        assert resolving(session, item, milk.pk)["done"] == 1
        invariants_hold(session, item)


def test_without_lock_and_defence_it_is_added_more_than_once(
    shopper: User, unlocked: None, unguarded: None
) -> None:
    milk = product_make("Milk")
    done = 0
    for _ in range(ROUNDS):
        session = session_with(shopper, milk)
        done += resolving(session, left(session, milk), milk.pk)["done"]
    assert done > ROUNDS


def test_one_report_asked_for_by_many_opens_one_item(shopper: User) -> None:
    session, cause = services.session_start(user=shopper), Cause(score=0.5)

    def report(_: int) -> object:
        return unresolved_open(session_id=session.pk, kind="unknown", track=1, choices=[], cause=cause)

    told = at_once(CALLERS, report, CALLERS)
    assert len([each for each in told if each is not None]) == 1
    assert (UnresolvedItem.objects.count(), ScanEvent.objects.count()) == (1, 1)


def test_resolving_while_paying_is_either_paid_or_left(shopper: User) -> None:
    milk, tea = product_make("Milk"), product_make("Tea")
    for _ in range(ROUNDS):
        session = session_with(shopper, tea)
        item = left(session, milk)

        def act(number: int, session: CheckoutSession = session, item: UUID = item) -> object:
            if number % 2:
                return services.session_confirm(session_id=session.pk)
            return unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=milk.pk)

        at_once(4, act, 4)
        session.refresh_from_db()
        outcome = UnresolvedItem.objects.get(pk=item).outcome
        assert (outcome, session.order.total_items) in {("added", 2), ("left", 1)}

"""A product is deleted while it is put into carts: one of the two wins, and nobody gets an error of ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection

from accounts.models import User
from catalog.models import Product
from checkout.cart import corrections, items, locks, services
from checkout.cart.scan_events import Cause
from checkout.errors import ChangeUnknown, ProductNotFound
from checkout.live.camera_state import camera_state_make
from checkout.live.pending_changes import Change
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from recognition.errors import ProductSold
from recognition.services.products import product_delete
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.live.test_faults import frame_worker_of
from tests.checkout.shop import cart_lines, product_make, seen, session_with

pytestmark = pytest.mark.django_db(transaction=True)
Action = ScanEvent.Action
Put = Callable[[CheckoutSession, Product], object]


def set_by_hand(session: CheckoutSession, product: Product) -> object:
    return items.item_set(session_id=session.pk, product_id=product.pk, quantity=1)


def added(session: CheckoutSession, product: Product) -> object:
    return items.item_add(session_id=session.pk, product_id=product.pk, cause=seen(0.9))


def answered(session: CheckoutSession, product: Product) -> None:
    return items.scan_note(session_id=session.pk, action=Action.ANSWER, cause=Cause(), product_id=product.pk)


def corrected(session: CheckoutSession, product: Product) -> object:
    wrong = BillingItem.objects.get(session=session).product_id
    return corrections.item_correct(session_id=session.pk, product_id=wrong, instead_id=product.pk)


def disagreed(session: CheckoutSession, product: Product) -> object:
    pictured = BillingItem.objects.get(session=session).product_id
    return corrections.disagreement_resolve(
        session_id=session.pk,
        counted_id=None,
        product_id=product.pk,
        pictured_id=pictured,
        cause=Cause(source=Source.BARCODE),
    )


def brought_back(session: CheckoutSession, product: Product) -> object:
    removal = ScanEvent.objects.get(session=session, action=Action.REMOVE)
    return corrections.change_undo(session_id=session.pk, event_id=removal.pk)


WAYS = [set_by_hand, added, answered, corrected, disagreed, brought_back]


def race(shopper: User, put: Put, rounds: int) -> list[Any]:
    """Delete a product while eight carts take it, several times; return what they were answered."""
    outcomes = []
    for number in range(rounds):
        product, other = product_make(f"Product {number}"), product_make(f"Other {number}")
        sessions = [session_with(shopper, other) for _ in range(9)]
        if put is brought_back:
            for session in sessions:
                set_by_hand(session, product)
                items.item_set(session_id=session.pk, product_id=product.pk, quantity=0)

        def act(caller: int, product: Product = product, sessions: Any = sessions) -> object:
            if caller == 4:
                return product_delete(product_id=product.pk)
            return put(sessions[caller], product)

        outcomes += at_once(9, act, threads=9)
    return outcomes


def invariants_hold() -> None:
    """Every line and every event names a product that exists, and every line was recorded."""
    orphans = """
        SELECT count(*) FROM billing_items b LEFT JOIN products p ON p.id = b.product_id WHERE p.id IS NULL
        UNION ALL
        SELECT count(*) FROM scan_events e LEFT JOIN products p ON p.id = e.product_id
        WHERE p.id IS NULL AND e.product_id IS NOT NULL
        UNION ALL
        SELECT count(*) FROM billing_items b WHERE NOT EXISTS (
            SELECT 1 FROM scan_events e
            WHERE e.session_id = b.session_id AND b.product_id IN (e.product_id, e.other_product_id))
    """
    with connection.cursor() as cursor:
        cursor.execute(orphans)
        assert [count for (count,) in cursor.fetchall()] == [0, 0, 0]


@pytest.mark.postgres
@pytest.mark.parametrize("put", WAYS)
def test_a_product_deleted_meanwhile_is_missing_and_one_in_a_cart_stays(shopper: User, put: Put) -> None:
    outcomes = race(shopper, put, rounds=6)
    refused = {type(outcome) for outcome in outcomes if isinstance(outcome, Exception)}
    assert refused <= {ProductNotFound, ProductSold, ChangeUnknown}
    assert len(outcomes) == 6 * 9
    invariants_hold()


def meeting(
    session: CheckoutSession, product: Product, monkeypatch: pytest.MonkeyPatch, keep: Callable[..., Product]
) -> list[object]:
    """Delete a product between its being read for a cart and the commit; return both outcomes."""
    read, over = threading.Event(), threading.Event()

    def keep_and_wait(*, product_id: UUID) -> Product:
        found = keep(product_id=product_id)
        read.set()
        over.wait(0.5)
        return found

    monkeypatch.setattr(items, "product_keep", keep_and_wait)

    def act(caller: int) -> object:
        if caller == 0:
            return added(session, product)
        read.wait(10)
        try:
            return product_delete(product_id=product.pk)
        finally:
            over.set()

    return at_once(2, act, threads=2)


@pytest.mark.postgres
def test_whoever_adds_first_keeps_the_product(
    shopper: User, session: CheckoutSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, refusal = meeting(session, product_make("Milk"), monkeypatch, locks.product_keep)
    assert isinstance(event, dict)
    assert isinstance(refusal, ProductSold)
    assert cart_lines(session) == {"Milk": 1}


@pytest.mark.postgres
def test_control_without_the_lock_the_caller_meets_an_error_of_the_database(
    shopper: User, session: CheckoutSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*, product_id: UUID) -> Product:
        return Product.objects.get(pk=product_id)

    error, deleted = meeting(session, product_make("Milk"), monkeypatch, read)
    assert isinstance(error, IntegrityError)
    assert not isinstance(deleted, Exception)
    assert not BillingItem.objects.exists()


@pytest.mark.postgres
def test_paying_while_a_product_is_deleted_sells_it_or_finds_it_gone(shopper: User) -> None:
    for number in range(6):
        product = product_make(f"Product {number}")
        session = session_with(shopper, product)

        def act(caller: int, product: Product = product, session: CheckoutSession = session) -> object:
            if caller % 2:
                return product_delete(product_id=product.pk)
            return services.session_confirm(session_id=session.pk)

        outcomes = at_once(6, act, threads=6)
        assert [type(outcomes[caller]) for caller in (1, 3, 5)] == [ProductSold] * 3
        assert {outcomes[caller].order.total_items for caller in (0, 2, 4)} == {1}
    invariants_hold()


def test_the_frame_worker_tells_of_a_product_deleted_meanwhile_and_goes_on(
    shopper: User, session: CheckoutSession
) -> None:
    milk, camera, sent = product_make("Milk"), camera_state_make(), list[Any]()
    gone_id = uuid4()
    camera.changes += [Change(Action.ADD, product_id, seen(0.9)) for product_id in (gone_id, milk.pk)]
    asyncio.run(frame_worker_of(session.pk, camera, sent).store())
    assert [message.get("code") or message["name"] for message in sent] == ["no_such_product", "Milk"]
    assert sent[0]["data"] == {"product_id": str(gone_id)}
    assert camera.changes == []


def test_control_without_the_lock_the_frame_worker_fails(
    shopper: User, session: CheckoutSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = Product(pk=uuid4(), name="Gone")  # as it was read before it was deleted
    monkeypatch.setattr(items, "product_keep", lambda product_id: stale)
    camera = camera_state_make()
    camera.changes.append(Change(Action.ADD, stale.pk, seen(0.9)))
    with pytest.raises(IntegrityError):
        asyncio.run(frame_worker_of(session.pk, camera, []).store())

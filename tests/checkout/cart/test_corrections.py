"""Undoing and correcting: each change once, whatever happened meanwhile; a refusal changes nothing."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.models import Product
from checkout.cart import corrections, items, services, sessions
from checkout.cart.reasons import barcode_reason
from checkout.cart.scan_events import Cause
from checkout.errors import (
    AlreadyUndone,
    ChangeUnknown,
    ItemNotInCart,
    ItemsNotForSale,
    NothingToUndo,
    SessionNotActive,
)
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from checkout.payloads import CartEvent
from ebrcs.errors import EbrcsError
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.shop import cart_lines, product_make, seen, session_with


def add(session: CheckoutSession, product: Product, cause: Cause | None = None) -> UUID:
    cause = cause or seen(0.9)
    items.item_add(session_id=session.pk, product_id=product.pk, cause=cause)
    return cause.event_id


def undo(session: CheckoutSession, event_id: UUID | str) -> CartEvent:
    return corrections.change_undo(session_id=session.pk, event_id=UUID(str(event_id)))


def refused(error: type[EbrcsError], session: CheckoutSession, event_id: UUID | str) -> None:
    before = (cart_lines(session), ScanEvent.objects.count())
    with pytest.raises(error):
        undo(session, event_id)
    assert (cart_lines(session), ScanEvent.objects.count()) == before


@pytest.mark.parametrize("source", [Source.VISION, Source.BARCODE])
def test_an_addition_is_taken_back_once_and_named(session: CheckoutSession, source: Source) -> None:
    milk = product_make("Milk")
    event_id = add(session, milk, Cause(source=source))
    event = undo(session, event_id)
    undone = ScanEvent.objects.get(action="undo")
    assert event == {
        "id": str(undone.pk),
        "action": "undo",
        "product_id": str(milk.pk),
        "name": "Milk",
        "quantity": 1,
        "source": "manual",
        "undoable": False,
        "about": str(event_id),
    }
    assert (undone.about_id, undone.product, undone.quantity) == (event_id, milk, 1)
    assert cart_lines(session) == {}
    refused(AlreadyUndone, session, event_id)
    refused(ChangeUnknown, session, undone.pk)


def test_undoing_a_sighting_takes_its_score_out_of_the_mean(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    add(session, milk, seen(0.9))
    wrong = add(session, milk, seen(0.5))
    undo(session, wrong)
    item = BillingItem.objects.get()
    assert (item.quantity, item.avg_score, item.score_count) == (1, Decimal("0.900000"), 1)


def test_what_was_set_by_hand_is_taken_back_either_way(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    more = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=5)
    fewer = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=2)
    assert more is not None
    assert fewer is not None
    undo(session, fewer["id"])
    assert cart_lines(session) == {"Milk": 5}
    undo(session, more["id"])
    assert cart_lines(session) == {}


def test_a_removed_line_comes_back_as_it_was(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    add(session, milk, seen(0.9))
    add(session, milk, seen(0.7))
    gone = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=0)
    assert gone is not None
    undo(session, gone["id"])
    item = BillingItem.objects.get()
    assert (item.quantity, item.source, item.avg_score, item.score_count) == (
        2,
        "vision",
        Decimal("0.800000"),
        2,
    )


def test_a_correction_puts_one_product_in_the_place_of_another_and_is_taken_back(
    session: CheckoutSession,
) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    add(session, milk, seen(0.9))
    wrong = add(session, milk, seen(0.5))
    event = corrections.item_correct(session_id=session.pk, product_id=milk.pk, instead_id=cream.pk)
    assert event is not None
    assert (
        event.items()
        >= {
            "action": "correct",
            "product_id": str(milk.pk),
            "name": "Milk",
            "quantity": 1,
            "instead_id": str(cream.pk),
            "instead_name": "Cream",
            "about": str(wrong),
            "undoable": True,
        }.items()
    )
    corrected = ScanEvent.objects.get(action="correct")
    assert (corrected.product, corrected.other_product, corrected.about_id) == (milk, cream, wrong)
    assert cart_lines(session) == {"Milk": 1, "Cream": 1}
    assert BillingItem.objects.get(product=milk).avg_score == Decimal("0.900000")
    refused(AlreadyUndone, session, wrong)
    undo(session, event["id"])
    assert cart_lines(session) == {"Milk": 2}
    undo(session, wrong)
    assert cart_lines(session) == {"Milk": 1}


def test_a_correction_without_another_product_takes_one_off(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    add(session, milk)
    event = corrections.item_correct(session_id=session.pk, product_id=milk.pk)
    assert event is not None
    assert "instead_id" not in event
    assert cart_lines(session) == {}
    undo(session, event["id"])
    assert cart_lines(session) == {"Milk": 1}


@pytest.mark.parametrize("undone", [1, 20])
def test_the_latest_addition_that_stands_is_found_past_any_number_of_undone_ones(
    session: CheckoutSession, undone: int
) -> None:
    milk = product_make("Milk")
    standing = add(session, milk)
    for _ in range(undone):
        undo(session, add(session, milk))
    with CaptureQueriesContext(connection) as queries:
        event = corrections.item_correct(session_id=session.pk, product_id=milk.pk)
    assert event is not None
    assert event["about"] == str(standing)
    assert len(queries) == 9


def test_corrections_that_cannot_be_meant_are_refused(session: CheckoutSession, stranger: User) -> None:
    milk, cream, gone = product_make("Milk"), product_make("Cream"), product_make("Gone", is_active=False)
    elsewhere = add(session_with(stranger, milk), milk)
    event_id = add(session, milk)
    wrong: list[tuple[type[EbrcsError], dict[str, Any]]] = [
        (ItemNotInCart, {"product_id": cream.pk}),
        (ItemsNotForSale, {"product_id": milk.pk, "instead_id": gone.pk}),
        (ChangeUnknown, {"product_id": milk.pk, "about_id": uuid4()}),
        (ChangeUnknown, {"product_id": milk.pk, "about_id": elsewhere}),
        (ChangeUnknown, {"product_id": cream.pk, "about_id": event_id}),
    ]
    for error, arguments in wrong:
        with pytest.raises(error):
            corrections.item_correct(session_id=session.pk, **arguments)
    assert cart_lines(session) == {"Milk": 1}
    assert set(ScanEvent.objects.values_list("action", flat=True)) == {"add"}
    refused(ChangeUnknown, session, elsewhere)
    services.session_cancel(session_id=session.pk)
    refused(SessionNotActive, session, event_id)


def test_a_line_that_changed_meanwhile_gives_what_it_has(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    more = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=5)
    assert more is not None
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=2)
    assert undo(session, more["id"])["quantity"] == 2
    assert cart_lines(session) == {}
    event_id = add(session, milk)
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=0)
    refused(NothingToUndo, session, event_id)


def test_what_was_removed_comes_back_only_while_on_sale(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    add(session, milk)
    gone = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=0)
    assert gone is not None
    Product.objects.update(is_active=False)
    refused(ItemsNotForSale, session, gone["id"])


def test_the_database_itself_holds_no_change_undone_twice(session: CheckoutSession) -> None:
    event_id = add(session, product_make("Milk"))
    ScanEvent.objects.create(session=session, action="undo", source="manual", about_id=event_id)
    for about_id in (event_id, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            ScanEvent.objects.create(session=session, action="undo", source="manual", about_id=about_id)


def disagree(
    session: CheckoutSession,
    counted_id: UUID | None,
    said: Product,
    shown: Product,
    cause: Cause | None = None,
) -> object:
    return corrections.disagreement_resolve(
        session_id=session.pk,
        counted_id=counted_id,
        product_id=said.pk,
        pictured_id=shown.pk,
        cause=cause or Cause(source=Source.BARCODE, thumbnail=b"jpeg", reason=barcode_reason("0")),
    )


def test_a_barcode_that_disagrees_is_recorded_and_believed_and_the_shopper_may_undo(
    session: CheckoutSession,
) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    counted_id = add(session, milk)
    disagree(session, counted_id, cream, milk)
    record, correction = ScanEvent.objects.get(action="disagree"), ScanEvent.objects.get(action="correct")
    assert (record.product, record.other_product, record.about_id) == (cream, milk, counted_id)
    assert bytes(record.thumbnail or b"") == b"jpeg"
    assert (correction.product, correction.other_product, correction.source) == (milk, cream, "barcode")
    assert cart_lines(session) == {"Cream": 1}
    undo(session, correction.pk)
    assert cart_lines(session) == {"Milk": 1}


def test_a_barcode_does_not_bring_back_what_the_shopper_took_back(session: CheckoutSession) -> None:
    milk, cream, tea = product_make("Milk"), product_make("Cream"), product_make("Tea")
    undone, corrected = add(session, milk), add(session, milk)
    undo(session, undone)
    corrections.item_correct(session_id=session.pk, product_id=milk.pk, instead_id=tea.pk, about_id=corrected)
    for counted_id in (undone, corrected, None):
        assert disagree(session, counted_id, cream, milk) is None
    assert cart_lines(session) == {"Tea": 1}
    assert ScanEvent.objects.filter(action="disagree").count() == 3


@pytest.mark.parametrize("kept", [0, 1])
def test_a_disagreement_that_is_stored_twice_counts_once_however_many_are_kept(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(corrections, "DISAGREEMENTS_MAX", kept)
    milk, cream = product_make("Milk", is_active=False), product_make("Cream")
    cause, refused_id = Cause(source=Source.BARCODE), uuid4()
    for _ in range(2):
        disagree(session, refused_id, cream, milk, cause)
    assert cart_lines(session) == {"Cream": 1}
    assert ScanEvent.objects.filter(action="disagree").count() == kept


def test_100_disagreements_of_a_session_are_kept_and_the_next_is_still_believed(
    session: CheckoutSession,
) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    ScanEvent.objects.bulk_create(
        ScanEvent(session=session, action="disagree", source=Source.BARCODE) for _ in range(99)
    )
    for _ in range(2):
        disagree(session, add(session, milk), cream, milk)
    assert ScanEvent.objects.filter(action="disagree").count() == 100
    assert cart_lines(session) == {"Cream": 2}


def test_a_barcode_counts_where_the_picture_was_refused(session: CheckoutSession) -> None:
    disagree(session, uuid4(), product_make("Cream"), product_make("Milk", is_active=False))
    assert cart_lines(session) == {"Cream": 1}


def take_back(session: CheckoutSession, added_id: UUID, product: Product) -> None:
    corrections.sighting_remove(
        session_id=session.pk, added_id=added_id, product_id=product.pk, cause=seen(0.9)
    )


def test_an_item_that_leaves_view_takes_out_what_it_is_in_the_cart_as(session: CheckoutSession) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    plain, undone, corrected = (add(session, milk) for _ in range(3))
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=6)
    undo(session, undone)
    corrections.item_correct(
        session_id=session.pk, product_id=milk.pk, instead_id=cream.pk, about_id=corrected
    )
    assert cart_lines(session) == {"Milk": 4, "Cream": 1}
    take_back(session, undone, milk)
    assert cart_lines(session) == {"Milk": 4, "Cream": 1}
    take_back(session, corrected, milk)
    assert cart_lines(session) == {"Milk": 4}
    take_back(session, plain, milk)
    assert cart_lines(session) == {"Milk": 3}


CALLERS = 20


def outcomes_of_undoing_at_once(shopper: User) -> tuple[Counter[str], int]:
    """Let many undo the same of five additions; return what they were told, and the pieces left."""
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    event_ids = [add(session, milk) for _ in range(5)]
    told = at_once(CALLERS, lambda _: undo(session, event_ids[2]), threads=10)
    kinds = Counter("done" if isinstance(each, dict) else type(each).__name__ for each in told)
    return kinds, BillingItem.objects.get(session=session).quantity


@pytest.mark.django_db(transaction=True)
def test_many_who_undo_one_change_at_once_undo_it_once(shopper: User) -> None:
    assert outcomes_of_undoing_at_once(shopper) == (Counter(done=1, AlreadyUndone=CALLERS - 1), 4)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_without_the_lock_they_meet_in_the_constraint(shopper: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "sessions_for_update", CheckoutSession.objects.all)
    kinds: Counter[str] = Counter()
    for _ in range(10):
        told, left = outcomes_of_undoing_at_once(shopper)
        kinds += told
        assert left == 4
    assert kinds["done"] == 10
    assert kinds["IntegrityError"] > 0


@pytest.mark.django_db(transaction=True)
def test_many_who_correct_one_addition_at_once_correct_it_once(shopper: User) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    session = session_with(shopper, milk, quantity=30)
    event_id = add(session, milk)
    told = at_once(
        CALLERS,
        lambda _: corrections.item_correct(
            session_id=session.pk, product_id=milk.pk, instead_id=cream.pk, about_id=event_id
        ),
        threads=10,
    )
    assert Counter(type(each).__name__ for each in told) == {"dict": 1, "AlreadyUndone": CALLERS - 1}
    assert cart_lines(session) == {"Milk": 30, "Cream": 1}

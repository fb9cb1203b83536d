"""One session writes a bounded number of rows and pictures, and no change goes unrecorded."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from accounts.models import User
from catalog.models import Product
from checkout.cart import scan_events
from checkout.cart.corrections import change_undo, item_correct
from checkout.cart.items import item_add, item_remove, item_set, scan_note
from checkout.cart.scan_events import EVENTS_MAX, PICTURES_MAX, Cause
from checkout.cart.selectors import cart_get
from checkout.cart.services import session_confirm, session_start
from checkout.errors import TooManyChanges
from checkout.models import ScanEvent, Source

pytestmark = pytest.mark.django_db
Action = ScanEvent.Action


def cause(thumbnail: bytes | None = None) -> Cause:
    return Cause(source=Source.VISION, thumbnail=thumbnail)


@pytest.fixture
def session_id(shopper: User) -> UUID:
    return session_start(user=shopper).pk


@pytest.fixture
def milk(db: None) -> Product:
    return Product.objects.create(name="Milk", price=1)


@pytest.fixture
def tea(db: None) -> Product:
    return Product.objects.create(name="Tea", price=1)


def changed(session_id: UUID, milk: Product, count: int) -> None:
    """Put in and take out so often, and leave two pieces in the cart."""
    item_add(session_id=session_id, product_id=milk.pk, cause=cause(), quantity=3)
    item_remove(session_id=session_id, product_id=milk.pk, cause=cause())
    done = ScanEvent.objects.get(session=session_id, action=Action.REMOVE)
    ScanEvent.objects.bulk_create(
        ScanEvent(session_id=session_id, product=milk, action=Action.REMOVE, source=done.source)
        for _ in range(count - 2)
    )


def test_beyond_the_rows_nothing_is_put_in_and_everything_can_be_taken_out(
    session_id: UUID, milk: Product, tea: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (EVENTS_MAX, PICTURES_MAX) == (5_000, 1_000)
    monkeypatch.setattr(scan_events, "EVENTS_MAX", 10)
    changed(session_id, milk, 9)
    item_add(session_id=session_id, product_id=milk.pk, cause=cause())
    removal = ScanEvent.objects.filter(session=session_id, action=Action.REMOVE).earliest("created_at")
    before = cart_get(session_id=session_id)
    refused: list[Callable[[], object]] = [
        lambda: item_add(session_id=session_id, product_id=tea.pk, cause=cause()),
        lambda: item_set(session_id=session_id, product_id=milk.pk, quantity=9),
        lambda: item_correct(session_id=session_id, product_id=milk.pk, instead_id=tea.pk),
        lambda: change_undo(session_id=session_id, event_id=removal.pk),
    ]
    for change in refused:
        with pytest.raises(TooManyChanges, match="at most 10 changes") as caught:
            change()
        assert caught.value.data == {"limit": 10}
    assert cart_get(session_id=session_id) == before
    assert ScanEvent.objects.filter(session=session_id).count() == 10
    item_remove(session_id=session_id, product_id=milk.pk, cause=cause())
    item_correct(session_id=session_id, product_id=milk.pk)
    assert cart_get(session_id=session_id)["total_items"] == 1
    assert ScanEvent.objects.filter(session=session_id).count() == 12
    assert session_confirm(session_id=session_id).order.total_items == 1
    monkeypatch.setattr(scan_events, "EVENTS_MAX", 10**9)
    other = session_start(user=session_confirm(session_id=session_id).order.user).pk
    changed(other, milk, 30)
    assert item_add(session_id=other, product_id=tea.pk, cause=cause()), "control: unbounded, it goes on"


def test_a_question_is_recorded_beyond_the_rows_of_changes(
    session_id: UUID, milk: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_events, "EVENTS_MAX", 3)
    changed(session_id, milk, 3)
    scan_note(session_id=session_id, action=Action.UNKNOWN, cause=cause(b"jpeg"))
    assert ScanEvent.objects.filter(session=session_id, action=Action.UNKNOWN).count() == 1


def test_beyond_the_pictures_changes_are_recorded_without_one(
    session_id: UUID, milk: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_events, "PICTURES_MAX", 2)
    for _ in range(4):
        item_add(session_id=session_id, product_id=milk.pk, cause=cause(b"jpeg"))
    events = ScanEvent.objects.filter(session=session_id).order_by("created_at")
    assert [event.thumbnail is not None for event in events] == [True, True, False, False]
    assert cart_get(session_id=session_id)["total_items"] == 4

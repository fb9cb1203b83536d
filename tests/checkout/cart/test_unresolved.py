"""Items that were left unresolved: opened once, resolved once, and never forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from checkout.cart import corrections, services, unresolved
from checkout.cart.scan_events import Cause
from checkout.cart.selectors import cart_get
from checkout.cart.unresolved import (
    unresolved_count_sighting,
    unresolved_dismiss,
    unresolved_open,
    unresolved_resolve,
    unresolved_resolve_by_barcode,
    unresolved_settle,
)
from checkout.errors import (
    AlreadyResolved,
    BarcodeInvalid,
    CartEmpty,
    ItemsNotForSale,
    ItemsUnresolved,
    ProductNotFound,
    SessionNotActive,
    StaffNeeded,
    UnresolvedNotFound,
)
from checkout.models import CheckoutSession, ScanEvent, Source, UnresolvedItem
from ebrcs.errors import EbrcsError
from recognition.vision.lane.reasons import ReasonCode, because
from tests.checkout.cart.unresolved import left
from tests.checkout.shop import cart_lines, product_make, seen, session_with

pytestmark = pytest.mark.django_db
CODE = "4006381333931"
BY_CHOICE = because(ReasonCode.CHOSEN)


def open_ids(session: CheckoutSession) -> list[str]:
    return [item["id"] for item in cart_get(session_id=session.pk)["unresolved"]]


def outcome_of(unresolved_id: UUID) -> tuple[str | None, str | None, bool]:
    item = UnresolvedItem.objects.select_related("product").get(pk=unresolved_id)
    return item.outcome, None if item.product is None else item.product.name, item.resolved_at is not None


def counted(
    session: CheckoutSession, unresolved_id: UUID, product_id: UUID, cause: Cause | None = None
) -> object:
    return unresolved_count_sighting(
        session_id=session.pk, unresolved_id=unresolved_id, product_id=product_id, cause=cause or seen(0.9)
    )


def test_an_item_that_was_left_is_a_line_of_the_cart_with_its_picture_and_choices(
    session: CheckoutSession,
) -> None:
    milk, cream = product_make("Milk"), product_make("Cream", None)
    withdrawn = product_make("Old", is_active=False)
    first = left(session, cream, withdrawn, milk)
    second = left(session, kind="unknown", track=9)
    one, other = cart_get(session_id=session.pk)["unresolved"]
    assert one == {
        "id": str(first),
        "kind": "unanswered",
        "track": 7,
        "image": f"/api/sessions/{session.pk}/unresolved/{first}/picture",
        "choices": [
            {"product_id": str(cream.pk), "name": "Cream", "image": None, "price": None},
            {"product_id": str(milk.pk), "name": "Milk", "image": None, "price": "2.50"},
        ],
        "created_at": UnresolvedItem.objects.get(pk=first).created_at.isoformat(),
    }
    assert (other["id"], other["kind"], other["track"], other["choices"]) == (str(second), "unknown", 9, [])
    event = ScanEvent.objects.get(pk=first)
    assert (event.action, bytes(event.thumbnail or b""), event.score, event.reason) == (
        "unresolved",
        b"jpeg",
        0.6,
        {"code": "too_few_views", "params": {"views": 2}},
    )


def test_it_is_opened_once_and_announced_without_a_product(session: CheckoutSession) -> None:
    cause = Cause(score=0.6)

    def report() -> object:
        return unresolved_open(session_id=session.pk, kind="undecided", track=1, choices=[], cause=cause)

    assert report() == {
        "id": str(cause.event_id),
        "action": "unresolved",
        "product_id": None,
        "name": "",
        "quantity": 1,
        "source": "vision",
        "undoable": False,
        "unresolved_id": str(cause.event_id),
    }
    assert report() is None
    (line,) = cart_get(session_id=session.pk)["unresolved"]
    assert line["image"] is None


def test_open_items_and_all_items_of_a_session_are_bounded(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (unresolved.OPEN_MAX, unresolved.UNRESOLVED_MAX, unresolved.CHOICES_MAX) == (50, 500, 6)
    monkeypatch.setattr(unresolved, "OPEN_MAX", 2)
    monkeypatch.setattr(unresolved, "UNRESOLVED_MAX", 3)
    for _ in range(5):
        left(session, *[product_make(f"Tea {number}") for number in range(8)])
    assert UnresolvedItem.objects.count() == 2
    assert ScanEvent.objects.filter(action="unresolved").count() == 3, "beyond the lines it is recorded"
    assert len(cart_get(session_id=session.pk)["unresolved"][0]["choices"]) == 6


def test_the_shopper_resolves_it_with_a_product_once(session: CheckoutSession) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    item = left(session, milk)
    event = unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=cream.pk)
    assert (event["action"], event["name"], event["about"], event["source"], event["undoable"]) == (
        "add",
        "Cream",
        str(item),
        "manual",
        True,
    )
    assert cart_lines(session) == {"Cream": 1}
    assert (open_ids(session), outcome_of(item)) == ([], ("added", "Cream", True))
    with pytest.raises(AlreadyResolved):
        unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=milk.pk)
    with pytest.raises(AlreadyResolved):
        unresolved_dismiss(session_id=session.pk, unresolved_id=item, reason="put_back")
    assert cart_lines(session) == {"Cream": 1}


def test_it_is_resolved_by_barcode(session: CheckoutSession) -> None:
    product_make("Milk", barcode=CODE)
    item = left(session)
    event = unresolved_resolve_by_barcode(session_id=session.pk, unresolved_id=item, code=f" {CODE} ")
    assert (event["name"], event["source"], event["about"]) == ("Milk", "barcode", str(item))
    added = ScanEvent.objects.get(action="add")
    assert (added.about_id, added.reason) == (item, {"code": "barcode", "params": {"barcode": CODE}})


def test_what_is_refused_leaves_it_open(session: CheckoutSession) -> None:
    withdrawn = product_make("Old", is_active=False)
    item = left(session)
    refusals: list[tuple[type[EbrcsError], object]] = [
        (ProductNotFound, uuid4()),
        (ItemsNotForSale, withdrawn.pk),
        (BarcodeInvalid, "123"),
        (ProductNotFound, CODE),
    ]
    for error, given in refusals:
        resolve: Callable[..., object] = (
            partial(unresolved_resolve, product_id=given)
            if isinstance(given, UUID)
            else partial(unresolved_resolve_by_barcode, code=str(given))
        )
        with pytest.raises(error):
            resolve(session_id=session.pk, unresolved_id=item)
    assert (open_ids(session), cart_lines(session)) == ([str(item)], {})
    assert ScanEvent.objects.count() == 1
    other = services.session_start(user=session.user)
    with pytest.raises(UnresolvedNotFound):
        unresolved_dismiss(session_id=other.pk, unresolved_id=item, reason="put_back")
    assert outcome_of(item) == (None, None, False)


@pytest.mark.parametrize("reason", ["put_back", "not_mine"])
def test_it_is_given_up_with_a_reason(session: CheckoutSession, reason: str) -> None:
    item = left(session)
    event = unresolved_dismiss(session_id=session.pk, unresolved_id=item, reason=reason)
    assert (event["action"], event["product_id"], event["undoable"], event["unresolved_id"]) == (
        "dismiss",
        None,
        False,
        str(item),
    )
    assert (open_ids(session), outcome_of(item)) == ([], (reason, None, True))
    recorded = ScanEvent.objects.get(action="dismiss")
    assert (recorded.about_id, recorded.reason) == (item, {"code": reason, "params": {}})


def test_where_shoppers_may_not_give_up_only_staff_does(session: CheckoutSession, settings: Settings) -> None:
    assert settings.SHOPPER_DISMISSES is True
    settings.SHOPPER_DISMISSES = False
    item = left(session)
    with pytest.raises(StaffNeeded):
        unresolved_dismiss(session_id=session.pk, unresolved_id=item, reason="put_back")
    assert open_ids(session) == [str(item)]
    unresolved_dismiss(session_id=session.pk, unresolved_id=item, reason="put_back", by_staff=True)
    assert open_ids(session) == []


def test_undoing_the_addition_opens_it_again_and_it_can_be_resolved_anew(session: CheckoutSession) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    item = left(session, milk)
    event = unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=milk.pk)
    corrections.change_undo(session_id=session.pk, event_id=UUID(event["id"]))
    assert (cart_lines(session), open_ids(session), outcome_of(item)) == (
        {},
        [str(item)],
        (None, None, False),
    )
    unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=cream.pk)
    assert (cart_lines(session), open_ids(session)) == ({"Cream": 1}, [])


def test_an_item_the_camera_counts_after_all_resolves_it_and_is_about_it(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    item, cause = left(session), seen(0.9)
    counted(session, item, milk.pk, cause)
    assert counted(session, item, milk.pk, cause) is None
    assert (cart_lines(session), outcome_of(item)) == ({"Milk": 1}, ("added", "Milk", True))
    assert ScanEvent.objects.get(action="add").about_id == item


def test_one_the_shopper_resolved_is_not_counted_again_by_the_camera(session: CheckoutSession) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    item, late = left(session), seen(0.9)
    unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=cream.pk)
    assert counted(session, item, milk.pk, late) is None
    with pytest.raises(AlreadyResolved):
        counted(session, item, milk.pk, Cause(reason=BY_CHOICE))
    assert cart_lines(session) == {"Cream": 1}
    # The lane believes that it was counted, and reports it leaving: what leaves is what it is in the cart as.
    corrections.sighting_remove(
        session_id=session.pk, added_id=late.event_id, product_id=milk.pk, cause=seen(0.9), unresolved_id=item
    )
    assert cart_lines(session) == {}


def test_a_barcode_on_one_that_the_shopper_resolved_corrects_it(session: CheckoutSession) -> None:
    milk, cream, tea = (product_make(name) for name in ("Milk", "Cream", "Tea"))
    item, late = left(session), seen(0.9)
    unresolved_resolve(session_id=session.pk, unresolved_id=item, product_id=cream.pk)
    counted(session, item, milk.pk, late)
    for product in (tea, cream):
        corrections.disagreement_resolve(
            session_id=session.pk,
            counted_id=late.event_id,
            product_id=product.pk,
            pictured_id=milk.pk,
            cause=Cause(source=Source.BARCODE),
            unresolved_id=item,
        )
        assert cart_lines(session) == {"Tea": 1}


def test_one_given_up_that_the_camera_counts_was_there_after_all(session: CheckoutSession) -> None:
    milk, item = product_make("Milk"), left(session)
    unresolved_dismiss(session_id=session.pk, unresolved_id=item, reason="put_back")
    counted(session, item, milk.pk)
    assert (cart_lines(session), outcome_of(item)) == ({"Milk": 1}, ("added", "Milk", True))


def test_one_without_a_line_is_counted_like_any_other(session: CheckoutSession) -> None:
    counted(session, uuid4(), product_make("Milk").pk)
    assert cart_lines(session) == {"Milk": 1}
    assert ScanEvent.objects.get().about_id is None


def test_the_camera_settles_an_open_one_and_leaves_any_other(session: CheckoutSession) -> None:
    first, second = left(session), left(session)
    unresolved_dismiss(session_id=session.pk, unresolved_id=second, reason="not_mine")
    cause = Cause()
    told = unresolved_settle(session_id=session.pk, unresolved_id=first, cause=cause)
    assert told is not None
    assert (told["action"], told["product_id"], told["unresolved_id"]) == ("sync", None, str(first))
    assert unresolved_settle(session_id=session.pk, unresolved_id=first, cause=cause) is None
    assert unresolved_settle(session_id=session.pk, unresolved_id=second, cause=Cause()) is None
    assert (outcome_of(first)[0], outcome_of(second)[0]) == ("settled", "not_mine")
    assert ScanEvent.objects.get(action="settle").about_id == first


@pytest.mark.parametrize("expected", [0, 2])
def test_payment_is_refused_where_another_number_was_shown(session: CheckoutSession, expected: int) -> None:
    item = left(session)
    with pytest.raises(ItemsUnresolved) as caught:
        services.session_confirm(session_id=session.pk, expected_unresolved=expected)
    assert [line["id"] for line in caught.value.data["items"]] == [str(item)]
    session.refresh_from_db()
    assert (session.status, outcome_of(item)[0], ScanEvent.objects.count()) == ("active", None, 1)


@pytest.mark.parametrize("expected", [None, 1])
def test_what_is_open_at_payment_is_closed_as_left(session: CheckoutSession, expected: int | None) -> None:
    paid = session_with(session.user, product_make("Milk"))
    item = left(paid)
    first = services.session_confirm(session_id=paid.pk, expected_unresolved=expected)
    again = services.session_confirm(session_id=paid.pk, expected_unresolved=0)
    assert (first.order, first.created, again.created) == (again.order, True, False)
    assert (outcome_of(item), open_ids(paid)) == (("left", None, True), [])
    recorded = ScanEvent.objects.get(action="dismiss")
    assert (recorded.about_id, recorded.reason) == (item, {"code": "still_open", "params": {}})
    with pytest.raises(SessionNotActive):
        unresolved_resolve(session_id=paid.pk, unresolved_id=item, product_id=product_make("Tea").pk)


def test_a_payment_that_fails_leaves_them_open(session: CheckoutSession) -> None:
    item = left(session)
    with pytest.raises(CartEmpty):
        services.session_confirm(session_id=session.pk, expected_unresolved=1)
    assert (open_ids(session), outcome_of(item)[0]) == ([str(item)], None)


def test_where_shoppers_may_not_give_up_nothing_may_be_open_at_payment(
    session: CheckoutSession, settings: Settings
) -> None:
    settings.SHOPPER_DISMISSES = False
    paid = session_with(session.user, product_make("Milk"))
    item = left(paid)
    for expected in (None, 0, 1):
        with pytest.raises(ItemsUnresolved):
            services.session_confirm(session_id=paid.pk, expected_unresolved=expected)
    unresolved_dismiss(session_id=paid.pk, unresolved_id=item, reason="put_back", by_staff=True)
    assert services.session_confirm(session_id=paid.pk, expected_unresolved=0).created


def test_what_is_open_when_a_cart_is_cancelled_or_idle_is_closed_as_left(session: CheckoutSession) -> None:
    cancelled = left(session)
    services.session_cancel(session_id=session.pk)
    idle = services.session_start(user=session.user)
    forgotten = left(idle)
    CheckoutSession.objects.filter(pk=idle.pk).update(last_active=timezone.now() - timedelta(hours=2))
    services.sessions_expire()
    assert [outcome_of(item)[0] for item in (cancelled, forgotten)] == ["left", "left"]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "odd"},
        {"outcome": "lost", "resolved_at": timezone.now()},
        {"outcome": "left"},
        {"resolved_at": timezone.now()},
    ],
)
def test_the_database_refuses_what_makes_no_sense(
    session: CheckoutSession, fields: dict[str, object]
) -> None:
    item = left(session)
    with pytest.raises(IntegrityError), transaction.atomic():
        UnresolvedItem.objects.filter(pk=item).update(**fields)


def test_the_database_refuses_a_product_of_one_that_was_not_added(session: CheckoutSession) -> None:
    item, milk = left(session), product_make("Milk")
    with pytest.raises(IntegrityError), transaction.atomic():
        UnresolvedItem.objects.filter(pk=item).update(product=milk)

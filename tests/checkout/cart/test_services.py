"""Carts and sessions: adding, setting, removing, confirming, ending; a refusal changes nothing."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from catalog.models import Product
from checkout.cart import announce, items, selectors, services
from checkout.cart.scan_events import Cause
from checkout.errors import (
    BarcodeInvalid,
    CartEmpty,
    ItemsNotForSale,
    ItemsWithoutPrice,
    ProductNotFound,
    QuantityOutOfRange,
    SessionNotActive,
    SessionNotFound,
)
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from orders.models import Order, OrderItem
from recognition.vision.lane.reasons import ReasonCode, because
from tests.checkout.shop import cart_lines, product_make, seen, session_with


def let_idle(session: CheckoutSession) -> None:
    CheckoutSession.objects.filter(pk=session.pk).update(last_active=timezone.now() - timedelta(minutes=61))


def test_a_sighting_adds_a_line_with_its_score_and_records_why(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    cause = Cause(
        score=0.9,
        margin=0.3,
        thumbnail=b"jpeg",
        reason=because(ReasonCode.VIEWS_ACCEPT, accepting=3, views=3),
    )

    event = items.item_add(session_id=session.pk, product_id=milk.pk, cause=cause)

    assert event == {
        "id": str(cause.event_id),
        "action": "add",
        "product_id": str(milk.pk),
        "name": "Milk",
        "quantity": 1,
        "source": "vision",
        "undoable": True,
    }
    assert selectors.cart_get(session_id=session.pk) == {
        "items": [
            {
                "product_id": str(milk.pk),
                "name": "Milk",
                "quantity": 1,
                "unit_price": "2.50",
                "avg_score": 0.9,
                "source": "vision",
                "image": None,
            }
        ],
        "total_items": 1,
        "total_amount": "2.50",
        "currency": "EUR",
        "unresolved": [],
    }
    recorded = ScanEvent.objects.get()
    assert recorded.pk == cause.event_id
    assert (recorded.action, recorded.score, recorded.margin, recorded.reason) == (
        "add",
        0.9,
        0.3,
        {"code": "views_accept", "params": {"accepting": 3, "views": 3}},
    )
    assert bytes(recorded.thumbnail or b"") == b"jpeg"


def test_the_score_of_a_line_is_the_mean_of_its_sightings(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    for score in (0.9, 0.8, 0.4):
        items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(score))

    item = BillingItem.objects.get()
    assert (item.quantity, item.score_count, item.avg_score) == (3, 3, Decimal("0.700000"))


def test_a_line_put_in_by_hand_has_no_score_until_it_is_seen(shopper: User) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk)
    item = BillingItem.objects.get()
    assert (item.source, item.avg_score, item.score_count) == ("manual", None, 0)

    items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.8))
    item.refresh_from_db()
    assert (item.quantity, item.source, item.avg_score) == (2, "vision", Decimal("0.800000"))


def test_rounding_errors_of_a_similarity_do_not_break_a_line(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(1.0000002))
    assert BillingItem.objects.get().avg_score == 1


def test_the_same_cause_adds_once(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    cause = seen(0.9)
    first = items.item_add(session_id=session.pk, product_id=milk.pk, cause=cause)
    again = items.item_add(session_id=session.pk, product_id=milk.pk, cause=cause)
    assert first is not None
    assert again is None
    assert cart_lines(session) == {"Milk": 1}
    assert ScanEvent.objects.count() == 1


def test_removing_takes_out_as_many_as_are_there(shopper: User) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk, quantity=2)
    one = items.item_remove(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))
    assert one is not None
    assert (one["action"], one["quantity"], cart_lines(session)) == ("remove", 1, {"Milk": 1})
    rest = items.item_remove(session_id=session.pk, product_id=milk.pk, cause=seen(0.9), quantity=5)
    assert rest is not None
    assert (rest["quantity"], cart_lines(session)) == (1, {})
    assert items.item_remove(session_id=session.pk, product_id=milk.pk, cause=seen(0.9)) is None


def test_setting_a_quantity_is_absolute_and_zero_takes_the_line_out(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    assert [
        (event and (event["action"], event["quantity"]), cart_lines(session))
        for event in (
            items.item_set(session_id=session.pk, product_id=milk.pk, quantity=quantity)
            for quantity in (3, 3, 1, 0, 0)
        )
    ] == [
        (("add", 3), {"Milk": 3}),
        (None, {"Milk": 3}),
        (("remove", 2), {"Milk": 1}),
        (("remove", 1), {}),
        (None, {}),
    ]
    assert list(ScanEvent.objects.values_list("action", "quantity", "source")) == [
        ("add", 3, "manual"),
        ("remove", 2, "manual"),
        ("remove", 1, "manual"),
    ]


@pytest.mark.parametrize("quantity", [-1, 1000, 10**30])
def test_a_quantity_out_of_range_changes_nothing(shopper: User, quantity: int) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk)
    with pytest.raises(QuantityOutOfRange) as refusal:
        items.item_set(session_id=session.pk, product_id=milk.pk, quantity=quantity)
    assert refusal.value.data["limit"] == 999
    assert cart_lines(session) == {"Milk": 1}
    assert ScanEvent.objects.count() == 1


def test_adding_beyond_the_largest_quantity_changes_nothing(shopper: User) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk, quantity=999)
    with pytest.raises(QuantityOutOfRange):
        items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))
    item = BillingItem.objects.get()
    assert (item.quantity, item.avg_score) == (999, None)


def test_a_withdrawn_product_cannot_be_added_but_taken_out(shopper: User) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk, quantity=3)
    Product.objects.update(is_active=False)
    for change in (
        lambda: items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9)),
        lambda: items.item_set(session_id=session.pk, product_id=milk.pk, quantity=4),
    ):
        with pytest.raises(ItemsNotForSale) as refusal:
            change()
        assert refusal.value.data["items"] == [{"product_id": str(milk.pk), "name": "Milk"}]
    assert cart_lines(session) == {"Milk": 3}
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=1)
    assert cart_lines(session) == {"Milk": 1}


def test_unknown_products_and_sessions_are_named(shopper: User) -> None:
    session = services.session_start(user=shopper)
    with pytest.raises(ProductNotFound):
        items.item_add(session_id=session.pk, product_id=uuid4(), cause=seen(0.9))
    with pytest.raises(SessionNotFound):
        items.item_set(session_id=uuid4(), product_id=product_make("Milk").pk, quantity=1)
    assert BillingItem.objects.count() == 0


def test_confirming_copies_names_and_prices_for_good(shopper: User) -> None:
    milk, juice = product_make("Milk", "1.10"), product_make("Juice", "2.35")
    session = session_with(shopper, milk, quantity=3)
    items.item_add(session_id=session.pk, product_id=juice.pk, cause=seen(0.75))

    confirmation = services.session_confirm(session_id=session.pk)

    Product.objects.update(name="Renamed", price="9.99")
    order = Order.objects.get()
    assert confirmation.created
    assert confirmation.order == order
    assert (order.total_items, order.total_amount, order.currency) == (4, Decimal("5.65"), "EUR")
    assert (order.user, order.session, order.payment_status) == (shopper, session, "mock_paid")
    assert list(order.items.values_list("product_name", "quantity", "unit_price", "avg_score")) == [
        ("Juice", 1, Decimal("2.35"), Decimal("0.750000")),
        ("Milk", 3, Decimal("1.10"), None),
    ]
    session.refresh_from_db()
    assert session.status == "completed"


def test_confirming_again_returns_the_same_order(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"))
    first = services.session_confirm(session_id=session.pk)
    again = services.session_confirm(session_id=session.pk)
    assert (again.order, again.created) == (first.order, False)
    assert Order.objects.count() == 1


def test_an_empty_cart_is_refused(shopper: User) -> None:
    session = services.session_start(user=shopper)
    with pytest.raises(CartEmpty):
        services.session_confirm(session_id=session.pk)
    session.refresh_from_db()
    assert (session.status, Order.objects.count()) == ("active", 0)


def test_a_cart_that_mixes_priced_and_unpriced_lines_is_refused_with_the_names(shopper: User) -> None:
    apple, bread = product_make("Apple", None), product_make("Bread", None)
    session = session_with(shopper, apple, product_make("Milk"), bread)
    with pytest.raises(ItemsWithoutPrice) as refusal:
        services.session_confirm(session_id=session.pk)
    assert [item["name"] for item in refusal.value.data["items"]] == ["Apple", "Bread"]
    session.refresh_from_db()
    assert (session.status, Order.objects.count(), OrderItem.objects.count()) == ("active", 0, 0)
    assert selectors.cart_get(session_id=session.pk)["total_amount"] is None


def test_a_shop_without_prices_sells_without_a_total(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk", None), product_make("Juice", None))
    order = services.session_confirm(session_id=session.pk).order
    assert (order.total_items, order.total_amount) == (2, None)


def test_something_free_of_charge_is_not_something_without_price(shopper: User) -> None:
    session = session_with(shopper, product_make("Bag", "0.00"), product_make("Milk"))
    assert services.session_confirm(session_id=session.pk).order.total_amount == Decimal("2.50")


def test_withdrawn_products_are_refused_at_confirming_with_their_names(shopper: User) -> None:
    session = session_with(shopper, product_make("Milk"), product_make("Juice"))
    Product.objects.filter(name="Juice").update(is_active=False)
    with pytest.raises(ItemsNotForSale) as refusal:
        services.session_confirm(session_id=session.pk)
    assert [item["name"] for item in refusal.value.data["items"]] == ["Juice"]
    assert Order.objects.count() == 0


def test_nothing_changes_a_session_that_ended(shopper: User) -> None:
    milk = product_make("Milk")
    completed, cancelled = session_with(shopper, milk), session_with(shopper, milk)
    services.session_confirm(session_id=completed.pk)
    services.session_cancel(session_id=cancelled.pk)
    for session, status in ((completed, "completed"), (cancelled, "expired")):
        for change in (
            lambda pk: items.item_add(session_id=pk, product_id=milk.pk, cause=seen(0.9)),
            lambda pk: items.item_remove(session_id=pk, product_id=milk.pk, cause=seen(0.9)),
            lambda pk: items.item_set(session_id=pk, product_id=milk.pk, quantity=5),
            lambda pk: items.scan_note(session_id=pk, action=ScanEvent.Action.UNKNOWN, cause=Cause()),
        ):
            with pytest.raises(SessionNotActive) as refusal:
                change(session.pk)
            assert refusal.value.data["session_status"] == status
        assert cart_lines(session) == {"Milk": 1}
    with pytest.raises(SessionNotActive):
        services.session_confirm(session_id=cancelled.pk)
    with pytest.raises(SessionNotActive):
        services.session_cancel(session_id=completed.pk)
    services.session_cancel(session_id=cancelled.pk)
    assert Order.objects.count() == 1
    assert ScanEvent.objects.count() == 2


def test_an_abandoned_session_ends_when_it_is_touched(shopper: User) -> None:
    milk = product_make("Milk")
    adding, confirming = session_with(shopper, milk), session_with(shopper, milk)
    for session in (adding, confirming):
        let_idle(session)
    with pytest.raises(SessionNotActive):
        items.item_set(session_id=adding.pk, product_id=milk.pk, quantity=2)
    with pytest.raises(SessionNotActive):
        services.session_confirm(session_id=confirming.pk)
    for session in (adding, confirming):
        session.refresh_from_db()
        assert (session.status, cart_lines(session)) == ("expired", {"Milk": 1})
    assert Order.objects.count() == 0


def test_the_command_ends_abandoned_sessions_and_no_others(shopper: User) -> None:
    idle, busy = services.session_start(user=shopper), services.session_start(user=shopper)
    completed = session_with(shopper, product_make("Milk"))
    services.session_confirm(session_id=completed.pk)
    for session in (idle, completed):
        let_idle(session)
    output = StringIO()
    call_command("expire_sessions", "--json", stdout=output)
    assert output.getvalue() == '{"expired": 1}\n'
    statuses = [CheckoutSession.objects.get(pk=session.pk).status for session in (idle, busy, completed)]
    assert statuses == ["expired", "active", "completed"]


def test_touching_writes_only_when_the_stored_time_is_old(
    shopper: User, django_assert_num_queries: Any
) -> None:
    session = services.session_start(user=shopper)
    started = session.last_active
    recent, old = timezone.now() - timedelta(seconds=10), timezone.now() - timedelta(seconds=16)
    for stored, is_written in ((recent, False), (old, True)):
        CheckoutSession.objects.update(last_active=stored)
        with django_assert_num_queries(1):
            services.session_touch(session_id=session.pk)
        session.refresh_from_db()
        assert (session.last_active >= started) == is_written


def test_a_change_of_the_cart_keeps_the_session_alive(shopper: User) -> None:
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    started = session.last_active
    recent, old = timezone.now() - timedelta(seconds=10), timezone.now() - timedelta(seconds=16)
    for stored, is_written in ((recent, False), (old, True)):
        CheckoutSession.objects.update(last_active=stored)
        items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))
        session.refresh_from_db()
        assert (session.last_active >= started) == is_written


def test_questions_and_unknown_items_are_recorded_up_to_a_bound(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "NOTES_MAX", 2)
    session = services.session_start(user=shopper)
    for action in (ScanEvent.Action.QUESTION, ScanEvent.Action.UNKNOWN, ScanEvent.Action.UNKNOWN):
        items.scan_note(session_id=session.pk, action=action, cause=Cause(score=0.4))
    assert list(ScanEvent.objects.values_list("action", flat=True)) == ["question", "unknown"]
    assert not ScanEvent.objects.filter(product__isnull=False).exists()


def test_500_notes_of_a_session_are_kept_and_those_of_others_do_not_count(
    shopper: User, stranger: User
) -> None:
    session, other = services.session_start(user=shopper), services.session_start(user=stranger)
    for one, count in ((session, 499), (other, 1)):
        ScanEvent.objects.bulk_create(
            ScanEvent(session=one, action=ScanEvent.Action.UNKNOWN, source=Source.VISION)
            for _ in range(count)
        )
    for _ in range(2):
        items.scan_note(session_id=session.pk, action=ScanEvent.Action.QUESTION, cause=Cause())
    assert session.scan_events.count() == 500


@pytest.mark.django_db(transaction=True)
def test_a_change_is_announced_only_once_it_is_committed(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[Any] = []
    monkeypatch.setattr(announce, "cart_announce", lambda **notice: announced.append(notice))
    milk = product_make("Milk")
    session = services.session_start(user=shopper)
    with transaction.atomic():
        event = items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))
        assert announced == []
    assert announced == [{"session_id": session.pk, "event": event, "lane_id": None}]
    with transaction.atomic():
        items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))
        transaction.set_rollback(True)
    assert len(announced) == 1


@pytest.mark.django_db(transaction=True)
def test_a_channel_layer_that_is_away_fails_no_change(
    shopper: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class LayerAway:
        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            raise ConnectionError("Redis is away")

    monkeypatch.setattr(announce, "get_channel_layer", LayerAway)
    session = session_with(shopper, product_make("Milk"))
    assert cart_lines(session) == {"Milk": 1}
    services.session_confirm(session_id=session.pk)
    assert Order.objects.count() == 1
    assert "could not be notified of cart.changed" in caplog.text
    assert "could not be notified of session.ended" in caplog.text


@pytest.mark.parametrize("code", ["036000291452", "0036000291452", "00036000291452", " 036000291452 "])
def test_a_barcode_is_found_with_or_without_the_zeros_in_front(db: None, code: str) -> None:
    product = product_make("Tissues", barcode="0036000291452")
    assert selectors.product_by_barcode(code=code) == product


@pytest.mark.parametrize(
    "code", ["]E00036000291452", "(01)00036000291452", "https://id.gs1.org/01/00036000291452"]
)
def test_a_barcode_is_found_as_scanners_send_it(db: None, code: str) -> None:
    product = product_make("Tissues", barcode="036000291452")
    assert selectors.product_by_barcode(code=code) == product


def test_of_the_numbers_a_code_can_stand_for_the_one_on_sale_is_taken(db: None) -> None:
    abbreviated = product_make("Soda", barcode="012345000065")
    assert selectors.product_by_barcode(code="01234565") == abbreviated
    short = product_make("Gum", barcode="01234565")
    assert selectors.product_by_barcode(code="01234565") == short
    assert selectors.product_by_barcode(code="]E001234565") == abbreviated


@pytest.mark.parametrize(
    "code", ["", "036000291453", "36000291452", "abc", "٠٣٦٠٠٠٢٩١٤٥٢", "0" * 5000, "\x00"]
)
def test_what_is_no_barcode_is_refused_as_such(db: None, code: str) -> None:
    with pytest.raises(BarcodeInvalid):
        selectors.product_by_barcode(code=code)


def test_a_barcode_of_nothing_on_sale_finds_nothing(db: None) -> None:
    product_make("Tissues", barcode="036000291452", is_active=False)
    for code in ("036000291452", "4006381333931"):
        with pytest.raises(ProductNotFound):
            selectors.product_by_barcode(code=code)


def test_a_cart_takes_one_query_however_long_it_is(shopper: User, django_assert_num_queries: Any) -> None:
    few = session_with(shopper, *[product_make(f"Product {number}") for number in range(2)])
    many = session_with(shopper, *[product_make(f"Product {number}") for number in range(50)])
    for session, length in ((few, 2), (many, 50)):
        with django_assert_num_queries(1):
            assert len(selectors.cart_get(session_id=session.pk)["items"]) == length

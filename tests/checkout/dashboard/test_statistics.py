"""How recognition did, as it is counted for the shop keeper."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.answer_times import step_ms, step_of
from checkout.dashboard import statistics
from checkout.dashboard.doubtful_products import doubtful_products
from checkout.models import BillingItem, FrameCount, ScanEvent, Source
from orders.periods import Period
from tests.checkout.shop import product_make
from tests.checkout.visits import event_make, sale_make, visit_make

pytestmark = pytest.mark.django_db
SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 21, 18, 30, tzinfo=SEOUL)
WEEK_AGO = NOW - timedelta(days=7, minutes=5)
PERIOD = Period(7, NOW)
Action = ScanEvent.Action


@pytest.fixture(autouse=True)
def _seoul(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Seoul"


def test_pieces_are_counted_by_their_source_and_events_by_their_kind(shopper: User) -> None:
    bread = product_make("Rye bread")
    session = visit_make(shopper, NOW - timedelta(hours=2))
    at = NOW - timedelta(hours=1)
    event_make(session, at, "add", product=bread, quantity=3)
    event_make(session, at, "add", product=bread, source=Source.BARCODE)
    event_make(session, at, "remove", product=bread, source=Source.MANUAL, quantity=2)
    event_make(session, at, "question")
    event_make(session, WEEK_AGO, "question")
    event_make(session, WEEK_AGO, "unknown")

    scans = statistics.scan_counts_get(period=PERIOD)

    assert {source: series.total for source, series in scans.added.items()} == {
        Source.VISION: 3,
        Source.BARCODE: 1,
        Source.MANUAL: 0,
    }
    assert scans.added[Source.VISION].values == [0, 0, 0, 0, 0, 0, 3]
    questions, unknown = scans.events[Action.QUESTION], scans.events[Action.UNKNOWN]
    assert (questions.total, questions.before) == (1, 1)
    assert (unknown.total, unknown.before) == (0, 1)


def test_items_a_minute_go_from_the_first_event_to_paying(shopper: User) -> None:
    bread = product_make("Rye bread")
    sale_make(shopper, bread, NOW - timedelta(hours=1), quantity=10, lasting=timedelta(minutes=2))
    sale_make(shopper, bread, NOW - timedelta(hours=1), quantity=2, lasting=timedelta(minutes=1))
    event_make(visit_make(shopper, NOW - timedelta(hours=9), "active"), NOW, "add", product=bread)

    speed = statistics.checkout_speed_get(period=PERIOD)

    assert speed.pieces.total == 12
    assert speed.minutes.total == pytest.approx(3.0)


def test_a_cart_is_left_behind_when_the_visit_expired_with_something_in_it(shopper: User) -> None:
    bread = product_make("Rye bread")
    for status, filled in (("expired", True), ("expired", False), ("active", True), ("completed", True)):
        session = visit_make(shopper, NOW - timedelta(hours=1), status)
        if filled:
            BillingItem.objects.create(session=session, product=bread, quantity=1, source=Source.MANUAL)

    visits = statistics.visit_counts_get(period=PERIOD)

    assert (visits.begun.total, visits.left_behind.total) == (4, 1)


def test_percentiles_come_from_the_sum_of_all_hours_and_processes() -> None:
    for hours_ago, answer_ms, frames in ((1, 20, 90), (30, 20, 4), (30, 200, 6)):
        FrameCount.objects.create(
            hour=NOW - timedelta(hours=hours_ago),
            outcome="answered",
            step=step_of(answer_ms),
            frames=frames,
        )
    FrameCount.objects.create(hour=NOW - timedelta(hours=1), outcome="dropped", frames=20)
    FrameCount.objects.create(hour=NOW - timedelta(hours=1), outcome="refused", frames=5)
    FrameCount.objects.create(hour=WEEK_AGO, outcome="answered", step=step_of(50), frames=1)

    answers = statistics.frame_answers_get(period=PERIOD)

    fast, slow = step_ms(step_of(20)), step_ms(step_of(200))
    assert (answers.p50_ms, answers.p95_ms, answers.p95_before_ms) == (fast, slow, step_ms(step_of(50)))
    assert answers.p95_by_slot == [None] * 5 + [slow, fast]
    assert (answers.lost.total, answers.received.total) == (25, 125)


def test_the_product_in_doubt_is_the_one_the_item_was_taken_for(shopper: User) -> None:
    bread, rolls = product_make("Rye bread"), product_make("Rolls")
    session = visit_make(shopper, NOW - timedelta(hours=1))
    at = NOW - timedelta(minutes=30)
    added = event_make(session, at, "add", product=bread)
    removed = event_make(session, at, "remove", product=rolls)
    event_make(session, at, "correct", product=bread, other_product=rolls, about=added)
    event_make(session, at, "disagree", product=rolls, other_product=bread, source=Source.BARCODE)
    event_make(session, at, "undo", product=bread, about=added)
    event_make(session, at, "undo", product=rolls, about=removed)
    event_make(session, at, "answer", product=rolls)
    event_make(session, WEEK_AGO, "answer", product=rolls)

    doubtful = doubtful_products(period=PERIOD)

    assert [(one.product.name, one.corrected, one.undone, one.disagreed, one.asked) for one in doubtful] == [
        ("Rye bread", 1, 1, 1, 0),
        ("Rolls", 0, 0, 0, 1),
    ]


def test_eight_doubtful_products_are_listed_the_most_disputed_first(shopper: User) -> None:
    session = visit_make(shopper, NOW - timedelta(hours=1))
    products = [product_make(f"Product {number}") for number in range(9)]
    for number, product in enumerate(products, start=1):
        for _ in range(number):
            event_make(session, NOW - timedelta(minutes=30), "correct", product=product)

    doubtful = doubtful_products(period=PERIOD)

    assert [one.product for one in doubtful] == products[:0:-1]

"""Where the bounds of a session lie: what is just inside happens, what is just outside does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from checkout.cart import corrections, items, services
from checkout.cart.scan_events import Cause
from checkout.errors import QuantityOutOfRange
from checkout.models import BillingItem, CheckoutSession, ScanEvent, Source
from tests.checkout.shop import product_make, seen, session_with

Action = ScanEvent.Action


def last_active_s(session: CheckoutSession) -> float:
    """Return how long ago the session was last touched, as stored."""
    session.refresh_from_db()
    return (timezone.now() - session.last_active).total_seconds()


def touched_before(session: CheckoutSession, ago_s: float) -> None:
    CheckoutSession.objects.filter(pk=session.pk).update(
        last_active=timezone.now() - timedelta(seconds=ago_s)
    )


@pytest.mark.parametrize(("ago_s", "is_written"), [(14.0, False), (15.5, True)])
def test_a_touch_is_written_once_the_stored_one_is_fifteen_seconds_old(
    session: CheckoutSession, ago_s: float, is_written: bool
) -> None:
    milk = product_make("Milk")
    for touch in (
        lambda: services.session_touch(session_id=session.pk),
        lambda: items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9)),
        lambda: items.item_set(session_id=session.pk, product_id=milk.pk, quantity=0),
    ):
        touched_before(session, ago_s)
        touch()
        assert (last_active_s(session) < 5) == is_written


def test_a_session_that_ended_is_not_touched(session: CheckoutSession) -> None:
    services.session_cancel(session_id=session.pk)
    touched_before(session, 60)
    services.session_touch(session_id=session.pk)
    assert last_active_s(session) > 59


@pytest.mark.parametrize(("minutes", "status"), [(59.5, "active"), (60.5, "expired")])
def test_an_hour_without_a_touch_ends_a_session(
    session: CheckoutSession, minutes: float, status: str
) -> None:
    touched_before(session, 60 * minutes)
    session.refresh_from_db()
    assert services.session_current(session=session).status == status
    assert CheckoutSession.objects.get().status == status


def test_only_ending_a_session_says_that_it_was_idle(session: CheckoutSession) -> None:
    for ago_s, ended in ((3500, False), (3700, True), (3700, False)):
        touched_before(session, ago_s)
        assert services.session_expire_if_idle(session_id=session.pk) is ended


def test_expiring_counts_the_sessions_it_ended(shopper: User) -> None:
    idle = [services.session_start(user=shopper) for _ in range(3)]
    busy = services.session_start(user=shopper)
    for session in idle:
        touched_before(session, 3700)
    touched_before(busy, 3500)
    assert services.sessions_expire() == 3
    assert services.sessions_expire() == 0
    busy.refresh_from_db()
    assert busy.status == "active"


def test_a_line_holds_999_pieces(shopper: User) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk, quantity=998)
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))
    assert BillingItem.objects.get().quantity == 999
    with pytest.raises(QuantityOutOfRange):
        items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9))
    assert (BillingItem.objects.get().quantity, BillingItem.objects.get().score_count) == (999, 1)


@pytest.mark.parametrize(("score", "kept"), [(1.5, 1), (-1.5, -1), (0.1234567, Decimal("0.123457"))])
def test_a_score_is_kept_between_minus_one_and_one_to_six_places(
    session: CheckoutSession, score: float, kept: Decimal | int
) -> None:
    milk = product_make("Milk")
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(score))
    assert BillingItem.objects.get().avg_score == kept


def mean_of(product_id: UUID) -> tuple[int, Decimal | None, int]:
    item = BillingItem.objects.get(product_id=product_id)
    return item.quantity, item.avg_score, item.score_count


def test_the_mean_goes_with_its_last_score_and_pieces_set_by_hand_stay(shopper: User) -> None:
    milk = product_make("Milk")
    session = session_with(shopper, milk, quantity=2)
    cause = seen(0.8)
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=cause)
    assert mean_of(milk.pk) == (3, Decimal("0.800000"), 1)
    corrections.change_undo(session_id=session.pk, event_id=cause.event_id)
    assert mean_of(milk.pk) == (2, None, 0)


def test_pieces_added_in_one_go_count_as_one_score(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.9), quantity=3)
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(0.5))
    assert mean_of(milk.pk) == (4, Decimal("0.700000"), 2)


def test_a_piece_that_comes_back_brings_the_newest_score_only(session: CheckoutSession) -> None:
    milk = product_make("Milk")
    for score in (0.9, 0.5):
        items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(score))
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=1)
    gone = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=0)
    assert gone is not None
    corrections.change_undo(session_id=session.pk, event_id=UUID(gone["id"]))
    assert mean_of(milk.pk) == (1, Decimal("0.500000"), 1)


def test_a_piece_that_comes_back_to_a_line_still_there_leaves_its_mean_alone(
    session: CheckoutSession,
) -> None:
    milk = product_make("Milk")
    for score in (0.9, 0.5):
        items.item_add(session_id=session.pk, product_id=milk.pk, cause=seen(score))
    fewer = items.item_set(session_id=session.pk, product_id=milk.pk, quantity=1)
    assert fewer is not None
    corrections.change_undo(session_id=session.pk, event_id=UUID(fewer["id"]))
    assert mean_of(milk.pk) == (2, Decimal("0.700000"), 2)


@pytest.mark.parametrize("about_kept", [True, False])
def test_an_answer_names_its_question_where_that_was_kept(session: CheckoutSession, about_kept: bool) -> None:
    milk = product_make("Milk")
    question = Cause(score=0.5)
    if about_kept:
        items.scan_note(session_id=session.pk, action=Action.QUESTION, cause=question)
    answer = Cause(source=Source.MANUAL, about_id=question.event_id)
    for _ in range(2):
        items.scan_note(session_id=session.pk, action=Action.ANSWER, cause=answer, product_id=milk.pk)
    stored = ScanEvent.objects.get(action=Action.ANSWER)
    assert (stored.product, stored.quantity, stored.source) == (milk, 1, "manual")
    assert stored.about_id == (question.event_id if about_kept else None)


def test_the_question_of_another_session_is_not_answered(session: CheckoutSession, stranger: User) -> None:
    elsewhere = services.session_start(user=stranger)
    question = Cause(score=0.5)
    items.scan_note(session_id=elsewhere.pk, action=Action.QUESTION, cause=question)
    items.scan_note(session_id=session.pk, action=Action.ANSWER, cause=Cause(about_id=question.event_id))
    assert ScanEvent.objects.get(action=Action.ANSWER).about_id is None


def test_every_change_happens_once_however_often_its_cause_is_sent(session: CheckoutSession) -> None:
    milk, cream = product_make("Milk"), product_make("Cream")
    items.item_set(session_id=session.pk, product_id=milk.pk, quantity=9)
    counted = seen(0.9)
    items.item_add(session_id=session.pk, product_id=milk.pk, cause=counted)
    removal, correction, leaving = seen(0.9), Cause(source=Source.MANUAL), seen(0.9)
    answers = [
        (
            items.item_remove(session_id=session.pk, product_id=milk.pk, cause=removal),
            corrections.item_correct(
                session_id=session.pk, product_id=milk.pk, instead_id=cream.pk, cause=correction
            ),
            corrections.sighting_remove(
                session_id=session.pk, added_id=uuid4(), product_id=milk.pk, cause=leaving
            ),
        )
        for _ in range(2)
    ]
    assert [each is not None for each in answers[0]] == [True, True, True]
    assert answers[1] == (None, None, None)
    assert mean_of(milk.pk)[0] == 10 - 3
    assert mean_of(cream.pk)[0] == 1

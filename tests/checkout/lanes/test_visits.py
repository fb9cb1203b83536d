"""A lane has one visit at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from checkout.cart import items, services
from checkout.lanes.alerts import alert_open
from checkout.lanes.visits import JUST_BEGUN, lane_visit, lane_visit_end
from checkout.models import Alert, CheckoutSession, Lane, LaneEvent
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.lanes.makers import staff_make
from tests.checkout.shop import product_make, seen

pytestmark = pytest.mark.django_db


def fill(visit: CheckoutSession) -> None:
    """Put something into the cart."""
    items.item_add(session_id=visit.pk, product_id=product_make("Milk").pk, cause=seen(0.9))


def test_a_visit_is_made_once_and_found_again(lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    assert (visit.lane, visit.user) == (lane, lane.account)
    assert lane_visit(lane=lane) == visit


def test_a_visit_that_was_idle_for_too_long_is_replaced(lane: Lane) -> None:
    old = lane_visit(lane=lane)
    CheckoutSession.objects.update(last_active=timezone.now() - timedelta(days=1))
    new = lane_visit(lane=lane)
    old.refresh_from_db()
    assert (old.status, new.status) == ("expired", "active")


def test_after_payment_there_is_a_new_visit_and_calls_of_the_old_one_are_over(lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    fill(visit)
    alert_open(lane=lane, kind="help", session=visit)
    alert_open(lane=lane, kind="offline")
    services.session_confirm(session_id=visit.pk)
    assert lane_visit(lane=lane) != visit
    assert list(Alert.objects.filter(resolved_at=None).values_list("kind", flat=True)) == ["offline"]


def test_a_visit_that_is_ended_is_logged_with_the_reason(lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    fill(visit)
    mina = staff_make()
    new = lane_visit_end(lane=lane, reason="staff", actor=mina)
    visit.refresh_from_db()
    assert (visit.status, new.status, new.lane) == ("expired", "active", lane)
    event = LaneEvent.objects.get()
    assert (event.kind, event.reason, event.actor, event.session) == ("ended", "staff", mina, visit)


def test_a_paid_visit_stays_paid(lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    fill(visit)
    services.session_confirm(session_id=visit.pk)
    lane_visit_end(lane=lane, reason="idle")
    visit.refresh_from_db()
    assert visit.status == "completed"
    assert not LaneEvent.objects.exists()


def test_a_button_touched_twice_ends_one_visit(lane: Lane) -> None:
    fill(lane_visit(lane=lane))
    first = lane_visit_end(lane=lane, reason="start_over")
    assert lane_visit_end(lane=lane, reason="start_over") == first
    CheckoutSession.objects.filter(pk=first.pk).update(created_at=timezone.now() - JUST_BEGUN)
    assert lane_visit_end(lane=lane, reason="start_over") != first


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_20_calls_at_once_find_one_visit(lane: Lane) -> None:
    for _ in range(3):
        visits = at_once(20, lambda _: lane_visit(lane=lane))
        assert len({visit.pk for visit in visits}) == 1
        CheckoutSession.objects.filter(lane=lane).update(status="expired")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_visits_that_are_looked_for_first_would_be_several(lane: Lane) -> None:
    """Several visits of an account without a lane, which no constraint keeps to one."""

    def looked_for() -> CheckoutSession:
        found = CheckoutSession.objects.filter(user=lane.account, status="active").first()
        return found or CheckoutSession.objects.create(user=lane.account)

    most = 0
    for _ in range(10):
        visits = at_once(20, lambda _: looked_for())
        most = max(most, len({visit.pk for visit in visits}))
        CheckoutSession.objects.update(status="expired")
    assert most > 1


def test_visits_of_shoppers_are_left_alone(lane: Lane, shopper: User) -> None:
    own = services.session_start(user=shopper)
    lane_visit_end(lane=lane, reason="idle")
    own.refresh_from_db()
    assert (own.status, own.lane) == ("active", None)

"""How many sessions of one account may be active, and which one gives way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from accounts.models import User
from checkout.cart import items, services
from checkout.errors import TooManySessions
from checkout.models import CheckoutSession
from tests.checkout.shop import product_make

pytestmark = pytest.mark.django_db
ACTIVE, EXPIRED = CheckoutSession.Status.ACTIVE, CheckoutSession.Status.EXPIRED


def sessions_make(user: User, count: int, *, idle_s: float) -> list[CheckoutSession]:
    last_active = timezone.now() - timedelta(seconds=idle_s)
    return CheckoutSession.objects.bulk_create(
        CheckoutSession(user=user, last_active=last_active) for _ in range(count)
    )


def active(user: User) -> QuerySet[CheckoutSession]:
    return CheckoutSession.objects.filter(user=user, status=ACTIVE)


def test_the_bounds() -> None:
    assert (100, timedelta(minutes=1)) == (services.SESSIONS_MAX, services.IN_USE)


def test_the_session_left_alone_longest_gives_way(shopper: User, stranger: User) -> None:
    (other,) = sessions_make(stranger, 1, idle_s=3000)
    (oldest,) = sessions_make(shopper, 1, idle_s=2000)
    sessions_make(shopper, 98, idle_s=600)
    services.session_start(user=shopper)
    assert active(shopper).count() == 100
    assert active(shopper).contains(oldest)

    started = services.session_start(user=shopper)
    assert active(shopper).count() == 100
    assert active(shopper).contains(started)
    oldest.refresh_from_db()
    other.refresh_from_db()
    assert (oldest.status, other.status) == (EXPIRED, ACTIVE)


def test_an_empty_cart_gives_way_before_one_with_items(shopper: User) -> None:
    (full,) = sessions_make(shopper, 1, idle_s=2000)
    items.item_set(session_id=full.pk, product_id=product_make("Oat milk").pk, quantity=1)
    CheckoutSession.objects.filter(pk=full.pk).update(last_active=timezone.now() - timedelta(seconds=2000))
    sessions_make(shopper, 99, idle_s=600)
    services.session_start(user=shopper)
    full.refresh_from_db()
    assert (full.status, active(shopper).count()) == (ACTIVE, 100)


def test_sessions_in_use_do_not_give_way_and_the_caller_is_told(shopper: User, client: Client) -> None:
    sessions_make(shopper, 100, idle_s=50)
    with pytest.raises(TooManySessions) as caught:
        services.session_start(user=shopper)
    assert caught.value.data == {"limit": 100}
    assert active(shopper).count() == 100

    caller = APIClient()
    caller.force_authenticate(shopper)
    answer = caller.post("/api/sessions")
    assert (answer.status_code, answer.json()["code"], answer.json()["limit"]) == (
        409,
        "too_many_sessions",
        100,
    )
    CheckoutSession.objects.update(last_active=timezone.now() - timedelta(seconds=61))
    assert caller.post("/api/sessions").status_code == 201


def test_too_many_left_by_a_race_are_made_up_for(shopper: User) -> None:
    sessions_make(shopper, 105, idle_s=600)
    services.session_start(user=shopper)
    assert active(shopper).count() == 100


def test_a_session_taken_up_again_in_the_meantime_is_not_ended(shopper: User) -> None:
    (session,) = sessions_make(shopper, 1, idle_s=10)
    services.session_expire_if_idle(session_id=session.pk, since=timezone.now() - services.IN_USE)
    session.refresh_from_db()
    assert session.status == ACTIVE


@pytest.mark.usefixtures("one_rate_window")
def test_starting_and_tickets_are_limited_by_account(
    shopper: User, stranger: User, settings: Settings
) -> None:
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    assert (rates["session"], rates["ticket"]) == ("60/min", "120/min")
    caller, other = APIClient(), APIClient()
    caller.force_authenticate(shopper)
    other.force_authenticate(stranger)
    answers = [caller.post("/api/sessions").status_code for _ in range(61)]
    assert answers == [201] * 60 + [429]
    assert other.post("/api/sessions").status_code == 201
    ticket = f"/api/sessions/{active(shopper).latest('created_at').pk}/ticket"
    answers = [caller.post(ticket).status_code for _ in range(121)]
    assert answers == [201] * 120 + [429]


@pytest.mark.usefixtures("one_rate_window")
def test_the_page_starts_no_more_than_the_api_and_asks_to_wait(shopper: User, client: Client) -> None:
    client.force_login(shopper)

    def visit() -> int:
        status = client.get("/checkout/").status_code
        active(shopper).update(status=EXPIRED)
        return status

    assert [visit() for _ in range(61)] == [302] * 60 + [429]
    sessions_make(shopper, 1, idle_s=0)
    assert client.get("/checkout/").status_code == 302

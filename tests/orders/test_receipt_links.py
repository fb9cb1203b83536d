"""A receipt is taken along by a link that opens once, and claimed once, without an account of one's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from checkout.cart import items, services
from checkout.lanes.visits import lane_visit
from checkout.models import Lane
from orders import receipt_links
from orders.errors import ReceiptLinkGone, ReceiptLinkUnknown, ReceiptNotClaimable
from orders.models import Order, ReceiptLink
from orders.receipt_links import (
    receipt_claim,
    receipt_link_make,
    receipt_link_open,
    receipt_links_forget,
    token_hash,
)
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.lanes.makers import lane_make
from tests.checkout.shop import order_make, product_with_photo

pytestmark = pytest.mark.django_db
DAY = timedelta(hours=24)


def lane_order(lane: Lane | None = None) -> Order:
    """Buy a pear at a lane."""
    lane = lane or lane_make()
    session = lane_visit(lane=lane)
    items.item_set(session_id=session.pk, product_id=product_with_photo("Pear").pk, quantity=1)
    return services.session_confirm(session_id=session.pk).order


def opened(client: Client, token: str) -> HttpResponse:
    """Open a link as a person does, and follow it to the receipt."""
    return client.post(f"/r/{token}/", follow=True)  # type: ignore[return-value]


def later(by: timedelta, **fields: Any) -> None:
    """Let time pass for all links."""
    for link in ReceiptLink.objects.all():
        link.expires_at -= by
        if link.opened_at:
            link.opened_at -= by
        link.save()


def test_a_token_has_256_bits_of_which_only_the_hash_is_stored() -> None:
    order = lane_order()
    token, other = receipt_link_make(order=order), receipt_link_make(order=lane_order(lane_make("2", "2")))

    assert len(token) == len(other) == 43
    assert token != other
    link = ReceiptLink.objects.get(order=order)
    assert link.token_hash == token_hash(token)
    assert token not in str(vars(link))


def test_a_link_opens_in_the_first_browser_only_and_stays_there() -> None:
    token = receipt_link_make(order=lane_order())
    phone, other = Client(), Client()

    first = opened(phone, token)

    assert first.status_code == 200
    assert "Pear" in first.content.decode()
    assert "Pear" in phone.get(f"/r/{token}/").content.decode()
    for answer in (other.get(f"/r/{token}/"), other.post(f"/r/{token}/")):
        assert answer.status_code == 410
        assert "This link no longer works" in answer.content.decode()
        assert "Pear" not in answer.content.decode()
    assert ReceiptLink.objects.get().opened_at is not None


def test_opening_again_by_the_same_browser_is_no_fault() -> None:
    token = receipt_link_make(order=lane_order())
    phone = Client()
    opened(phone, token)

    assert "Pear" in opened(phone, token).content.decode()


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_preview_burns_nothing_and_learns_nothing(method: str) -> None:
    token = receipt_link_make(order=lane_order())
    preview = getattr(Client(), method)(f"/r/{token}/")

    assert preview.status_code == 200
    assert "Pear" not in preview.content.decode()
    assert "noindex" in preview.headers["X-Robots-Tag"]
    assert "no-store" in preview.headers["Cache-Control"]
    assert ReceiptLink.objects.get().opened_at is None
    assert "Pear" in opened(Client(), token).content.decode()


def test_opening_needs_the_token_of_the_form() -> None:
    token = receipt_link_make(order=lane_order())

    assert Client(enforce_csrf_checks=True).post(f"/r/{token}/").status_code == 403
    assert ReceiptLink.objects.get().opened_at is None


@pytest.mark.parametrize(("age", "status"), [(DAY - timedelta(seconds=20), 200), (DAY, 410)])
def test_a_link_waits_24_hours_to_be_opened(age: timedelta, status: int) -> None:
    token = receipt_link_make(order=lane_order())
    later(age)

    assert Client().get(f"/r/{token}/").status_code == status
    assert opened(Client(), token).status_code == status


@pytest.mark.parametrize(("age", "status"), [(DAY - timedelta(seconds=20), 200), (DAY, 410)])
def test_the_browser_that_opened_it_keeps_access_for_24_hours(age: timedelta, status: int) -> None:
    token = receipt_link_make(order=lane_order())
    phone = Client()
    opened(phone, token)
    later(age)

    assert phone.get(f"/r/{token}/").status_code == status
    assert phone.cookies["receipt"]["max-age"] == DAY.total_seconds()


def test_the_key_of_the_holder_is_for_this_link_alone_and_no_script() -> None:
    lane = lane_make()
    mine = receipt_link_make(order=lane_order(lane))
    theirs = receipt_link_make(order=lane_order(lane))
    phone, other = Client(), Client()
    opened(phone, mine)
    opened(other, theirs)

    cookie = phone.cookies["receipt"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == (f"/r/{mine}/", True, "Lax")
    assert bool(cookie["secure"]) == settings.SESSION_COOKIE_SECURE
    thief = Client()
    for value in (cookie.value, str(ReceiptLink.objects.get(token_hash=token_hash(theirs)).pk)):
        thief.cookies["receipt"] = value
        assert thief.get(f"/r/{theirs}/").status_code == 410


@pytest.mark.parametrize("token", ["x", "0" * 43, "0" * 4000, "%00", "%F0%9F%8D%90"])
def test_a_link_that_never_was_is_not_found(token: str) -> None:
    answer = Client().get(f"/r/{token}/")

    assert answer.status_code == 404
    assert "This link no longer works" in answer.content.decode()


def test_an_address_tries_20_links_a_minute(one_rate_window: None) -> None:
    token = receipt_link_make(order=lane_order())
    phone, guesser = Client(REMOTE_ADDR="192.0.2.7"), Client()
    opened(phone, token)
    answers = [guesser.get(f"/r/{number:043d}/").status_code for number in range(21)]

    assert answers == [404] * 20 + [429]
    assert Client().post(f"/r/{token}/").status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.8").get(f"/r/{token}/").status_code == 410
    assert [phone.get(f"/r/{token}/").status_code for _ in range(30)] == [200] * 30  # it holds the link


def test_a_new_link_replaces_the_one_that_nobody_opened() -> None:
    order = lane_order()
    first, second = receipt_link_make(order=order), receipt_link_make(order=order)

    with pytest.raises(ReceiptLinkUnknown):
        receipt_link_open(token=first)
    assert receipt_link_open(token=second) == order


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_of_many_browsers_that_open_it_at_once_one_gets_it() -> None:
    token = receipt_link_make(order=lane_order())

    outcomes = at_once(20, lambda _: receipt_link_open(token=token))

    assert sum(isinstance(outcome, Order) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ReceiptLinkGone) for outcome in outcomes) == 19


def test_links_that_nobody_can_use_are_forgotten() -> None:
    lane = lane_make()
    waiting, held, unopened, read = [receipt_link_make(order=lane_order(lane)) for _ in range(4)]
    receipt_link_open(token=read)
    ReceiptLink.objects.filter(token_hash=token_hash(unopened)).update(expires_at=timezone.now())
    ReceiptLink.objects.filter(opened_at__isnull=False).update(opened_at=timezone.now() - DAY)
    receipt_link_open(token=held)

    assert receipt_links_forget() == 2
    kept = set(ReceiptLink.objects.values_list("token_hash", flat=True))
    assert kept == {token_hash(waiting), token_hash(held)}


def test_a_claimed_receipt_becomes_the_shoppers_own_and_no_longer_the_lanes(
    shopper: User, stranger: User
) -> None:
    order = lane_order()
    device = order.user
    token = receipt_link_make(order=order)
    phone = Client()
    opened(phone, token)
    assert f'href="/login/?next=/r/{token}/"' in phone.get(f"/r/{token}/").content.decode()
    phone.force_login(shopper)
    assert "Add to my account" in phone.get(f"/r/{token}/").content.decode()

    target = phone.post(f"/r/{token}/claim/").headers["Location"]

    assert target == f"/orders/{order.pk}/"
    assert order.number in phone.get("/my/").content.decode()
    assert "This receipt is in your account." in phone.get(f"/r/{token}/").content.decode()
    order.refresh_from_db()
    assert order.user == shopper
    lane_client = Client()
    lane_client.force_login(device)
    assert lane_client.get(f"/orders/{order.pk}/").status_code == 404


@pytest.mark.parametrize("path", ["/login/", "/signup/"])
def test_whoever_logs_in_on_the_way_comes_back_to_the_receipt(path: str, shopper: User) -> None:
    token = receipt_link_make(order=lane_order())
    phone = Client()
    opened(phone, token)
    fields = {"username": "shopper", "password": "Correct-Horse-7"}
    if path == "/signup/":
        fields = {"username": "newcomer", "password1": "Correct-Horse-7", "password2": "Correct-Horse-7"}

    answer = phone.post(f"{path}?next=/r/{token}/", {**fields, "next": f"/r/{token}/"}, follow=True)

    assert "Add to my account" in answer.content.decode()


def test_claiming_again_changes_nothing_and_others_are_refused(shopper: User, stranger: User) -> None:
    order = lane_order()
    receipt_claim(order_id=order.pk, user=shopper)

    assert receipt_claim(order_id=order.pk, user=shopper).user == shopper
    with pytest.raises(ReceiptNotClaimable) as refusal:
        receipt_claim(order_id=order.pk, user=stranger)
    assert (refusal.value.status, refusal.value.code) == (409, "receipt_not_claimable")
    order.refresh_from_db()
    assert order.user == shopper


def test_what_was_bought_in_an_account_is_nobody_elses(shopper: User, stranger: User) -> None:
    order = order_make(shopper, product_with_photo("Pear"))
    token = receipt_link_make(order=order)
    thief = Client()
    thief.force_login(stranger)
    page = opened(thief, token).content.decode()

    assert "Add to my account" not in page
    answer = thief.post(f"/r/{token}/claim/")
    assert (answer.status_code, "belongs to an account already" in answer.content.decode()) == (409, True)
    order.refresh_from_db()
    assert order.user == shopper


def test_a_lane_claims_nothing() -> None:
    lane = lane_make()
    other = lane_make("Lane 2", "2")
    order = lane_order(lane)

    for device in (lane.account, other.account):
        with pytest.raises(ReceiptNotClaimable):
            receipt_claim(order_id=order.pk, user=device)


def test_a_claim_needs_the_browser_that_opened_the_link(shopper: User, stranger: User) -> None:
    order = lane_order()
    token = receipt_link_make(order=order)
    thief = Client()
    thief.force_login(stranger)

    assert thief.post(f"/r/{token}/claim/").status_code == 410  # nobody has opened it
    opened(Client(), token)
    assert thief.post(f"/r/{token}/claim/").status_code == 410  # another browser has
    assert thief.get(f"/r/{token}/claim/").headers["Location"] == f"/r/{token}/"
    order.refresh_from_db()
    assert order.user.is_device


def claiming(order: Order, users: list[User]) -> Any:
    return lambda number: receipt_claim(order_id=order.pk, user=users[number])


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_of_many_who_claim_it_at_once_exactly_one_gets_it() -> None:
    users = [User.objects.create_user(f"claimer{number}") for number in range(12)]
    order = lane_order()

    outcomes = at_once(12, claiming(order, users))

    order.refresh_from_db()
    assert [outcome.user for outcome in outcomes if isinstance(outcome, Order)] == [order.user]
    assert sum(isinstance(outcome, ReceiptNotClaimable) for outcome in outcomes) == 11


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_without_the_lock_several_believe_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    users = [User.objects.create_user(f"claimer{number}") for number in range(12)]
    lane = lane_make()
    monkeypatch.setattr(receipt_links, "orders_for_update", Order.objects.all)
    won = 0
    for _ in range(10):
        outcomes = at_once(12, claiming(lane_order(lane), users))
        won = max(won, sum(isinstance(outcome, Order) for outcome in outcomes))
    assert won > 1

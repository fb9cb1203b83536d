"""At a lane one shopper follows another: nobody sees what those before bought, but their own receipt.

Each protection stands beside what a shopper's own account may do, which the device's may not.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import tokens_issue
from catalog.models import Product
from checkout.cart import items, selectors, services
from checkout.errors import LaneVisitsOnly
from checkout.lanes.visits import lane_visit, lane_visit_end
from checkout.models import CheckoutSession, Lane
from orders.models import Order
from orders.selectors import RECEIPT_GRACE_S
from tests.checkout.cart.unresolved import left
from tests.checkout.lanes.makers import lane_make
from tests.checkout.shop import order_make, product_with_photo, session_with

pytestmark = pytest.mark.django_db
RECEIPT_S = 20


@pytest.fixture
def lane() -> Lane:
    return lane_make(receipt_leaves_after_s=RECEIPT_S)


@pytest.fixture
def page(lane: Lane) -> Client:
    """Return the browser of the lane."""
    client = Client()
    client.force_login(lane.account)
    return client


def bought(lane: Lane, name: str = "Pear") -> Order:
    """Buy something at the lane."""
    session = lane_visit(lane=lane)
    items.item_set(session_id=session.pk, product_id=product_with_photo(name).pk, quantity=1)
    return services.session_confirm(session_id=session.pk).order


def aged(order: Order, seconds: float) -> None:
    Order.objects.filter(pk=order.pk).update(confirmed_at=timezone.now() - timedelta(seconds=seconds))


def token(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens_issue(user).access}"}


@pytest.mark.parametrize("path", ["/", "/my/", "/checkout/"])
def test_pages_of_accounts_lead_back_to_the_lane(page: Client, lane: Lane, path: str) -> None:
    bought(lane)
    answer = page.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/lane/")
    assert not CheckoutSession.objects.filter(lane=None).exists()


def test_the_checkout_pages_of_shoppers_lead_back_to_the_lane(page: Client, lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    for answer in (
        page.get(f"/checkout/{visit.pk}/"),
        page.get(f"/checkout/{visit.pk}/clip/"),
        page.post("/checkout/new/"),
        page.post(f"/checkout/{visit.pk}/continue/"),
    ):
        assert (answer.status_code, answer.headers["Location"]) == (302, "/lane/")
    assert CheckoutSession.objects.get() == visit


@pytest.mark.parametrize(
    ("age_s", "status"), [(0, 200), (RECEIPT_S + 119, 200), (RECEIPT_S + 120, 404), (86_400, 404)]
)
def test_the_receipt_just_paid_is_shown_for_as_long_as_its_page_and_two_minutes(
    page: Client, lane: Lane, age_s: float, status: int
) -> None:
    order = bought(lane)
    aged(order, age_s)

    assert RECEIPT_GRACE_S == 120
    assert page.get(f"/orders/{order.pk}/").status_code == status
    assert page.get(f"/api/orders/{order.pk}").status_code == status
    assert page.get(f"/api/sessions/{order.session_id}").status_code == status
    assert [row["order_id"] for row in page.get("/api/orders").json()["results"]] == (
        [str(order.pk)] if status == 200 else []
    )


def test_the_receipt_of_the_shopper_before_is_gone_with_the_next(
    page: Client, lane: Lane, shopper: User
) -> None:
    pears = bought(lane), bought(lane, "Plum")
    own = order_make(shopper, *Product.objects.all()), order_make(shopper, *Product.objects.all())

    statuses = [page.get(f"/orders/{order.pk}/").status_code for order in pears]
    client = Client()
    client.force_login(shopper)

    assert statuses == [404, 200]
    assert [client.get(f"/orders/{order.pk}/").status_code for order in own] == [200, 200]
    assert page.get(f"/api/orders/{pears[0].pk}", headers=token(lane.account)).status_code == 404
    assert page.get("/api/orders").json()["count"] == 1


def test_the_receipt_is_gone_as_soon_as_something_is_in_the_next_cart(page: Client, lane: Lane) -> None:
    order = bought(lane)
    visit = lane_visit(lane=lane)
    assert page.get(f"/orders/{order.pk}/").status_code == 200

    items.item_set(session_id=visit.pk, product_id=Product.objects.get().pk, quantity=1)
    assert page.get(f"/orders/{order.pk}/").status_code == 404
    assert page.get("/api/orders").json()["count"] == 0
    services.session_cancel(session_id=visit.pk)
    assert page.get(f"/orders/{order.pk}/").status_code == 404


def test_a_claimed_receipt_leaves_no_older_one_in_its_place(page: Client, lane: Lane, shopper: User) -> None:
    older, newest = bought(lane), bought(lane, "Plum")
    Order.objects.filter(pk=newest.pk).update(user=shopper)

    for order in (older, newest):
        assert page.get(f"/orders/{order.pk}/").status_code == 404
    assert page.get("/api/orders").json()["results"] == []


def test_receipts_at_other_lanes_are_not_this_ones(page: Client, lane: Lane) -> None:
    order = bought(lane_make("Lane 2", "2"))

    assert page.get(f"/orders/{order.pk}/").status_code == 404


def test_the_visits_before_are_not_there(page: Client, lane: Lane, shopper: User) -> None:
    paid = bought(lane).session
    bought(lane, "Plum")
    given_up = lane_visit(lane=lane)
    item = left(given_up)
    items.item_set(session_id=given_up.pk, product_id=product_with_photo("Nut").pk, quantity=1)
    active = lane_visit_end(lane=lane, reason="start_over")
    nut = Product.objects.get(name="Nut")

    for session in (paid, given_up):
        base = f"/api/sessions/{session.pk}"
        answers = [
            page.get(base),
            page.get(f"{base}/billing"),
            page.get(f"{base}/billing", headers=token(lane.account)),
            page.post(f"{base}/ticket"),
            page.delete(base),
            page.get(f"{base}/unresolved/{item}/picture"),
            page.post(f"{base}/billing/confirm", {}, content_type="application/json"),
            page.get(f"/checkout/{session.pk}/likely/{nut.pk}/"),
        ]
        assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert page.get(f"/api/sessions/{active.pk}/billing").status_code == 200
    own = session_with(shopper)
    services.session_cancel(session_id=own.pk)
    assert selectors.session_get(user=shopper, session_id=own.pk) == own  # a shopper's own past stays there


def test_a_picture_of_the_active_visit_is_shown_until_it_ends(page: Client, lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    path = f"/api/sessions/{visit.pk}/unresolved/{left(visit)}/picture"

    assert page.get(path).status_code == 200
    lane_visit_end(lane=lane, reason="idle")
    assert page.get(path).status_code == 404


def test_photos_off_sale_are_shown_no_longer_than_the_cart_or_receipt(
    page: Client, lane: Lane, shopper: User, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    order = bought(lane)
    product = Product.objects.get()
    order_make(shopper, product)
    Product.objects.update(is_active=False)
    path = product.images.get().image.url
    client = Client()
    client.force_login(shopper)

    assert page.get(path).status_code == 200
    aged(order, RECEIPT_S + 120)
    assert page.get(path).status_code == 404
    assert client.get(path).status_code == 200  # a receipt of one's own shows it for good


def test_a_lane_that_asks_for_a_session_gets_its_own_and_no_second(lane: Lane) -> None:
    program = Client(headers=token(lane.account))
    first, second = program.post("/api/sessions"), program.post("/api/sessions")

    visit = CheckoutSession.objects.get()
    assert visit.lane == lane
    assert [answer.status_code for answer in (first, second)] == [201, 201]
    assert first.json()["session_id"] == second.json()["session_id"] == str(visit.pk)


def test_no_session_of_a_device_is_made_outside_its_lane(lane: Lane) -> None:
    orphan = User.objects.create_user("device", None, is_device=True)

    for account in (lane.account, orphan):
        with pytest.raises(LaneVisitsOnly):
            services.session_start(user=account)
    answer = Client(headers=token(orphan)).post("/api/sessions")
    assert (answer.status_code, answer.json()["code"]) == (403, "lane_visit")
    assert not CheckoutSession.objects.exists()


def test_a_device_without_a_lane_sees_nothing() -> None:
    orphan = User.objects.create_user("device", None, is_device=True)
    session = CheckoutSession.objects.create(user=orphan)

    assert not selectors.sessions_shown(orphan).filter(pk=session.pk).exists()


def test_a_device_has_no_account_to_look_at_but_refreshes_its_tokens(lane: Lane, shopper: User) -> None:
    tokens = tokens_issue(lane.account)
    me = Client(headers={"Authorization": f"Bearer {tokens.access}"}).get("/api/auth/me")
    refreshed = Client().post(
        "/api/auth/refresh", {"refresh": tokens.refresh}, content_type="application/json"
    )

    assert (me.status_code, me.json()["code"]) == (403, "device_account")
    assert refreshed.status_code == 200
    assert Client(headers=token(shopper)).get("/api/auth/me").status_code == 200


def test_no_way_out_is_offered_at_a_lane(page: Client, lane: Lane, shopper: User) -> None:
    order = bought(lane)
    shown = page.get(f"/orders/{order.pk}/").content.decode() + page.get("/nothing/").content.decode()
    client = Client()
    client.force_login(shopper)
    usual = client.get("/nothing/").content.decode()

    for way in ("/logout/", "/login/", "/i18n/setlang/", "/my/"):
        assert way not in shown
    for way in ("/logout/", "/i18n/setlang/", "/my/"):
        assert way in usual

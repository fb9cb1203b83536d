"""Home, the way into a visit, and the checkout page as the server renders it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.models import User
from checkout.cart.services import session_cancel, session_start
from checkout.models import CheckoutSession
from tests.checkout.shop import order_make, product_with_photo, session_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def clip(settings: Settings, tmp_path: Path) -> None:
    """Store a clip where the demo shop does."""
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "clip.json").write_text('{"fps": 10, "frames": []}')


def options_of(page: str) -> dict[str, object]:
    """Read what the page tells its scripts."""
    script = r'<script id="checkout-options" type="application/json">(.*?)</script>'
    found = re.search(script, page, re.DOTALL)
    assert found
    return dict(json.loads(found.group(1)))


def test_starting_begins_a_visit_and_starting_again_goes_on_with_it(client: Client, shopper: User) -> None:
    client.force_login(shopper)

    first, second = client.get("/checkout/"), client.get("/checkout/")

    session = CheckoutSession.objects.get()
    assert first.headers["Location"] == second.headers["Location"] == f"/checkout/{session.pk}/"
    assert session.user == shopper


def test_starting_goes_on_with_the_visit_used_last(client: Client, shopper: User) -> None:
    older, newer = session_start(user=shopper), session_start(user=shopper)
    now = timezone.now()
    CheckoutSession.objects.filter(pk=older.pk).update(last_active=now)
    CheckoutSession.objects.filter(pk=newer.pk).update(last_active=now - timedelta(minutes=1))
    client.force_login(shopper)

    assert client.get("/checkout/").headers["Location"] == f"/checkout/{older.pk}/"


def test_a_visit_left_long_ago_or_ended_or_of_a_stranger_is_not_continued(
    client: Client, shopper: User, stranger: User
) -> None:
    idle, ended = session_start(user=shopper), session_start(user=shopper)
    theirs = session_start(user=stranger)
    long_ago = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES + 1)
    CheckoutSession.objects.filter(pk=idle.pk).update(last_active=long_ago)
    session_cancel(session_id=ended.pk)
    client.force_login(shopper)

    target = client.get("/checkout/").headers["Location"]

    begun = CheckoutSession.objects.exclude(pk__in=[idle.pk, ended.pk, theirs.pk]).get()
    assert target == f"/checkout/{begun.pk}/"


def test_the_clip_is_asked_for_in_the_address(client: Client, shopper: User) -> None:
    client.force_login(shopper)

    assert client.get("/checkout/?camera=demo").headers["Location"].endswith("/?camera=demo")
    assert client.get("/checkout/?camera=https://x.example").headers["Location"].endswith("/")


def test_the_checkout_page_gives_its_scripts_addresses(client: Client, shopper: User, clip: None) -> None:
    session = session_start(user=shopper)
    client.force_login(shopper)

    response = client.get(f"/checkout/{session.pk}/?camera=demo")
    options = options_of(response.content.decode())

    assert options["socket_path"] == f"/api/ws/checkout/{session.pk}"
    assert options["confirm_path"] == f"/api/sessions/{session.pk}/billing/confirm"
    assert (options["clip_path"], options["start_with_clip"]) == ("/media/demo/clip.json", True)
    assert "no-store" in response.headers["Cache-Control"]


def test_without_a_clip_none_is_offered(
    client: Client, shopper: User, settings: Settings, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    session = session_start(user=shopper)
    client.force_login(shopper)

    page = client.get(f"/checkout/{session.pk}/").content.decode()

    assert options_of(page)["clip_path"] is None
    assert "Try without a camera" not in page
    assert "Try without a camera" not in client.get("/").content.decode()


def test_where_there_is_a_clip_it_is_offered(client: Client, shopper: User, clip: None) -> None:
    session = session_start(user=shopper)
    client.force_login(shopper)

    for path in ("/", f"/checkout/{session.pk}/"):
        assert "Try without a camera" in client.get(path).content.decode()


def test_a_visit_is_seen_by_its_shopper_only(
    client: Client, shopper: User, stranger: User, keeper: User
) -> None:
    session = session_start(user=shopper)
    statuses = {}
    for user in (shopper, stranger, keeper):
        client.force_login(user)
        statuses[user.username] = client.get(f"/checkout/{session.pk}/").status_code

    assert statuses == {"shopper": 200, "stranger": 404, "keeper": 404}


def test_a_paid_visit_shows_its_receipt(client: Client, shopper: User) -> None:
    order = order_make(shopper, product_with_photo("Pear"))
    client.force_login(shopper)

    response = client.get(f"/checkout/{order.session_id}/")

    assert (response.status_code, response.headers["Location"]) == (302, f"/orders/{order.pk}/")


def test_a_visit_that_ran_out_says_so_and_how_to_begin_another(client: Client, shopper: User) -> None:
    session = session_start(user=shopper)
    session_cancel(session_id=session.pk)
    client.force_login(shopper)

    page = client.get(f"/checkout/{session.pk}/").content.decode()

    assert "This checkout has ended" in page
    assert 'href="/checkout/"' in page


def test_home_asks_a_visitor_to_log_in_and_a_shopper_to_start(client: Client, shopper: User) -> None:
    before = client.get("/").content.decode()
    client.force_login(shopper)
    after = client.get("/").content.decode()
    session_with(shopper)
    during = client.get("/").content.decode()

    assert ("Log in to start" in before, "Start checkout" in before) == (True, False)
    assert ("Log in to start" in after, "Start checkout" in after) == (False, True)
    assert ("Continue checkout" in during, "Start checkout" in during) == (True, False)


@pytest.mark.parametrize("count", [1, 8])
def test_home_shows_the_last_three_orders_in_seven_queries(
    client: Client, shopper: User, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    pear = product_with_photo("Pear")
    orders = [order_make(shopper, pear) for _ in range(count)]
    client.force_login(shopper)

    # login session, user, orders, their lines, open visit, pictures, the shop's name
    with django_assert_num_queries(7):
        page = client.get("/").content.decode()

    assert [order.number in page for order in orders] == [False] * (count - 3) + [True] * min(count, 3)


def test_the_checkout_page_takes_four_queries(
    client: Client, shopper: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    session = session_with(shopper, *[product_with_photo(f"Product {number}") for number in range(5)])
    client.force_login(shopper)

    # login session, user, visit, the shop's name
    with django_assert_num_queries(4):
        assert client.get(f"/checkout/{session.pk}/").status_code == 200


def test_the_site_can_be_installed(client: Client) -> None:
    response = client.get("/manifest.webmanifest")
    body = json.loads(response.content)

    assert response.headers["Content-Type"] == "application/manifest+json"
    assert (body["start_url"], body["display"]) == ("/", "standalone")
    assert {icon["sizes"] for icon in body["icons"]} == {"192x192", "512x512", "any"}
    assert [shortcut["url"] for shortcut in body["shortcuts"]] == ["/checkout/", "/my/"]
    for icon in body["icons"]:
        assert (settings.BASE_DIR / icon["src"].lstrip("/")).is_file()


@pytest.mark.parametrize("path", ["/", "/login/", "/signup/", "/nothing/", "/my/", "/checkout/"])
def test_pages_carry_no_script_or_style_of_their_own_and_forbid_it(
    client: Client, shopper: User, path: str
) -> None:
    if path not in ("/login/", "/signup/"):  # they lead on whoever is logged in
        client.force_login(shopper)
    response = client.get(path, follow=True)
    page = response.content.decode()

    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    inline = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", page)
    assert all('type="application/json"' in attributes for attributes in inline)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_the_address_of_nothing_is_a_designed_page(client: Client) -> None:
    response = client.get("/nothing/")

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


def test_a_fault_of_ours_is_a_designed_page(
    client: Client, shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(user: User) -> None:
        raise RuntimeError("the secret detail")

    monkeypatch.setattr("checkout.web.home.session_to_continue", fail)
    client.force_login(shopper)
    client.raise_request_exception = False

    response = client.get("/")

    assert response.status_code == 500
    assert "Something went wrong at our end" in response.content.decode()
    assert "secret detail" not in response.content.decode()

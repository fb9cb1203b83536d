"""The page of a lane as the server renders it: for its device only, in the language of whoever is there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Store, User
from accounts.stores import ALL_DAY, DAYS
from checkout.cart.sessions import session_end
from checkout.lanes.visits import lane_visit, lane_visit_end
from checkout.models import CheckoutSession, Lane
from tests.checkout.lanes.makers import lane_make
from tests.checkout.web.test_pages import options_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def lane(db: None) -> Lane:
    """Make a lane."""
    return lane_make(mode="tray", zone=[0.1, 0.1, 0.8, 0.8], sound=False, idle_after_s=30)


@pytest.fixture
def device(client: Client, lane: Lane) -> Client:
    """Return the browser of the lane."""
    client.force_login(lane.account)
    return client


def lane_options(page: str) -> dict[str, Any]:
    """Return what the page tells its scripts of the lane."""
    return dict(options_of(page)["lane"])  # type: ignore[call-overload]


def test_a_lane_gets_its_visit_and_its_settings(device: Client, lane: Lane) -> None:
    response = device.get("/lane/")

    page = response.content.decode()
    options = options_of(page)
    visit = CheckoutSession.objects.get()
    assert (visit.lane, visit.user) == (lane, lane.account)
    assert options["session_id"] == str(visit.pk)
    assert options["receipt_path"] == "/lane/receipt/00000000-0000-0000-0000-000000000000/"
    assert options["login_path"] == "/lane/"
    assert options["clip_path"] is None
    told = lane_options(page)
    expected = {"mode": "tray", "zone": [0.1, 0.1, 0.8, 0.8], "sound": False, "idle_after_s": 30}
    assert {name: told[name] for name in expected} == expected
    assert (told["id"], told["socket_path"]) == (str(lane.pk), "/api/ws/lane")
    assert told["store"] == {"name": lane.store.name, "logo": None}
    assert told["has_begun"] is False
    assert "no-store" in response.headers["Cache-Control"]


def test_looking_again_goes_on_with_the_same_visit(device: Client) -> None:
    first, second = (options_of(device.get("/lane/").content.decode())["session_id"] for _ in range(2))

    assert first == second


def test_nothing_leads_out_of_a_lane(device: Client) -> None:
    page = device.get("/lane/").content.decode()

    assert re.findall(r'<a [^>]*href="([^"]*)"', page) == ["#main"]
    assert "site-header" not in page
    assert "Try without a camera" not in page
    settings_button = re.search(r'<div class="tools.*?</div>', page, re.DOTALL)
    assert settings_button
    assert 'data-action="settings"' not in settings_button.group()


def test_others_are_led_to_the_pairing_page(client: Client, shopper: User, lane: Lane) -> None:
    for user in (None, shopper):
        if user:
            client.force_login(user)
        for address, ask in (("/lane/", client.get), ("/lane/language/", client.post)):
            response = ask(address)
            assert (response.status_code, response.headers["Location"]) == (302, "/lane/pair/")
    assert not CheckoutSession.objects.exists()


@pytest.mark.parametrize(("own", "expected"), [("", "en"), ("ko", "ko")])
def test_a_lane_speaks_its_own_language_or_its_stores(
    device: Client, lane: Lane, own: str, expected: str
) -> None:
    lane.language = own
    lane.save()

    response = device.get("/lane/", headers={"accept-language": "ko" if expected == "en" else "en"})

    page = response.content.decode()
    assert f'<html lang="{expected}">' in page
    assert options_of(page)["language"] == expected
    assert response.headers["Content-Language"] == expected


def test_a_chosen_language_lasts_for_the_visit_and_leaves_no_cookie(device: Client, lane: Lane) -> None:
    answer = device.post("/lane/language/", {"language": "ko"})

    assert answer.headers["Location"] == "/lane/"
    assert "django_language" not in device.cookies
    page = device.get("/lane/").content.decode()
    assert (options_of(page)["language"], lane_options(page)["has_begun"]) == ("ko", True)

    session_end(lane_visit(lane=lane), CheckoutSession.Status.EXPIRED)

    page = device.get("/lane/").content.decode()
    assert (options_of(page)["language"], lane_options(page)["has_begun"]) == ("en", False)


def test_a_chosen_language_does_not_outlast_an_empty_visit_that_goes_on(device: Client, lane: Lane) -> None:
    device.post("/lane/language/", {"language": "ko"})
    visit = lane_visit(lane=lane)

    assert lane_visit_end(lane=lane, reason="start_over") == visit  # it had just begun
    answer = device.get("/lane/?fresh=1")

    assert answer.headers["Location"] == "/lane/"
    page = device.get("/lane/").content.decode()
    assert (options_of(page)["language"], lane_options(page)["has_begun"]) == ("en", False)


@pytest.mark.parametrize("language", ["", "de", "ko-KR'", "x" * 5000])
def test_a_language_that_the_shop_does_not_speak_changes_nothing(device: Client, language: str) -> None:
    device.get("/lane/")

    assert device.post("/lane/language/", {"language": language}).status_code == 302

    page = device.get("/lane/").content.decode()
    assert (options_of(page)["language"], lane_options(page)["has_begun"]) == ("en", False)


def test_a_closed_lane_still_renders_and_says_that_it_is_closed(device: Client, lane: Lane) -> None:
    lane_visit(lane=lane)
    Lane.objects.filter(pk=lane.pk).update(is_open=False)

    page = device.get("/lane/").content.decode()

    assert lane_options(page)["is_open"] is False
    assert "This lane is closed" in page


def test_every_language_can_be_chosen(device: Client) -> None:
    page = device.get("/lane/").content.decode()

    buttons = re.findall(r'name="language"\s+value="(\w+)"\s+lang="(\w+)">([^<]+)<', page)
    assert buttons == [("en", "en", "English"), ("ko", "ko", "한국어")]


def test_the_ordinary_checkout_knows_nothing_of_lanes(client: Client, shopper: User) -> None:
    client.force_login(shopper)
    page = client.get(client.get("/checkout/").headers["Location"]).content.decode()

    assert "lane" not in options_of(page)
    assert "lane-attract" not in page
    assert 'data-action="help"' not in page


def test_a_lane_of_a_store_that_is_closed_by_its_hours_says_so(device: Client, lane: Lane) -> None:
    now = timezone.now()
    before, after = (DAYS[(now.weekday() + days) % 7] for days in (5, 2))
    Store.objects.update(time_zone="UTC", opening_hours={before: ALL_DAY, after: ALL_DAY})

    page = device.get("/lane/").content.decode()

    told = lane_options(page)
    assert (told["is_open"], told["store_is_open"]) == (True, False)
    assert "The shop is closed" in page

    Store.objects.update(opening_hours={DAYS[now.weekday()]: ALL_DAY, DAYS[(now.weekday() + 1) % 7]: ALL_DAY})
    assert lane_options(device.get("/lane/").content.decode())["store_is_open"] is True

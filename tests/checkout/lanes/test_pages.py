"""The page on which a device becomes a lane, and who gets into pages of lanes."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout.lanes.access import LaneRequest, lane_page
from checkout.lanes.pairing import key_revoke, lane_pair, pairing_code_make
from checkout.models import Lane, LaneEvent
from ebrcs.urls import urlpatterns as shop_patterns

pytestmark = pytest.mark.django_db


@lane_page
def own_lane(request: LaneRequest) -> HttpResponse:
    return HttpResponse(request.lane.name)


urlpatterns = [path("own-lane/", own_lane), *shop_patterns]


@pytest.fixture(autouse=True)
def _with_a_page_of_a_lane(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


def paired(client: Client, lane: Lane, staff: User) -> str:
    """Pair the browser, and return its key."""
    answer = client.post("/lane/pair/", {"code": pairing_code_make(lane=lane, by=staff)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/lane/")
    return str(client.cookies["lane_key"].value)


def test_a_device_is_paired_and_logged_in_as_the_lane(client: Client, lane: Lane, staff: User) -> None:
    paired(client, lane, staff)
    cookie = client.cookies["lane_key"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert int(cookie["max-age"]) == 400 * 86_400
    assert abs(client.session.get_expiry_age() - 365 * 86_400) < 60
    assert client.get("/own-lane/").content == b"Lane 1"


def test_the_key_is_sent_over_https_only_where_logins_are(
    client: Client, lane: Lane, staff: User, settings: Settings
) -> None:
    settings.SESSION_COOKIE_SECURE = True
    paired(client, lane, staff)
    assert client.cookies["lane_key"]["secure"] is True


def test_the_address_of_a_qr_code_fills_the_code_in_but_pairs_nothing(
    client: Client, lane: Lane, staff: User
) -> None:
    code = pairing_code_make(lane=lane, by=staff)
    page = client.get("/lane/pair/", {"code": code})
    assert f'value="{code}"' in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]
    assert not LaneEvent.objects.exists()


def test_what_the_address_fills_in_is_text(client: Client) -> None:
    page = client.get("/lane/pair/", {"code": '"><script>\x00' + "x" * 5000})
    assert "<script>" not in page.content.decode().split("<main")[1].split("</main>")[0]


def test_a_wrong_code_is_refused_kindly(client: Client, lane: Lane) -> None:
    answer = client.post("/lane/pair/", {"code": "0000-0000"})
    assert answer.status_code == 403
    assert "more than 10 minutes old" in answer.content.decode()
    assert "lane_key" not in answer.cookies
    assert client.post("/lane/pair/", {"code": ""}).status_code == 200
    assert not LaneEvent.objects.exists()


def test_too_many_tries_get_the_page_that_asks_to_wait(client: Client) -> None:
    answers = [client.post("/lane/pair/", {"code": "0000-0000"}) for _ in range(25)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_form_of_another_site_pairs_nothing(lane: Lane, staff: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/lane/pair/", {"code": pairing_code_make(lane=lane, by=staff)})
    assert answer.status_code == 403
    assert not LaneEvent.objects.exists()


def test_a_device_whose_login_has_ended_is_logged_in_by_its_key(
    client: Client, lane: Lane, staff: User
) -> None:
    key = paired(client, lane, staff)
    client.session.flush()
    del client.cookies["sessionid"]
    again = client.get("/own-lane/")
    assert again.content == b"Lane 1"
    assert again.cookies["lane_key"].value == key
    assert "lane_key" not in client.get("/own-lane/").cookies


def test_a_revoked_device_is_led_to_the_pairing_page(client: Client, lane: Lane, staff: User) -> None:
    paired(client, lane, staff)
    key_revoke(lane=lane, by=staff)
    answer = client.get("/own-lane/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/lane/pair/")


def test_the_first_device_is_led_away_once_another_is_paired(client: Client, lane: Lane, staff: User) -> None:
    paired(client, lane, staff)
    other = Client()
    paired(other, lane, staff)
    assert client.get("/own-lane/").status_code == 302
    assert other.get("/own-lane/").content == b"Lane 1"


@pytest.mark.parametrize("role", ["user", "staff", "admin"])
def test_others_are_led_to_the_pairing_page(role: str, client: Client, lane: Lane) -> None:
    client.force_login(User.objects.create_user("other", role=role, store=lane.store))
    assert client.get("/own-lane/").headers["Location"] == "/lane/pair/"
    client.cookies = SimpleCookie({"lane_key": "made up"})
    assert client.get("/own-lane/").headers["Location"] == "/lane/pair/"


def test_the_page_says_which_login_ends(client: Client, lane: Lane, staff: User, shopper: User) -> None:
    client.force_login(shopper)
    assert f"logged in as {shopper.username}" in client.get("/lane/pair/").content.decode()
    paired(client, lane, staff)
    assert "paired as “Lane 1”" in client.get("/lane/pair/").content.decode()


def test_a_program_that_pairs_is_not_the_page(lane: Lane, staff: User) -> None:
    """The key alone logs a browser in; no login session is left open by the API."""
    _, key = lane_pair(code=pairing_code_make(lane=lane, by=staff), address="192.0.2.1")
    browser = Client()
    browser.cookies = SimpleCookie({"lane_key": key})
    assert browser.get("/own-lane/").content == b"Lane 1"
    assert browser.get("/api/lane").status_code == 200

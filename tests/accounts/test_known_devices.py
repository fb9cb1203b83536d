"""An owner gets in on their own device, whoever uses up the tries elsewhere."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client
from pytest_django.fixtures import Settings

from accounts import known_devices, services
from accounts.known_devices import DEVICE_COOKIE, device_id
from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_rate_window")]


def login(client: Client, way: str, username: str = "shopper", password: str = PASSWORD) -> int:
    """Log in by page or by API; 302 of the page counts as 200, its form again as 401."""
    body = {"username": username, "password": password}
    if way == "api":
        return client.post("/api/auth/login", body, content_type="application/json").status_code
    address = "/login/?next=/admin/" if way == "admin" else "/login/"
    status = client.post(address, body).status_code
    return {302: 200, 200: 401}.get(status, status)


def device_of(username: str, way: str = "api", client: Client | None = None) -> Client:
    """Return a client on which an account has logged in and out again."""
    client = client or Client()
    assert login(client, way, username) == 200
    client.cookies.pop(settings.SESSION_COOKIE_NAME, None)
    return client


def attack(username: str = "shopper") -> None:
    """Use up the tries of a name, from many addresses."""
    for number in range(11):
        body = {"username": username, "password": "wrong"}
        Client().post(
            "/api/auth/login", body, REMOTE_ADDR=f"10.0.0.{number}", content_type="application/json"
        )


@pytest.mark.parametrize("remembered", ["page", "api", "admin", "signup"])
@pytest.mark.parametrize("way", ["page", "api", "admin"])
def test_the_owner_gets_in_on_a_known_device_while_the_name_is_attacked(
    keeper: User, way: str, remembered: str
) -> None:
    if remembered == "signup":
        client, name = Client(), "newcomer"
        client.post("/signup/", {"username": name, "password1": PASSWORD, "password2": PASSWORD})
        client.cookies.pop(settings.SESSION_COOKIE_NAME)
    else:
        client, name = device_of("keeper", remembered), "keeper"
    attack(name)
    assert login(Client(), way, name) == 429  # the control: a device that nobody knows
    assert login(client, way, name.upper()) == 200


def test_control_without_the_cookie_the_owner_is_shut_out(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = device_of("shopper")
    monkeypatch.setattr(services, "device_id", lambda cookie, username: "")
    attack()
    assert login(client, "api") == 429


def test_a_known_device_has_five_tries_of_its_own_and_then_those_of_everybody(shopper: User) -> None:
    client = device_of("shopper")
    attack()
    assert [login(client, "api", password="wrong") for _ in range(6)] == [401] * 5 + [429]
    assert login(client, "api") == 429
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    assert (rates["known_device"], rates["login"]) == ("5/min", "10/min")  # type: ignore[index]


def test_a_device_known_for_one_name_is_not_known_for_another(shopper: User, stranger: User) -> None:
    client = device_of("stranger")
    attack()
    assert login(client, "api") == 429
    assert login(client, "api", "stranger") == 200


def test_a_device_counts_by_itself_and_not_with_others_of_the_account(shopper: User) -> None:
    one, other = device_of("shopper"), device_of("shopper")
    attack()
    for _ in range(6):
        login(one, "api", password="wrong")
    assert login(other, "api") == 200


@pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "\xff", "e30:1tZ:x"])
def test_a_cookie_that_the_shop_did_not_sign_is_ignored(shopper: User, cookie: str) -> None:
    client = Client()
    client.cookies[DEVICE_COOKIE] = cookie
    assert login(client, "api") == 200
    attack()
    client.cookies[DEVICE_COOKIE] = cookie
    assert login(client, "api") == 429


def test_what_is_signed_for_something_else_names_no_device(shopper: User) -> None:
    known = {"name": "shopper", "id": "x"}
    assert device_id(signing.dumps(known, salt=known_devices.SALT), username="shopper") == "x"
    assert device_id(signing.dumps(known), username="shopper") == ""


def test_a_device_is_forgotten_after_half_a_year(shopper: User) -> None:
    assert timedelta(days=180) == known_devices.LIFETIME
    client = device_of("shopper")
    cookie = client.cookies[DEVICE_COOKIE]
    assert cookie["max-age"] == 180 * 86_400
    with mock.patch("django.core.signing.time.time", return_value=60_000_000.0):
        signed = signing.dumps({"name": "shopper", "id": "x"}, salt=known_devices.SALT)
    with mock.patch("django.core.signing.time.time", return_value=60_000_000.0 + 180 * 86_400 + 1):
        assert device_id(signed, username="shopper") == ""


@pytest.mark.parametrize("behind_https", [True, False])
def test_no_script_reads_the_cookie_and_no_other_site_sends_it(
    shopper: User, settings: Settings, behind_https: bool
) -> None:
    settings.SESSION_COOKIE_SECURE = behind_https
    cookie = device_of("shopper").cookies[DEVICE_COOKIE]
    assert (cookie["httponly"], cookie["samesite"], bool(cookie["secure"])) == (True, "Lax", behind_https)
    assert "shopper" not in cookie.value


def test_a_refused_login_makes_no_device_known(shopper: User) -> None:
    for way in ("page", "api"):
        client = Client()
        assert login(client, way, password="wrong") == 401
        assert DEVICE_COOKIE not in client.cookies

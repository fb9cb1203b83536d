"""Signing up, logging in and being shut out, over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth.hashers import get_hasher
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> APIClient:
    return APIClient()


def login(api: APIClient, username: str = "shopper", password: str = PASSWORD) -> dict[str, Any]:
    answer = api.post("/api/auth/login", {"username": username, "password": password})
    assert answer.status_code == 200, answer.json()
    body: dict[str, Any] = answer.json()
    return body


def test_signing_up_makes_a_shopper_whatever_is_sent(api: APIClient) -> None:
    wished = {"role": "admin", "is_staff": True, "is_superuser": True, "is_active": False, "id": "1"}
    answer = api.post("/api/auth/signup", {"username": "Newcomer", "password": PASSWORD, **wished})
    user = User.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {"id": str(user.pk), "username": "Newcomer", "role": "user"}
    assert (user.role, user.is_active, user.is_staff) == ("user", True, False)
    assert user.password.startswith("bcrypt_sha256$")
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("username", ["shopper", "SHOPPER", "ｓhopper"])
def test_a_taken_name_is_refused_in_any_spelling(api: APIClient, shopper: User, username: str) -> None:
    answer = api.post("/api/auth/signup", {"username": username, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("username", "password", "field"),
    [
        ("a b", PASSWORD, "username"),
        ("", PASSWORD, "username"),
        ("a\0b", PASSWORD, "username"),
        ("x" * 151, PASSWORD, "username"),
        ("newcomer", "short", "password"),
        ("newcomer", "password", "password"),
        ("newcomer", "193847561029", "password"),
        ("newcomer", "newcomer1", "password"),
        ("newcomer", "x" * 129, "password"),
    ],
)
def test_a_bad_name_or_password_opens_no_account(
    api: APIClient, username: str, password: str, field: str
) -> None:
    answer = api.post("/api/auth/signup", {"username": username, "password": password})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["errors"]) == [field]
    assert not User.objects.exists()


def test_the_longest_name_and_password_open_an_account(api: APIClient) -> None:
    longest = {"username": "x" * 150, "password": "Correct-" * 16}
    assert api.post("/api/auth/signup", longest).status_code == 201
    assert login(api, **longest)["user"]["username"] == "x" * 150


@pytest.mark.parametrize(("length", "status"), [(4096, 401), (4097, 400)])
def test_a_refresh_token_has_up_to_4096_characters(api: APIClient, length: int, status: int) -> None:
    assert api.post("/api/auth/refresh", {"refresh": "x" * length}).status_code == status


def test_logging_in_gives_tokens_and_notes_the_time(api: APIClient, shopper: User) -> None:
    body = login(api)
    shopper.refresh_from_db()
    assert body["user"] == {"id": str(shopper.pk), "username": "shopper", "role": "user"}
    assert set(body) == {"access", "refresh", "user"}
    assert shopper.last_login is not None
    me = api.get("/api/auth/me", headers={"authorization": f"Bearer {body['access']}"})
    assert me.json() == {**body["user"], "store": None}


def test_the_name_may_be_typed_in_any_case_and_finds_one_account(
    api: APIClient, user_make: Callable[..., User]
) -> None:
    user_make("istanbul")
    user_make("ıstanbul")  # the same in upper case, yet another name
    assert login(api, "Istanbul")["user"]["username"] == "istanbul"


def test_a_blank_in_a_password_counts(api: APIClient, shopper: User) -> None:
    answer = api.post("/api/auth/login", {"username": "shopper", "password": f" {PASSWORD}"})
    assert answer.status_code == 401


def test_wrong_name_wrong_password_and_closed_account_look_alike(
    api: APIClient, shopper: User, stranger: User
) -> None:
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    answers = [
        api.post("/api/auth/login", {"username": username, "password": password})
        for username, password in [("nobody", PASSWORD), ("shopper", "wrong"), ("stranger", PASSWORD)]
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "invalid_credentials"
    assert answers[0]["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.parametrize("username", ["nobody", "shopper"])
def test_an_unknown_name_costs_as_much_hashing_as_a_wrong_password(
    api: APIClient, shopper: User, username: str
) -> None:
    hasher = type(get_hasher())
    with mock.patch.object(hasher, "encode", autospec=True, side_effect=hasher.encode) as encode:
        api.post("/api/auth/login", {"username": username, "password": "wrong"})
    assert encode.call_count == 1


def test_a_token_of_a_disabled_or_deleted_user_opens_nothing(api: APIClient, shopper: User) -> None:
    access = login(api)["access"]
    headers = {"authorization": f"Bearer {access}"}
    assert api.get("/api/auth/me", headers=headers).status_code == 200
    User.objects.filter(pk=shopper.pk).update(is_active=False)
    disabled = api.get("/api/auth/me", headers=headers)
    assert (disabled.status_code, disabled.json()["code"]) == (401, "user_inactive")
    shopper.delete()
    deleted = api.get("/api/auth/me", headers=headers)
    assert (deleted.status_code, deleted.json()["code"]) == (401, "user_not_found")


def test_a_new_password_ends_tokens_made_with_the_old_one(api: APIClient, shopper: User) -> None:
    body = login(api)
    shopper.set_password("Another-Horse-8")
    shopper.save()
    me = api.get("/api/auth/me", headers={"authorization": f"Bearer {body['access']}"})
    refresh = api.post("/api/auth/refresh", {"refresh": body["refresh"]})
    assert (me.status_code, me.json()["code"]) == (401, "password_changed")
    assert (refresh.status_code, refresh.json()["code"]) == (401, "token_not_valid")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer x", "Bearer a.b.c", "Bearer a b", "Bearer \xff\xfe", "Bearer " + "x" * 5000]
)
def test_a_nonsense_token_is_a_401(api: APIClient, header: str, shopper: User) -> None:
    answer = api.get("/api/auth/me", headers={"authorization": header})
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


def test_a_token_without_a_user_is_a_401(api: APIClient) -> None:
    answer = api.get("/api/auth/me", headers={"authorization": f"Bearer {AccessToken()}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")


def test_without_a_token_one_is_asked_for(api: APIClient) -> None:
    answer = api.get("/api/auth/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


@pytest.mark.usefixtures("one_rate_window")
def test_tries_to_log_in_are_limited_by_address(api: APIClient, shopper: User) -> None:
    answers = [
        api.post("/api/auth/login", {"username": f"guess{number}", "password": "x"}) for number in range(11)
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 61
    assert answers[-1].json()["limit"] == 10


@pytest.mark.usefixtures("one_rate_window")
def test_tries_on_one_name_are_limited_from_everywhere(api: APIClient, shopper: User) -> None:
    answers = [
        api.post("/api/auth/login", {"username": name, "password": "x"}, REMOTE_ADDR=f"10.0.0.{number}")
        for number, name in enumerate(["shopper", "SHOPPER"] * 5 + ["Shopper"])
    ]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    other = api.post("/api/auth/login", {"username": "x", "password": "x"}, REMOTE_ADDR="10.0.0.99")
    assert other.status_code == 401


@pytest.mark.usefixtures("one_rate_window")
def test_the_page_and_the_api_share_one_limit(client: Client, api: APIClient, shopper: User) -> None:
    for _ in range(10):
        api.post("/api/auth/login", {"username": "shopper", "password": "x"})
    answer = client.post("/login/", {"username": "shopper", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) >= 1


def test_admin_is_entered_through_the_limited_page(client: Client, shopper: User, keeper: User) -> None:
    answer = client.get("/admin/login/?next=/admin/accounts/user/")
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/admin/accounts/user/")
    client.force_login(shopper)
    assert client.get("/admin/login/").status_code == 403
    assert client.get("/admin/", follow=True).status_code == 403
    client.force_login(keeper)
    assert client.get("/admin/").status_code == 200

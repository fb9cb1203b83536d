"""Signing up, logging in and out on the pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def test_signing_up_makes_a_shopper_and_logs_in(client: Client) -> None:
    response = client.post(
        "/signup/",
        {
            "username": "newcomer",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "role": "admin",
            "is_active": "false",
        },
    )

    user = User.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert (user.username, user.role, user.is_staff, user.is_active) == ("newcomer", "user", False, True)
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_name_differing_in_case_only_is_taken(client: Client, shopper: User) -> None:
    response = client.post("/signup/", {"username": "SHOPPER", "password1": PASSWORD, "password2": PASSWORD})

    assert response.status_code == 200
    assert response.context["form"].errors["username"] == ["This username is taken. Please choose another."]
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["short7", "1234567890", "password", "newcomer"])
def test_a_weak_password_is_refused(client: Client, password: str) -> None:
    response = client.post("/signup/", {"username": "newcomer", "password1": password, "password2": password})

    assert response.status_code == 200
    assert "password2" in response.context["form"].errors
    assert not User.objects.exists()


def test_logging_in_ignores_case_and_goes_where_the_shopper_wanted(client: Client, shopper: User) -> None:
    response = client.post("/login/", {"username": "Shopper", "password": PASSWORD, "next": "/my/"})

    assert (response.status_code, response.headers["Location"]) == (302, "/my/")
    assert client.session["_auth_user_id"] == str(shopper.pk)


@pytest.mark.parametrize("path", ["/login/", "/signup/"])
@pytest.mark.parametrize(
    "target", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"]
)
def test_no_other_site_can_be_the_next_page(client: Client, shopper: User, path: str, target: str) -> None:
    fields = {"username": "shopper", "password": PASSWORD, "next": target}
    if path == "/signup/":
        fields = {"username": "newcomer", "password1": PASSWORD, "password2": PASSWORD, "next": target}

    response = client.post(path, fields)

    assert (response.status_code, response.headers["Location"]) == (302, "/")


def test_a_wrong_password_says_so_and_logs_nobody_in(client: Client, shopper: User) -> None:
    response = client.post("/login/", {"username": "shopper", "password": "wrong"})

    assert response.status_code == 200
    assert "Wrong username or password" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_closed_account_cannot_log_in(client: Client, shopper: User) -> None:
    shopper.is_active = False
    shopper.save()

    response = client.post("/login/", {"username": "shopper", "password": PASSWORD})

    assert response.status_code == 200
    assert "_auth_user_id" not in client.session


@pytest.mark.usefixtures("one_rate_window")
def test_the_eleventh_try_in_a_minute_is_asked_to_wait(client: Client, shopper: User) -> None:
    tries = [client.post("/login/", {"username": "shopper", "password": "wrong"}) for _ in range(11)]

    response = tries[-1]
    assert [answer.status_code for answer in tries] == [200] * 10 + [429]
    assert 1 <= int(response.headers["Retry-After"]) <= 61
    assert "Too many attempts" in response.content.decode()
    assert client.post("/login/", {"username": "shopper", "password": PASSWORD}).status_code == 429
    assert "_auth_user_id" not in client.session


def test_logging_out_needs_a_post(client: Client, shopper: User) -> None:
    client.force_login(shopper)

    assert client.get("/logout/").status_code == 405
    assert client.session["_auth_user_id"] == str(shopper.pk)
    assert client.post("/logout/").headers["Location"] == "/"
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("path", ["/login/", "/signup/"])
def test_forms_need_their_token(user_make: Callable[..., User], path: str) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post(path, {"username": "newcomer", "password1": PASSWORD, "password2": PASSWORD})

    assert response.status_code == 403
    assert "This form has expired" in response.content.decode()
    assert not User.objects.exists()


def test_the_language_is_switched_and_kept(client: Client) -> None:
    response = client.post("/i18n/setlang/", {"language": "ko", "next": "/login/"})
    page = client.get("/login/").content.decode()

    assert (response.status_code, response.headers["Location"]) == (302, "/login/")
    assert '<html lang="ko">' in page
    assert "로그인" in page

"""The pages of accounts, given what no browser sends."""

from __future__ import annotations

from unittest import mock

import pytest
from django.db.models import QuerySet
from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "value", ["", "a%00b", "%ff%fe", "%ED%A0%80", "x" * 5000, "%F0%9F%8D%8E", "%E2%80%AEa", "a%0D%0Ab"]
)
@pytest.mark.parametrize("page", ["/login/", "/signup/"])
def test_a_bad_form_is_shown_again(client: Client, page: str, value: str) -> None:
    names = ("username", "password", "password1", "password2", "next")
    answer = client.post(page, "&".join(f"{name}={value}" for name in names), content_type=FORM)
    assert answer.status_code == 200
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "query", ["next=%00", "next=//evil.example", "next=https://evil.example/", "%ff=%00"]
)
def test_a_bad_way_on_leads_home(client: Client, shopper: User, query: str) -> None:
    answer = client.post(f"/login/?{query}", {"username": "shopper", "password": PASSWORD})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"


def test_a_name_taken_at_the_last_moment_is_told_and_not_an_error(client: Client, shopper: User) -> None:
    form = {"username": "Shopper", "password1": PASSWORD, "password2": PASSWORD}
    with (
        mock.patch.object(QuerySet, "exists", return_value=False),
        mock.patch.object(User, "validate_unique"),
        mock.patch.object(User, "validate_constraints"),
    ):
        answer = client.post("/signup/", form)
    assert answer.status_code == 200
    assert answer.context["form"].errors["username"] == ["This username is taken. Please choose another."]
    assert User.objects.count() == 1

"""Users in Django admin."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/admin/accounts/user/"


@pytest.fixture
def admin_client(client: Client, keeper: User) -> Client:
    client.force_login(keeper)
    return client


def test_a_keeper_creates_a_user_with_a_role_and_a_hashed_password(admin_client: Client) -> None:
    assert admin_client.get(f"{PAGE}add/").status_code == 200
    form = {"username": "second", "role": "admin", "password1": PASSWORD, "password2": PASSWORD}
    assert admin_client.post(f"{PAGE}add/", form).status_code == 302
    user = User.objects.get(username="second")
    assert user.is_admin
    assert user.check_password(PASSWORD)


def test_a_name_that_differs_by_case_alone_is_refused(admin_client: Client) -> None:
    form = {"username": "KEEPER", "role": "user", "password1": PASSWORD, "password2": PASSWORD}
    assert admin_client.post(f"{PAGE}add/", form).status_code == 200
    assert User.objects.count() == 1


def test_a_keeper_changes_a_role_and_a_password(admin_client: Client, shopper: User) -> None:
    assert admin_client.get(f"{PAGE}{shopper.pk}/change/").status_code == 200
    form = {"username": "shopper", "role": "admin", "is_active": "on"}
    assert admin_client.post(f"{PAGE}{shopper.pk}/change/", form).status_code == 302
    new = {"password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    assert admin_client.post(f"{PAGE}{shopper.pk}/password/", new).status_code == 302
    shopper.refresh_from_db()
    assert shopper.is_admin
    assert shopper.check_password("Another-Horse-8")


def test_users_are_found_by_role_and_name_and_never_deleted(
    admin_client: Client, shopper: User, stranger: User
) -> None:
    User.objects.create_user("shopkeeper", PASSWORD, role=User.Role.ADMIN)
    found = admin_client.get(PAGE, {"role": "user", "q": "shop"})
    assert list(found.context["cl"].result_list) == [shopper]
    assert [spec.field_path for spec in found.context["cl"].filter_specs] == [
        "role",
        "store",
        "is_active",
        "is_device",
    ]
    assert admin_client.post(f"{PAGE}{shopper.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.count() == 4


def test_a_shopper_sees_nothing_of_it(client: Client, shopper: User) -> None:
    client.force_login(shopper)
    assert client.get(PAGE).status_code == 302

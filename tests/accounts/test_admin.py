"""Users in Django admin."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.pins import pin_user
from accounts.stores import store_default
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


# -- Staff


def changed(client: Client, user: User, **form: str) -> Any:
    answer = client.post(f"{PAGE}{user.pk}/change/", {"username": user.username, "is_active": "on", **form})
    user.refresh_from_db()
    return answer


@pytest.mark.parametrize("page", ["add", "change"])
def test_a_member_of_staff_needs_a_store(admin_client: Client, shopper: User, page: str) -> None:
    form = {"username": "shopper" if page == "change" else "mina", "role": "staff", "is_active": "on"}
    passwords = {"password1": PASSWORD, "password2": PASSWORD} if page == "add" else {}
    address = f"{PAGE}add/" if page == "add" else f"{PAGE}{shopper.pk}/change/"
    answer = admin_client.post(address, {**form, **passwords})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {
        "store": ["Choose the store where this member of staff works."]
    }
    assert not User.objects.filter(role="staff").exists()
    answer = admin_client.post(address, {**form, **passwords, "store": str(store_default().pk)})
    assert answer.status_code == 302
    staff = User.objects.get(role="staff")
    assert (staff.store, staff.staff_number) == (store_default(), 101)


def test_a_keeper_sets_a_pin_that_is_never_shown_again(admin_client: Client, shopper: User) -> None:
    store = store_default()
    form = {"role": "staff", "store": str(store.pk)}
    assert changed(admin_client, shopper, **form, new_pin="204866").status_code == 302
    assert pin_user(store_id=store.pk, staff_number=101, pin="204866", place="lane") == shopper
    page = admin_client.get(f"{PAGE}{shopper.pk}/change/").content.decode()
    assert "101" in page
    assert "204866" not in page
    assert shopper.pin not in page
    assert not re.search(r'name="new_pin"[^>]* value=', page)
    stored = shopper.pin
    assert changed(admin_client, shopper, **form).status_code == 302  # left empty: no change
    assert shopper.pin == stored
    assert changed(admin_client, shopper, **form, clear_pin="on").status_code == 302
    assert (shopper.pin, shopper.staff_number) == ("", 101)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"new_pin": "123456"}, "new_pin"),
        ({"new_pin": "20486"}, "new_pin"),
        ({"new_pin": "2048662048660"}, "new_pin"),
        ({"new_pin": "20486x"}, "new_pin"),
        ({"new_pin": "204866", "clear_pin": "on"}, "clear_pin"),
        ({"new_pin": "204866", "role": "user"}, "new_pin"),
        ({"new_pin": "204866", "is_active": ""}, "new_pin"),
    ],
)
def test_a_pin_that_may_not_be_set_changes_nothing(
    admin_client: Client, shopper: User, form: dict[str, str], field: str
) -> None:
    answer = changed(admin_client, shopper, **{"role": "staff", "store": str(store_default().pk), **form})
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {field}
    assert f'value="{form["new_pin"]}"' not in answer.content.decode()
    assert (shopper.role, shopper.pin, shopper.staff_number) == ("user", "", None)


@pytest.mark.parametrize("change", [{"role": "user"}, {"role": "admin"}, {"is_active": ""}])
def test_who_changes_roles_or_is_shut_out_loses_the_pin(
    admin_client: Client, shopper: User, change: dict[str, str]
) -> None:
    form = {"role": "staff", "store": str(store_default().pk)}
    changed(admin_client, shopper, **form, new_pin="204866")
    assert shopper.pin
    assert changed(admin_client, shopper, **{**form, **change}).status_code == 302
    assert (shopper.pin, shopper.staff_number) == ("", 101)
    assert (shopper.store is None) == (shopper.role == "user")


def test_the_account_of_a_device_is_shown_and_has_neither_role_nor_password(admin_client: Client) -> None:
    device = User.objects.create_user("lane-1", None, is_device=True)
    page = admin_client.get(f"{PAGE}{device.pk}/change/")
    assert set(page.context["adminform"].form.fields) == {"is_active"}
    wished = {
        "username": "boss",
        "role": "admin",
        "new_pin": "204866",
        "is_device": "",
        "password1": PASSWORD,
    }
    assert admin_client.post(f"{PAGE}{device.pk}/change/", {**wished, "is_active": "on"}).status_code == 302
    new = {"password1": "Another-Horse-8", "password2": "Another-Horse-8"}
    assert admin_client.get(f"{PAGE}{device.pk}/password/").status_code == 403
    assert admin_client.post(f"{PAGE}{device.pk}/password/", new).status_code == 403
    device.refresh_from_db()
    assert (device.username, device.role, device.pin, device.is_device) == ("lane-1", "user", "", True)
    assert not device.has_usable_password()
    found = admin_client.get(PAGE, {"is_device__exact": "1"}).context["cl"].result_list
    assert list(found) == [device]
    assert admin_client.post(f"{PAGE}{device.pk}/change/", {}).status_code == 302
    device.refresh_from_db()
    assert not device.is_active

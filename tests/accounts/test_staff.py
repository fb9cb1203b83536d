"""What members of staff may open, where they land, and what accounts of devices may not do."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from accounts.access import staff_required
from accounts.models import Store, User
from accounts.stores import store_default
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def mina() -> User:
    return User.objects.create_user("mina", PASSWORD, role=User.Role.STAFF, store=store_default())


@pytest.fixture
def device() -> User:
    return User.objects.create_user("lane-1", None, is_device=True)


@staff_required
def page(request: HttpRequest, *, word: str = "") -> HttpResponse:
    return HttpResponse(word)


def opened(user: Any) -> HttpResponse:
    request = RequestFactory().get("/staff/", {"lane": "1"})
    request.user = user
    answer = page(request, word="seen")
    assert isinstance(answer, HttpResponse)
    return answer


def test_staff_and_admins_open_a_page_of_staff_and_visitors_log_in_first(mina: User, keeper: User) -> None:
    assert [opened(user).content for user in (mina, keeper)] == [b"seen", b"seen"]
    answer = opened(AnonymousUser())
    assert (answer.status_code, answer["Location"]) == (302, "/login/?next=/staff/%3Flane%3D1")


def test_shoppers_devices_and_closed_accounts_do_not(shopper: User, device: User, mina: User) -> None:
    mina.is_active = False
    for user in (shopper, device, mina):
        with pytest.raises(PermissionDenied):
            opened(user)


def test_so_over_rest(shopper: User, device: User, mina: User, keeper: User) -> None:
    def status(user: User | None) -> int:
        api = APIClient()
        if user is not None:
            api.force_authenticate(user)
        return api.get("/api/staff/lanes").status_code

    assert [status(user) for user in (mina, keeper, shopper, device, None)] == [200, 200, 403, 403, 401]


def test_a_member_of_staff_lands_on_the_console_and_others_at_home(
    client: Client, mina: User, keeper: User, shopper: User
) -> None:
    landed = {}
    for user in (mina, keeper, shopper):
        landed[user.username] = client.post("/login/", {"username": user.username, "password": PASSWORD})
        assert client.get("/login/")["Location"] == landed[user.username]["Location"]
        client.logout()
    assert {name: answer["Location"] for name, answer in landed.items()} == {
        "mina": "/staff/",
        "keeper": "/",
        "shopper": "/",
    }
    wanted = client.post("/login/", {"username": "mina", "password": PASSWORD, "next": "/my/"})
    assert wanted["Location"] == "/my/"


def test_only_who_helps_shoppers_is_led_to_the_console(client: Client, mina: User, shopper: User) -> None:
    client.force_login(mina)
    assert 'href="/staff/"' in client.get("/").content.decode()
    client.force_login(shopper)
    assert 'href="/staff/"' not in client.get("/").content.decode()


def test_my_own_account_names_the_store(mina: User, keeper: User) -> None:
    api = APIClient()
    api.force_authenticate(mina)
    store = store_default()
    assert api.get("/api/auth/me").json() == {
        "id": str(mina.pk),
        "username": "mina",
        "role": "staff",
        "store": {"id": str(store.pk), "name": store.name},
    }
    api.force_authenticate(keeper)
    assert api.get("/api/auth/me").json()["store"] is None


def test_works_at_its_store_only(mina: User, keeper: User, shopper: User) -> None:
    other = Store.objects.create(name="Other", currency="EUR", time_zone="UTC", language="en")
    of_other = User(role=User.Role.ADMIN, store=other)
    found = [
        [user.works_at(store.pk) for store in (store_default(), other)]
        for user in (mina, keeper, shopper, of_other)
    ]
    assert found == [[True, False], [True, True], [False, False], [False, True]]


# -- Accounts of devices


def test_nobody_logs_in_to_a_device_by_a_password(client: Client, device: User) -> None:
    device.set_password(PASSWORD)
    device.save()
    assert not device.has_usable_password()
    stored = User(username="x")
    stored.set_password(PASSWORD)
    User.objects.filter(pk=device.pk).update(password=stored.password)  # however it got there
    answer = APIClient().post("/api/auth/login", {"username": "lane-1", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
    assert client.post("/login/", {"username": "lane-1", "password": PASSWORD}).status_code == 200
    assert "_auth_user_id" not in client.session


def test_a_device_is_told_from_others_by_nothing_else(shopper: User) -> None:
    """The control: the same hash lets a shopper in."""
    stored = User(username="x")
    stored.set_password(PASSWORD)
    User.objects.filter(pk=shopper.pk).update(password=stored.password)
    answer = APIClient().post("/api/auth/login", {"username": "shopper", "password": PASSWORD})
    assert answer.status_code == 200

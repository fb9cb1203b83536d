"""The shop's name on every page: whose, how often it is read, and while the database is away."""

from __future__ import annotations

import json
from types import SimpleNamespace
from unittest import mock

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, transaction
from django.http import Http404, HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts import page_store as module
from accounts.models import Store, User
from accounts.page_store import page_store, page_store_known, shop
from accounts.stores import store_default
from ebrcs.error_views import bad_request, page_not_found, server_error

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return a clock that stands still until it is set."""
    found = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: found.now))
    return found


def renamed(name: str) -> Store:
    store = store_default()
    store.name = name
    store.save()
    return store


def database_away() -> mock._patch[mock.MagicMock]:
    return mock.patch.object(Store.objects, "order_by", side_effect=OperationalError("away"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/", "/login/", "/signup/", "/nothing/"])
def test_its_name_stands_on_a_page_at_once_after_a_change(client: Client, path: str) -> None:
    for name in ("Corner <Shop>", "Mina's"):
        renamed(name)
        page = client.get(path).content.decode()
        written = name.replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;")
        assert f"<span>{written}</span>" in page
        assert f"· {written}</title>" in page
        assert "EBRCS" not in page


def test_it_stands_in_admin_and_in_the_app_that_is_installed(client: Client, keeper: User) -> None:
    renamed("Corner Shop")
    client.force_login(keeper)
    page = client.get("/admin/").content.decode()
    assert "| Corner Shop" in page
    assert '<a href="/admin/">Corner Shop</a>' in page
    manifest = json.loads(client.get("/manifest.webmanifest").content)
    assert (manifest["name"], manifest["short_name"]) == ("Corner Shop self-checkout", "Corner Shop")


def test_a_logo_stands_beside_it(client: Client) -> None:
    assert "brand-logo" not in client.get("/login/").content.decode()
    Store.objects.update(logo="stores/a.png")
    module.page_store_forget()
    assert 'src="/media/stores/a.png"' in client.get("/login/").content.decode()


def test_staff_see_the_store_where_they_work_and_shoppers_the_first(client: Client, shopper: User) -> None:
    renamed("First")
    second = Store.objects.create(name="Second", currency="EUR", time_zone="UTC", language="en")
    client.force_login(User.objects.create_user("mina", role=User.Role.STAFF, store=second))
    assert "<span>Second</span>" in client.get("/").content.decode()
    client.force_login(shopper)
    assert "<span>First</span>" in client.get("/").content.decode()


def test_a_view_may_name_another_one() -> None:
    context = {**shop(RequestFactory().get("/")), "shop": Store(name="Lane's")}
    assert context["shop"].name == "Lane's"


def test_a_page_that_does_not_show_it_reads_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        context = shop(RequestFactory().get("/"))
    with django_assert_num_queries(1):
        assert context["shop"].name == "EBRCS"
        assert not context["shop"].logo


def test_it_is_read_once_in_five_seconds(
    clock: SimpleNamespace, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        page_store()
    Store.objects.update(name="Elsewhere")  # as another process changes it
    clock.now += 4.9
    with django_assert_num_queries(0):
        assert page_store().name == "EBRCS"
    clock.now += 0.2
    with django_assert_num_queries(1):
        assert page_store().name == "Elsewhere"


def test_a_change_that_is_rolled_back_does_not_show(clock: SimpleNamespace) -> None:
    page_store()
    with transaction.atomic():
        renamed("Never")
        transaction.set_rollback(True)
    assert page_store().name == "EBRCS"


# -- While the database is away


def test_the_name_read_last_is_shown_while_the_database_is_away(clock: SimpleNamespace) -> None:
    renamed("Corner Shop")
    page_store()
    clock.now += 60
    with database_away() as asked:
        assert page_store().name == "Corner Shop"
        assert page_store().name == "Corner Shop"
    assert asked.call_count == 1  # and not asked by every page


def test_before_it_was_read_the_name_of_the_settings_is(settings: Settings) -> None:
    settings.STORE_NAME = "From the settings"
    with database_away():
        assert page_store().name == "From the settings"
    assert page_store_known().name == "From the settings"


@pytest.mark.django_db(databases=[])
def test_a_page_about_a_failure_asks_no_database(settings: Settings) -> None:
    settings.STORE_NAME = "From the settings"
    page = shown(server_error(RequestFactory().get("/")))
    assert "· From the settings</title>" in page
    assert "<span>From the settings</span>" in page


def test_pages_about_errors_open_while_the_database_is_away(settings: Settings) -> None:
    settings.STORE_NAME = "From the settings"
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with database_away():
        for answer in (bad_request(request, ValueError()), page_not_found(request, Http404())):
            assert "<span>From the settings</span>" in shown(answer)


def shown(answer: HttpResponseBase) -> str:
    assert isinstance(answer, HttpResponse)
    return answer.content.decode()


def test_a_page_opens_while_the_database_is_away(client: Client) -> None:
    renamed("Corner Shop")
    page_store()
    module._read[None] = (module._read[None][0], -1000.0)
    with database_away():
        page = client.get("/login/")
    assert page.status_code == 200
    assert "<span>Corner Shop</span>" in page.content.decode()

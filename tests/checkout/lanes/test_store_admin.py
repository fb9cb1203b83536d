"""Stores in Django admin."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import ProtectedError
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import Store, User
from accounts.stores import DAYS, store_default
from checkout.lanes import store_admin
from tests.checkout.lanes.makers import lane_make, staff_make, store_make
from tests.checkout.shop import order_make, product_make
from tests.pictures import jpeg, png_bomb

pytestmark = pytest.mark.django_db
PAGE = "/admin/accounts/store/"
ALWAYS = {f"hours_{day}_0": "all_day" for day in DAYS}
FORM = {
    "name": "Corner Shop",
    "address": "1 Main Street\r\nSpringfield",
    "phone": "+49 30 1234",
    "business_number": "123-45-67890",
    "receipt_footer": "Thank you!",
    "time_zone": "Asia/Seoul",
    "language": "ko",
    **ALWAYS,
}


@pytest.fixture
def admin_client(client: Client, keeper: User, settings: Settings, tmp_path: Path) -> Client:
    settings.MEDIA_ROOT = tmp_path
    client.force_login(keeper)
    return client


def saved(client: Client, store: Store | None = None, **fields: Any) -> Any:
    address = f"{PAGE}{store.pk}/change/" if store else f"{PAGE}add/"
    return client.post(address, {**FORM, **fields})


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    found: dict[str, list[str]] = dict(answer.context["adminform"].form.errors)
    return found


def hours(**days: tuple[str, str, str]) -> dict[str, str]:
    """Return the fields of some days, the others closed."""
    fields = {f"hours_{day}_0": "closed" for day in DAYS}
    for day, (kind, opens, closes) in days.items():
        fields |= {f"hours_{day}_0": kind, f"hours_{day}_1": opens, f"hours_{day}_2": closes}
    return fields


def shown_hours(page: str, day: str) -> tuple[str, str, str]:
    """Return what the row of a day shows: the choice that is selected, and both times."""
    select = page.split(f'<select name="hours_{day}_0"')[1].split("</select>", maxsplit=1)[0]
    [choice] = re.findall(r'<option value="(\w+)" selected>', select)
    tags = [re.findall(rf'<input type="time" name="hours_{day}_{part}"[^>]*>', page) for part in (1, 2)]
    opens, closes = ("".join(re.findall(r'value="([^"]*)"', tag)) for [tag] in tags)
    return choice, opens, closes


def test_a_keeper_makes_a_store(admin_client: Client, settings: Settings) -> None:
    page = admin_client.get(f"{PAGE}add/")
    assert page.context["adminform"].form["time_zone"].value() == settings.TIME_ZONE
    assert saved(admin_client).status_code == 302
    store = Store.objects.get(name="Corner Shop")
    assert store.address == "1 Main Street\nSpringfield"
    assert (store.currency, store.time_zone, store.language) == (settings.CURRENCY, "Asia/Seoul", "ko")
    assert (store.opening_hours, store.logo.name) == ({}, "")
    assert admin_client.get(PAGE).status_code == 200


def test_the_currency_is_that_of_the_settings_whatever_is_sent(
    admin_client: Client, settings: Settings
) -> None:
    assert saved(admin_client, store_default(), currency="XXX", sells_in="XXX").status_code == 302
    assert store_default().currency == settings.CURRENCY


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "\u200b\u3164"),
        ("name", "x" * 101),
        ("address", "x" * 301),
        ("receipt_footer", "x" * 501),
        ("phone", "1" * 41),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", ""),
        ("language", "xx"),
        ("name", "a\0b"),
    ],
)
def test_a_bad_field_is_told_and_changes_nothing(admin_client: Client, field: str, value: str) -> None:
    before = Store.objects.values().get()
    assert set(errors(saved(admin_client, store_default(), **{field: value}))) == {field}
    assert Store.objects.values().get() == before


def test_texts_are_kept_clean(admin_client: Client) -> None:
    texts = {"name": "  Corner\u202e  Shop ", "phone": "+49\t30", "address": " a \r\n\r\n b\x07 "}
    assert saved(admin_client, store_default(), **texts).status_code == 302
    store = store_default()
    assert (store.name, store.phone, store.address) == ("Corner Shop", "+49 30", "a\n\nb")


def test_a_time_zone_of_the_settings_that_is_not_offered_is_kept(admin_client: Client) -> None:
    Store.objects.update(time_zone="EST5EDT")
    assert errors(saved(admin_client, time_zone="EST5EDT"))
    assert saved(admin_client, store_default(), time_zone="EST5EDT").status_code == 302


# -- Opening hours


def test_hours_are_stored_by_day_and_shown_again(admin_client: Client) -> None:
    week = hours(mon=("hours", "08:00", "22:00"), fri=("hours", "18:00", "02:00"), sun=("all_day", "", ""))
    assert saved(admin_client, store_default(), **week).status_code == 302
    store = store_default()
    assert store.opening_hours == {
        "mon": ["08:00", "22:00"],
        "fri": ["18:00", "02:00"],
        "sun": ["00:00", "00:00"],
    }
    page = admin_client.get(f"{PAGE}{store.pk}/change/").content.decode()
    shown = {day: shown_hours(page, day) for day in DAYS}
    assert shown["mon"] == ("hours", "08:00", "22:00")
    assert shown["fri"] == ("hours", "18:00", "02:00")
    assert (shown["tue"], shown["sun"]) == (("closed", "", ""), ("all_day", "", ""))


def test_a_whole_week_is_an_empty_mapping(admin_client: Client) -> None:
    Store.objects.update(opening_hours={"mon": ["08:00", "22:00"]})
    assert saved(admin_client, store_default()).status_code == 302
    assert store_default().opening_hours == {}
    page = admin_client.get(f"{PAGE}{store_default().pk}/change/").content.decode()
    assert {shown_hours(page, day) for day in DAYS} == {("all_day", "", "")}


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (("hours", "", "22:00"), "Enter both times, or choose another opening."),
        (("hours", "08:00", ""), "Enter both times, or choose another opening."),
        (("hours", "", ""), "Enter both times, or choose another opening."),
        (
            ("hours", "08:00", "08:00"),
            "Opening and closing time are the same. For a whole day choose “open all day”.",
        ),
        (("hours", "25:00", "26:00"), "Enter a valid time."),
        (("always", "08:00", "22:00"), "Select a valid choice. always is not one of the available choices."),
    ],
)
def test_hours_that_say_nothing_sensible_are_told(
    admin_client: Client, times: tuple[str, str, str], message: str
) -> None:
    found = errors(saved(admin_client, store_default(), **hours(tue=times)))
    assert set(found) == {"hours_tue"}
    assert message in found["hours_tue"]
    assert store_default().opening_hours == {}


@pytest.mark.parametrize("week", [hours(), dict.fromkeys(hours(), "")])
def test_a_store_that_never_opens_is_refused_for_it_would_be_always_open(
    admin_client: Client, week: dict[str, str]
) -> None:
    found = errors(saved(admin_client, store_default(), **week))
    assert found == {"hours_mon": ["Leave one day open. To close the store, close its lanes."]}


# -- Logo


def logo_file(data: bytes, name: str = "logo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="image/png")


@pytest.mark.django_db(transaction=True)
def test_a_logo_is_stored_clean_served_to_all_and_replaced(admin_client: Client, settings: Settings) -> None:
    root, store = Path(settings.MEDIA_ROOT), store_default()
    for seed in (1, 2):
        answer = saved(admin_client, store, logo=logo_file(jpeg(seed=seed), "../../evil.html"))
        assert answer.status_code == 302
        name = str(store_default().logo.name)
        assert [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()] == [name]
        assert name.startswith("stores/")
        assert name.endswith(".png")
        assert Client().get(f"/media/{name}")["Content-Type"] == "image/png"
    assert saved(admin_client, store).status_code == 302  # left alone
    assert store_default().logo.name == name
    assert saved(admin_client, store, **{"logo-clear": "on"}).status_code == 302
    assert (store_default().logo.name, [path for path in root.rglob("*") if path.is_file()]) == ("", [])


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", png_bomb(), jpeg() + b"<script>alert(1)</script>"]
)
def test_a_logo_that_is_no_picture_is_told_and_nothing_is_stored(
    admin_client: Client, settings: Settings, data: bytes
) -> None:
    assert set(errors(saved(admin_client, store_default(), logo=logo_file(data)))) == {"logo"}
    assert (store_default().logo.name, list(Path(settings.MEDIA_ROOT).rglob("*"))) == ("", [])


def test_a_logo_that_is_too_large_is_told(admin_client: Client, settings: Settings) -> None:
    settings.IMAGE_MAX_BYTES = 2000
    found = errors(saved(admin_client, store_default(), logo=logo_file(b"x" * 2001)))
    assert found == {"logo": ["This file has 2001 bytes; up to 2000 are allowed."]}


@pytest.mark.django_db(transaction=True)
def test_a_logo_that_was_not_saved_leaves_the_old_one(
    admin_client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(admin_client, store_default(), logo=logo_file(jpeg(seed=1)))
    before = str(store_default().logo.name)

    def fails(*args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(store_admin.StoreAdmin, "log_change", fails)
    with pytest.raises(RuntimeError):
        saved(admin_client, store_default(), logo=logo_file(jpeg(seed=2)))
    assert store_default().logo.name == before
    assert (Path(settings.MEDIA_ROOT) / before).is_file()


# -- Deleting


@pytest.mark.parametrize("belongs", ["lane", "staff", "order"])
def test_a_store_to_which_something_belongs_stays(admin_client: Client, keeper: User, belongs: str) -> None:
    store = store_make()
    if belongs == "lane":
        lane_make(store=store)
    elif belongs == "staff":
        staff_make(store=store)
    else:
        order = order_make(keeper, product_make("Milk"))
        order.store = store
        order.save()
    for answer in (
        admin_client.get(f"{PAGE}{store.pk}/delete/", follow=True),
        admin_client.post(f"{PAGE}{store.pk}/delete/", {"post": "yes"}, follow=True),
    ):
        assert [str(message) for message in answer.context["messages"]] == [str(store_admin.IN_USE)]
    assert Store.objects.filter(pk=store.pk).exists()
    with pytest.raises(ProtectedError):
        store.delete()


def test_what_comes_to_belong_to_it_meanwhile_keeps_it(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_make()
    delete = store_admin.StoreAdmin.delete_model

    def hired_meanwhile(self: store_admin.StoreAdmin, request: Any, obj: Store) -> None:
        staff_make(store=obj)
        delete(self, request, obj)

    monkeypatch.setattr(store_admin.StoreAdmin, "delete_model", hired_meanwhile)
    answer = admin_client.post(f"{PAGE}{store.pk}/delete/", {"post": "yes"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [str(store_admin.IN_USE)]
    assert Store.objects.filter(pk=store.pk).exists()


def test_an_empty_store_is_deleted_and_the_only_one_is_not(admin_client: Client) -> None:
    store = store_make()
    assert admin_client.post(f"{PAGE}{store.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(Store.objects.all()) == [store_default()]
    admin_client.get(PAGE)  # shows the message of success
    answer = admin_client.post(f"{PAGE}{store_default().pk}/delete/", {"post": "yes"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [str(store_admin.LAST_STORE)]
    assert Store.objects.count() == 1
    assert admin_client.post(f"{PAGE}{store.pk}/delete/", {"post": "yes"}).status_code == 302  # gone


def test_stores_are_not_deleted_by_the_list(admin_client: Client) -> None:
    store = store_make()
    form = {"action": "delete_selected", "_selected_action": [str(store.pk)], "post": "yes"}
    admin_client.post(PAGE, form)
    assert Store.objects.filter(pk=store.pk).exists()


def test_shoppers_and_staff_see_nothing_of_it(client: Client, shopper: User) -> None:
    for user in (shopper, staff_make()):
        client.force_login(user)
        assert client.get(PAGE).status_code == 302
        assert client.post(f"{PAGE}add/", FORM).status_code == 302
    assert Store.objects.count() == 1

"""Lanes in Django admin."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.stores import store_default
from checkout.lanes.alerts import alert_open
from checkout.lanes.pairing import lane_by_key, lane_pair, pairing_code_make
from checkout.lanes.sparklines import sparkline, sparklines_of
from checkout.lanes.visits import lane_visit
from checkout.models import Lane, LaneEvent, LaneTelemetry, PairingCode
from tests.checkout.lanes.makers import lane_make, staff_make

pytestmark = pytest.mark.django_db
CODE = re.compile(r">([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4})<")


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("boss", "correct horse battery")


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def page(name: str, lane: Lane) -> str:
    return reverse(f"admin:checkout_lane_{name}", args=[lane.pk])


def fields(**changed: Any) -> dict[str, Any]:
    return {
        "store": store_default().pk,
        "name": "Lane 1",
        "code": "1",
        "is_open": "on",
        "mode": "scan",
        "zone": "",
        "camera_label": "",
        "language": "",
        "sound": "on",
        "idle_after_s": 60,
        "idle_countdown_s": 20,
        "receipt_leaves_after_s": 20,
        **changed,
    }


def test_a_lane_is_made_with_an_account_of_its_own(browser: Client) -> None:
    answer = browser.post(
        reverse("admin:checkout_lane_add"), fields(name="Exit", code="E1", zone="0, 0, 0.5, 1")
    )
    assert answer.status_code == 302
    lane = Lane.objects.get()
    assert (lane.name, lane.code, lane.zone, lane.store) == ("Exit", "E1", [0, 0, 0.5, 1], store_default())
    assert (lane.account.is_device, lane.account.has_usable_password(), lane.account.role) == (
        True,
        False,
        "user",
    )


def test_a_code_is_given_once_in_a_store(browser: Client, lane: Lane) -> None:
    answer = browser.post(reverse("admin:checkout_lane_add"), fields(name="Again"))
    assert answer.status_code == 200
    assert Lane.objects.count() == 1
    assert User.objects.filter(is_device=True).count() == 1


def test_settings_are_changed_and_logged_with_who_did_it(browser: Client, lane: Lane, admin: User) -> None:
    answer = browser.post(page("change", lane), fields(mode="tray", zone="0.1 0.2 0.8 0.6"))
    assert answer.status_code == 302
    lane.refresh_from_db()
    assert (lane.mode, lane.zone) == ("tray", [0.1, 0.2, 0.8, 0.6])
    event = LaneEvent.objects.get()
    assert (event.kind, event.actor) == ("settings", admin)
    assert event.reason == "mode: tray, zone: [0.1, 0.2, 0.8, 0.6]"
    browser.post(page("change", lane), fields(mode="tray", zone="0.1, 0.2, 0.8, 0.6"))
    assert LaneEvent.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "0.1, 0.2"},
        {"zone": "0.5, 0, 0.6, 1"},
        {"zone": "nan, 0, 1, 1"},
        {"zone": "-0.1, 0, 1, 1"},
        {"zone": "0, 0, 0, 1"},
        {"zone": "left"},
        {"idle_after_s": 9},
        {"idle_countdown_s": 121},
        {"receipt_leaves_after_s": -1},
        {"mode": "guess"},
        {"name": ""},
        {"code": "A B"},
    ],
)
def test_wrong_settings_are_refused_on_the_page(wrong: dict[str, Any], browser: Client, lane: Lane) -> None:
    before = Lane.objects.values().get()
    answer = browser.post(page("change", lane), fields(**wrong))
    assert answer.status_code == 200
    assert Lane.objects.values().get() == before
    assert not LaneEvent.objects.exists()


def test_a_code_is_shown_with_its_qr_code_and_pairs(browser: Client, lane: Lane) -> None:
    explained = browser.get(page("pair", lane))
    assert not CODE.search(explained.content.decode())
    assert not PairingCode.objects.exists()
    shown = browser.post(page("pair", lane))
    text = shown.content.decode()
    found = CODE.search(text)
    assert found is not None
    assert "http://testserver/lane/pair/" in text
    assert '<svg xmlns="http://www.w3.org/2000/svg" class="qr"' in text
    assert "no-store" in shown.headers["Cache-Control"]
    assert lane_pair(code=found[1], address="192.0.2.1")[0] == lane


def test_a_key_is_revoked_only_when_asked_by_post(browser: Client, lane: Lane, admin: User) -> None:
    _, key = lane_pair(code=pairing_code_make(lane=lane, by=admin), address="192.0.2.1")
    assert browser.get(page("revoke", lane)).status_code == 200
    assert lane_by_key(key) == lane
    assert browser.put(page("revoke", lane)).status_code == 405
    assert browser.post(page("revoke", lane)).status_code == 302
    assert lane_by_key(key) is None


def test_the_page_of_a_lane_shows_its_day_and_its_log(browser: Client, lane: Lane, admin: User) -> None:
    now = timezone.now()
    for minutes in range(3):
        LaneTelemetry.objects.create(
            lane=lane,
            minute=now - timedelta(minutes=10 * minutes + 1),
            frames_per_second=2.5,
            camera_state="live",
        )
    LaneEvent.objects.create(lane=lane, kind="paired", actor=admin)
    text = browser.get(page("change", lane)).content.decode()
    assert "latest 2.5, highest 2.5" in text
    assert "boss" in text
    assert text.count("Nothing was measured.") == 2


def test_lanes_with_visits_cannot_be_deleted(browser: Client, lane: Lane) -> None:
    unused = lane_make("Lane 2", "2")
    alert_open(lane=unused, kind="offline")
    lane_visit(lane=lane)
    assert browser.post(page("delete", lane), {"post": "yes"}).status_code == 403
    assert browser.post(page("delete", unused), {"post": "yes"}).status_code == 302
    assert list(Lane.objects.all()) == [lane]
    assert not User.objects.filter(pk=unused.account_id).exists()


@pytest.mark.parametrize("name", ["change", "pair", "revoke", "delete"])
def test_members_of_staff_and_shoppers_are_kept_out(name: str, client: Client, lane: Lane) -> None:
    for user in (staff_make(), User.objects.create_user("mo")):
        client.force_login(user)
        for answer in (client.get(page(name, lane)), client.post(page(name, lane))):
            assert answer.status_code in {302, 403}
    assert not PairingCode.objects.exists()
    assert Lane.objects.exists()


def test_an_unknown_lane_is_not_found(browser: Client, lane: Lane) -> None:
    Lane.objects.all().delete()
    assert browser.post(page("pair", lane)).status_code == 404
    assert browser.post(page("revoke", lane)).status_code == 404


def test_the_list_says_how_each_lane_stands(browser: Client, lane: Lane) -> None:
    def paired(name: str, seconds: int, activity: str = "waiting") -> Lane:
        made = lane_make(name, name)
        Lane.objects.filter(pk=made.pk).update(
            key_hash=made.pk.hex,
            paired_at=timezone.now(),
            last_seen_at=timezone.now() - timedelta(seconds=seconds),
            activity=activity,
        )
        return made

    paired("A", 1)
    paired("B", 1, "shopping")
    alert_open(lane=paired("C", 1), kind="help")
    paired("D", 60)
    text = browser.get(reverse("admin:checkout_lane_changelist")).content.decode()
    shown = re.findall(r'lane-status-(\w+)"><span aria-hidden="true">(.)</span>', text)
    assert sorted(shown) == [
        ("busy", "◐"),
        ("needs_help", "▲"),
        ("offline", "○"),
        ("online", "●"),
        ("unpaired", "◇"),
    ]


def test_lists_take_as_many_queries_for_50_rows_as_for_2(browser: Client) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert browser.get(address).status_code == 200
        return len(found)

    lists = [reverse("admin:checkout_lane_changelist"), reverse("admin:checkout_alert_changelist")]
    for number in range(2):
        alert_open(lane=lane_make(f"Lane {number}", str(number)), kind="help")
    few = [queries(address) for address in lists * 2][2:]  # the first time, more is looked up
    for number in range(2, 50):
        alert_open(lane=lane_make(f"Lane {number}", str(number)), kind="help")
    assert [queries(address) for address in lists] == few


def test_alerts_are_only_read(browser: Client, lane: Lane) -> None:
    alert = alert_open(lane=lane, kind="help")
    address = reverse("admin:checkout_alert_change", args=[alert.pk])
    assert browser.get(address).status_code == 200
    assert browser.post(address, {}).status_code == 403
    assert browser.get(reverse("admin:checkout_alert_add")).status_code == 403


def test_the_visits_say_their_lane(browser: Client, lane: Lane) -> None:
    visit = lane_visit(lane=lane)
    assert "Lane 1" in browser.get(reverse("admin:checkout_checkoutsession_changelist")).content.decode()
    address = reverse("admin:checkout_checkoutsession_change", args=[visit.pk])
    assert "Lane 1" in browser.get(address).content.decode()


def test_a_line_is_interrupted_where_nothing_was_measured() -> None:
    line = sparkline("x", [1.0, 2.0, None, 2.0], " ms")
    assert line.path == "M0.0 24.0h0L96.0 3.0M288.0 3.0h0"
    assert (line.newest, line.highest) == ("2 ms", "2 ms")
    assert sparkline("x", [None, None]).path == ""
    assert sparkline("x", [0.0]).path == "M0.0 45.0h0"


def test_a_day_is_drawn_in_one_query_however_much_there_is(lane: Lane) -> None:
    now = timezone.now()
    LaneTelemetry.objects.bulk_create(
        LaneTelemetry(
            lane=lane,
            minute=now - timedelta(minutes=minutes),
            frames_per_second=2,
            dropped=1,
            camera_state="live",
        )
        for minutes in range(1500)
    )
    with CaptureQueriesContext(connection) as queries:
        lines = sparklines_of(lane=lane, now=now)
    assert len(queries) == 1
    assert len(lines) == 5
    assert lines[0].path.count("L") == 143
    assert lines[3].highest == "10"

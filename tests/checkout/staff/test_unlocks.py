"""Lanes unlocked by staff number and PIN: what that opens, for how long, and how it ends."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.pins import pin_set
from checkout.cart import items
from checkout.lanes.alerts import alert_open
from checkout.lanes.pictures import picture_put
from checkout.lanes.visits import lane_visit, lane_visit_end
from checkout.models import Alert, Lane, LaneEvent, ScanEvent
from checkout.staff import unlocks
from tests.checkout.cart.unresolved import left
from tests.checkout.lanes.makers import lane_make, staff_make, store_make
from tests.checkout.shop import cart_lines, product_make
from tests.pictures import encoded, scene

pytestmark = pytest.mark.django_db
PIN = "271828"


@pytest.fixture
def lane() -> Lane:
    return lane_make()


@pytest.fixture
def mina(db: None) -> User:
    user = staff_make("mina")
    pin_set(user=user, pin=PIN)
    return user


@pytest.fixture
def device(lane: Lane) -> Client:
    """Return the browser of the lane."""
    client = Client()
    client.force_login(lane.account)
    return client


def post(client: Client, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/api/{path}", json.dumps(body or {}), content_type="application/json")
    return answer.status_code, json.loads(answer.content or b"{}")


def unlock(client: Client, user: User, pin: str = PIN) -> tuple[int, dict[str, Any]]:
    return post(client, "lane/unlock", {"staff_number": user.staff_number, "pin": pin})


def unlocked(client: Client, user: User) -> None:
    """Unlock, and see that it is."""
    assert unlock(client, user)[0] == 200
    assert post(client, "lane/actions", {"action": "explode"})[1]["code"] == "bad_command"


def test_a_pin_opens_the_lane_for_two_minutes(lane: Lane, mina: User, device: Client) -> None:
    visit = lane_visit(lane=lane)
    milk = product_make("Milk")
    change = {"action": "cart.set", "product_id": str(milk.pk), "quantity": 2, "reason": "Price check"}
    assert post(device, "lane/actions", change)[1]["code"] == "locked"
    assert cart_lines(visit) == {}

    assert unlock(device, mina) == (200, {"staff": {"name": "mina"}, "expires_in_s": 120})
    status, answer = post(device, "lane/actions", change)
    assert (status, answer["cart"]["total_items"]) == (200, 2)
    assert ScanEvent.objects.get().actor == mina
    settings = device.patch("/api/lane/settings", {"mode": "tray"}, content_type="application/json")
    assert (settings.status_code, settings.json()["mode"]) == (200, "tray")
    for zone in ([0, 0, 1], [0.9, 0, 0.5, 1], "all"):
        bad = device.patch("/api/lane/settings", {"zone": zone}, content_type="application/json")
        assert (bad.status_code, bad.json()["code"]) == (400, "invalid")

    assert post(device, "lane/lock")[0] == post(device, "lane/lock")[0] == 204
    assert post(device, "lane/actions", change)[1]["code"] == "locked"
    locked = device.patch("/api/lane/settings", {"mode": "scan"}, content_type="application/json")
    assert locked.json()["code"] == "locked"
    lane.refresh_from_db()
    assert lane.mode == "tray"
    kinds = LaneEvent.objects.order_by("created_at").values_list("kind", "actor__username")
    assert list(kinds) == [("unlocked", "mina"), ("settings", "mina")]


def test_a_wrong_pin_is_refused_and_written_down_and_tries_are_limited(
    lane: Lane, mina: User, device: Client, one_rate_window: None
) -> None:
    told = [unlock(device, mina, "000000")[1]["code"] for _ in range(6)]
    assert told == ["pin_refused"] * 5 + ["too_many_requests"]
    assert unlock(device, mina)[0] == 429
    assert list(LaneEvent.objects.values_list("kind", flat=True)) == ["refused"] * 5
    assert post(device, "lane/actions", {"action": "reset"})[1]["code"] == "locked"


def test_it_locks_itself_unless_it_is_used(
    lane: Lane, mina: User, device: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unlocks.UNLOCKED_S == 120
    lane_visit(lane=lane)
    monkeypatch.setattr(unlocks, "UNLOCKED_S", 1)
    unlocked(device, mina)
    begin_s = time.monotonic()
    while time.monotonic() - begin_s < 1.5:  # used all the time
        assert post(device, "lane/actions", {"action": "restart_camera"})[0] == 200
    deadline_s = time.monotonic() + 10
    while post(device, "lane/actions", {"action": "explode"})[1]["code"] == "bad_command":
        assert time.monotonic() < deadline_s
        time.sleep(1.1)
    assert post(device, "lane/actions", {"action": "reset"})[1]["code"] == "locked"


def test_the_next_visit_finds_the_lane_locked(lane: Lane, mina: User, device: Client) -> None:
    visit = lane_visit(lane=lane)
    items.item_set(session_id=visit.pk, product_id=product_make("Milk").pk, quantity=1)
    unlocked(device, mina)
    lane_visit_end(lane=lane, reason="idle")
    assert post(device, "lane/actions", {"action": "approve"})[1]["code"] == "locked"


@pytest.mark.parametrize("change", ["pin", "inactive", "shopper", "another store"])
def test_who_no_longer_may_has_not_unlocked_it(lane: Lane, mina: User, device: Client, change: str) -> None:
    unlocked(device, mina)
    if change == "pin":
        pin_set(user=mina, pin="314159")
    else:
        fields: dict[str, dict[str, Any]] = {
            "inactive": {"is_active": False},
            "shopper": {"role": "user"},
            "another store": {"store": store_make()},
        }
        User.objects.filter(pk=mina.pk).update(**fields[change])
    assert post(device, "lane/actions", {"action": "restart_camera"})[1]["code"] == "locked"


def test_a_lock_in_one_window_holds_whatever_another_is_about_to_write(
    lane: Lane, mina: User, device: Client
) -> None:
    unlocked(device, mina)
    late = device.session  # as a request holds it that came before the lock and is stored after it
    post(device, "lane/lock")
    late.save()
    assert post(device, "lane/actions", {"action": "restart_camera"})[1]["code"] == "locked"


def test_an_unlocked_lane_opens_no_other(lane: Lane, mina: User, device: Client) -> None:
    unlocked(device, mina)
    other = lane_make("Lane 2", "2")
    token = device.session[unlocks.TOKEN]
    thief = Client()
    thief.force_login(other.account)
    session = thief.session
    session[unlocks.TOKEN] = token
    session.save()
    assert post(thief, "lane/actions", {"action": "restart_camera"})[1]["code"] == "locked"


def test_pins_of_another_store_and_accounts_that_are_no_lane_are_refused(
    lane: Lane, mina: User, device: Client
) -> None:
    foreign = staff_make("foreign", store=store_make())
    pin_set(user=foreign, pin=PIN)
    assert unlock(device, foreign)[1]["code"] == "pin_refused"
    device.force_login(mina)
    for path in ("lane/unlock", "lane/lock", "lane/actions"):
        assert post(device, path, {"staff_number": 101, "pin": PIN})[1]["code"] == "not_a_lane"
    assert Client().post("/api/lane/unlock").status_code == 401


def test_staff_read_lanes_and_alerts_and_take_them(lane: Lane, mina: User) -> None:
    client, shopper = Client(), User.objects.create_user("shopper")
    client.force_login(mina)
    visit = lane_visit(lane=lane)
    item = left(visit)
    alert = alert_open(lane=lane, kind="help", session=visit)
    assert [one["id"] for one in client.get("/api/staff/lanes").json()["lanes"]] == [str(lane.pk)]
    assert [one["id"] for one in client.get("/api/staff/alerts").json()["alerts"]] == [str(alert.pk)]
    picture = client.get("/api/staff/lanes").json()["lanes"][0]["cart"]["unresolved"][0]["image"]
    assert client.get(picture).content == b"jpeg"
    event = client.get("/api/staff/lanes").json()["lanes"][0]["pictures"][0]["url"]
    assert client.get(event).content == b"jpeg"
    assert post(client, f"sessions/{visit.pk}/unresolved/{item}/dismiss", {"reason": "put_back"})[0] == 200
    assert ScanEvent.objects.get(action="dismiss").actor == mina

    address = f"/api/staff/lanes/{lane.pk}/picture"
    assert client.get(address).status_code == 404
    jpeg = encoded(scene(1))
    picture_put(lane.pk, jpeg)
    assert client.get(address).content == jpeg

    for user in (staff_make("foreign", store=store_make()), shopper):
        stranger = Client()
        stranger.force_login(user)
        refused = {404} if user.helps_shoppers else {403}
        assert {stranger.get(each).status_code for each in (address, event)} == refused
        assert stranger.get(picture).status_code == 404
        for act in ("acknowledge", "resolve"):
            assert {post(stranger, f"staff/alerts/{alert.pk}/{act}")[0]} == refused
        assert {post(stranger, f"staff/lanes/{lane.pk}/pairing")[0]} == refused
    assert (Alert.objects.get().acknowledged_by, lane.pairing_codes.count()) == (None, 0)
    assert client.get(f"/api/staff/lanes/{lane.pk}/events/{uuid4()}/picture").status_code == 404

    assert post(client, f"staff/alerts/{alert.pk}/acknowledge")[0] == 204
    omar = Client()
    omar.force_login(staff_make("omar"))
    status, taken = post(omar, f"staff/alerts/{alert.pk}/acknowledge")
    assert (status, taken["code"], taken["by"]) == (409, "alert_taken", "mina")
    assert post(client, f"staff/alerts/{alert.pk}/resolve")[0] == 204
    status, made = post(client, f"staff/lanes/{lane.pk}/pairing")
    assert status == 201
    assert made["qr_svg"].startswith("<svg")
    assert len(made["code"]) == 9


def test_the_console_page_is_for_staff(mina: User, lane: Lane) -> None:
    client = Client()
    assert client.get("/staff/").headers["Location"] == "/login/?next=/staff/"
    client.force_login(lane.account)
    assert client.get("/staff/").status_code == 403
    client.force_login(mina)
    assert b"/api/ws/staff" in client.get("/staff/").content


def test_the_servers_for_live_pictures_reach_the_settings(settings: Settings) -> None:
    assert settings.ICE_SERVERS == []

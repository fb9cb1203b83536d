"""The socket of the console, through a real server, and what it reads."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from checkout.cart import items
from checkout.lanes.alerts import alert_open
from checkout.lanes.visits import lane_visit
from checkout.models import Alert, Lane, LaneEvent, LaneTelemetry
from checkout.staff import looks
from checkout.staff.looks import watcher_forget, watcher_note, watchers_of
from checkout.staff.selectors import console_get
from tests.checkout.cart.unresolved import left
from tests.checkout.colours import RED_ID
from tests.checkout.lanes.makers import lane_make, staff_make, store_make
from tests.checkout.serving import Server, bearer, cookie
from tests.checkout.shop import product_make, seen
from tests.checkout.staff.connecting import ask, lanes_until, link_open

STAFF, LANE = "/api/ws/staff", "/api/ws/lane"


def test_a_console_shows_its_store_and_no_other(server: Server) -> None:
    lane, mina = lane_make(), staff_make("mina")
    lane_make("Far away", "1", store=store_make())
    with link_open(server, STAFF, bearer(mina)) as console:
        ready = console.next()
        assert ready == {
            "type": "staff.ready",
            "staff": {"id": str(mina.pk), "name": "mina"},
            "ice_servers": [],
        }
        shown = console.next("lanes")
        assert [one["id"] for one in shown["lanes"]] == [str(lane.pk)]
        assert (shown["lanes"][0]["status"], shown["lanes"][0]["cart"], shown["alerts"]) == (
            "offline",
            None,
            [],
        )

        alert = alert_open(lane=lane, kind="help")
        shown = lanes_until(console, lambda one: bool(one["alerts"]))
        assert [(one["kind"], one["mine"]) for one in shown["alerts"]] == [("help", False)]
        begin_s = time.monotonic()
        assert ask(console, "alert.acknowledge", id=str(alert.pk))["type"] == "done"
        shown = lanes_until(console, lambda one: one["alerts"][0]["mine"])
        assert time.monotonic() - begin_s < 1.0
        assert shown["alerts"][0]["acknowledged_by"] == "mina"

        visit = lane_visit(lane=lane)
        items.item_set(session_id=visit.pk, product_id=RED_ID, quantity=2)
        shown = lanes_until(console, lambda one: bool((one["lanes"][0]["cart"] or {}).get("items")))
        assert shown["lanes"][0]["cart"]["total_amount"] == "5.00"
        assert ask(console, "alert.resolve", id=str(alert.pk))["type"] == "done"
        console.command("ping")
        assert console.next("pong") == {"type": "pong"}


def test_two_members_of_staff_see_who_has_it(server: Server) -> None:
    alert = alert_open(lane=lane_make(), kind="help")
    with (
        link_open(server, STAFF, bearer(staff_make("mina"))) as mina,
        link_open(server, STAFF, bearer(staff_make("omar"))) as omar,
    ):
        assert ask(mina, "alert.acknowledge", id=str(alert.pk))["type"] == "done"
        shown = lanes_until(omar, lambda one: one["alerts"][0]["acknowledged_by"] is not None)
        assert (shown["alerts"][0]["acknowledged_by"], shown["alerts"][0]["mine"]) == ("mina", False)
        refused = ask(omar, "alert.acknowledge", id=str(alert.pk))
        assert (refused["code"], refused["data"]["by"]) == ("alert_taken", "mina")


@pytest.mark.parametrize("who", ["shopper", "lane", "nobody"])
def test_only_staff_open_the_console(server: Server, who: str) -> None:
    lane = lane_make()
    user = {"shopper": User.objects.create_user("shopper"), "lane": lane.account, "nobody": None}[who]
    with link_open(server, STAFF, bearer(user) if user else {}) as client:
        assert client.close_code() == (4401 if who == "nobody" else 4403)


def test_pages_of_other_sites_cannot_use_the_cookie_of_staff(server: Server) -> None:
    mina = staff_make("mina")
    with link_open(server, STAFF, cookie(mina) | {"Origin": "https://evil.example"}) as client:
        assert client.close_code() == 4403
    with link_open(server, STAFF, cookie(mina) | {"Origin": server.origin}) as client:
        assert client.next()["type"] == "staff.ready"


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "user"}, {"store": "another"}])
def test_who_no_longer_works_there_is_shown_out(server: Server, change: dict[str, Any]) -> None:
    mina = staff_make("mina")
    with link_open(server, STAFF, bearer(mina)) as console:
        console.next("lanes")
        if "store" in change:
            change = {"store": store_make()}
        User.objects.filter(pk=mina.pk).update(**change)
        assert console.close_code() in (4401, 4403)


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "user"}, {"store": "another"}])
def test_who_no_longer_works_there_changes_nothing_from_that_moment(
    server: Server, change: dict[str, Any]
) -> None:
    lane, mina = lane_make(), staff_make("mina")
    alert = alert_open(lane=lane, kind="help")
    with link_open(server, STAFF, bearer(mina)) as console:
        console.next("lanes")
        if "store" in change:
            change = {"store": store_make()}
        User.objects.filter(pk=mina.pk).update(**change)
        for kind, fields, code in (
            ("lane.command", {"lane_id": str(lane.pk), "command": "close"}, "no_such_lane"),
            ("watch", {"lane_id": str(lane.pk), "mode": "webrtc"}, "no_such_lane"),
            ("alert.resolve", {"id": str(alert.pk)}, "no_such_alert"),
        ):
            assert (kind, ask(console, kind, **fields)["code"]) == (kind, code)
    lane.refresh_from_db()
    alert.refresh_from_db()
    assert (lane.is_open, alert.resolved_at, LaneEvent.objects.count()) == (True, None, 0)


def test_what_belongs_to_another_store_or_is_nonsense_is_refused_and_changes_nothing(server: Server) -> None:
    near = lane_make()
    far = lane_make("Far away", "1", store=store_make())
    visit = lane_visit(lane=far)
    alert = alert_open(lane=far, kind="help")
    product = str(product_make("Milk").pk)
    there: dict[str, Any] = {"lane_id": str(far.pk)}
    with link_open(server, STAFF, bearer(staff_make("mina"))) as console:
        for kind, fields, code in (
            ("alert.acknowledge", {"id": str(alert.pk)}, "no_such_alert"),
            ("alert.resolve", {"id": str(alert.pk)}, "no_such_alert"),
            ("cart.set", {**there, "product_id": product, "quantity": 1}, "no_such_lane"),
            ("lane.command", {**there, "command": "reset"}, "no_such_lane"),
            ("visit.end", there, "no_such_lane"),
            ("watch", {**there, "mode": "webrtc"}, "no_such_lane"),
            ("signal", {**there, "data": {}}, "not_watched"),
            ("unwatch", there, "not_watched"),
            ("signal", {"lane_id": str(near.pk), "data": {}}, "not_watched"),
            ("alert.acknowledge", {"id": 7}, "bad_command"),
            ("explode", {}, "bad_command"),
            ("cart.set", {"lane_id": str(near.pk), "product_id": product, "quantity": 1}, "no_visit"),
        ):
            refused = ask(console, kind, **fields)
            assert (kind, refused["type"], refused["code"]) == (kind, "error", code)
        for text in ("{", "[]", json.dumps({"type": "ping", "padding": "x" * 16_400})):
            console.link.send(text)
            assert console.next("error")["code"] == "bad_command"
        console.command("ping")
        console.next("pong")
    alert = Alert.objects.get()
    visit.refresh_from_db()
    assert (alert.acknowledged_at, alert.resolved_at, visit.status) == (None, None, "active")
    assert LaneEvent.objects.count() == 0


def test_watching_is_told_to_the_lane_written_down_and_over_with_the_console(server: Server) -> None:
    lane, mina = lane_make(), staff_make("mina")
    with ExitStack() as pages:
        device = pages.enter_context(link_open(server, LANE, bearer(lane.account)))
        device.next("lane.ready")
        with link_open(server, STAFF, bearer(mina)) as console:
            assert ask(console, "watch", lane_id=str(lane.pk), mode="webrtc")["type"] == "done"
            started = device.next("watch.started")
            assert (started["by"], started["mode"], started["ice_servers"]) == ("mina", "webrtc", [])
            lanes_until(console, lambda one: one["lanes"][0]["watched_by"] == ["mina"])
            device.command("signal", peer=started["peer"], data={"description": {"type": "offer"}})
            offer = console.next("signal")
            assert offer == {
                "type": "signal",
                "lane_id": str(lane.pk),
                "data": {"description": {"type": "offer"}},
            }
            ask(console, "signal", lane_id=str(lane.pk), data={"candidate": {"sdpMid": "0"}})
            answer = device.next("signal")
            assert (answer["peer"], answer["data"]) == (started["peer"], {"candidate": {"sdpMid": "0"}})
            assert ask(console, "watch", lane_id=str(lane.pk), mode="pictures")["type"] == "done"
            assert device.next("watch.started")["mode"] == "pictures"
            page = pages.enter_context(link_open(server, LANE, bearer(lane.account)))  # it has come again
            again = page.next("watch.started")
            assert (again["peer"], again["mode"]) == (started["peer"], "pictures")
        assert page.next("watch.ended")["peer"] == started["peer"]
    kinds = LaneEvent.objects.filter(actor=mina).order_by("created_at").values_list("kind", flat=True)
    assert list(kinds) == ["watched", "unwatched"]
    assert watchers_of(lane_ids=[lane.pk]) == {lane.pk: []}


def test_half_a_surrogate_pair_closes_no_socket(server: Server) -> None:
    """Such a text is JSON, but no UTF-8, as which every message is sent."""
    lane, half = lane_make(), "\ud800"
    with (
        link_open(server, LANE, bearer(lane.account)) as device,
        link_open(server, STAFF, bearer(staff_make("mina"))) as console,
    ):
        device.next("lane.ready")
        device.command("signal", peer=half, data={})
        assert device.next("error")["code"] == "not_watching"
        console.command("watch", lane_id=str(lane.pk), mode="webrtc", request=half)
        assert console.next("done")["request"] == half
        console.command("signal", lane_id=str(lane.pk), data={"candidate": half})
        assert ask(console, "unwatch", lane_id=str(lane.pk))["type"] == "done"
        device.next("watch.ended")
        device.command("ping")
        device.next("pong")


@pytest.mark.django_db
def test_a_lane_hears_that_nobody_watches_although_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lane, told = lane_make(), []
    mina = staff_make("mina")
    watcher_note(lane_id=lane.pk, peer="a", name="mina")

    def away(**of: Any) -> Any:
        raise OperationalError

    monkeypatch.setattr(looks, "lane_announce", lambda **one: told.append(one["notice"]))
    monkeypatch.setattr(Lane.objects, "filter", away)
    with pytest.raises(OperationalError):
        looks.look_end(lane_id=lane.pk, by=mina, peer="a")
    assert told == [{"type": "watch.ended", "peer": "a"}]
    assert watchers_of(lane_ids=[lane.pk]) == {lane.pk: []}


def test_one_console_watches_four_lanes_at_once(server: Server) -> None:
    lanes = [lane_make(f"Lane {number}", str(number)) for number in range(5)]
    with link_open(server, STAFF, bearer(staff_make("mina"))) as console:
        told = [ask(console, "watch", lane_id=str(lane.pk), mode="webrtc") for lane in lanes]
        assert [one["type"] for one in told] == ["done"] * 4 + ["error"]
        assert told[-1]["code"] == "too_many_watched"
        ask(console, "unwatch", lane_id=str(lanes[0].pk))
        assert ask(console, "watch", lane_id=str(lanes[4].pk), mode="webrtc")["type"] == "done"


def test_who_floods_is_closed(server: Server) -> None:
    with link_open(server, STAFF, bearer(staff_make("mina"))) as console:
        console.next("lanes")
        for _ in range(200):
            console.command("ping")
        assert console.close_code() == 4429


@pytest.mark.django_db
def test_watchers_are_forgotten_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = lane_make()
    watcher_note(lane_id=lane.pk, peer="a", name="mina")
    watcher_note(lane_id=lane.pk, peer="b", name="omar")
    assert watchers_of(lane_ids=[lane.pk]) == {lane.pk: ["mina", "omar"]}
    watcher_forget(lane_id=lane.pk, peer="b")
    assert watchers_of(lane_ids=[lane.pk]) == {lane.pk: ["mina"]}
    later = time.time() + 21
    monkeypatch.setattr("checkout.staff.looks.time.time", lambda: later)
    assert watchers_of(lane_ids=[lane.pk]) == {lane.pk: []}


def busy_lane(number: int) -> Lane:
    """Make a lane where a shopper has a cart, an open item, and calls for help."""
    now = timezone.now()
    lane = lane_make(f"Lane {number}", str(number), last_seen_at=now, activity="shopping")
    visit = lane_visit(lane=lane)
    product = product_make(f"Product {number}")
    items.item_add(session_id=visit.pk, product_id=product.pk, cause=seen(0.9))
    left(visit, product)
    alert_open(lane=lane, kind="help", session=visit)
    for age in (1, 2):
        LaneTelemetry.objects.create(
            lane=lane,
            minute=now - timedelta(minutes=age),
            frames_per_second=age,
            answer_p50_ms=30.0,
            camera_state="live",
        )
    return lane


@pytest.mark.django_db
def test_two_lanes_take_as_many_queries_as_fifty(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    mina = staff_make("mina")
    for number in range(2):
        busy_lane(number)
    with django_assert_num_queries(8):
        console_get(user=mina)
    for number in range(2, 50):
        busy_lane(number)
    with django_assert_num_queries(8):
        view = console_get(user=mina)
    assert (len(view["lanes"]), len(view["alerts"])) == (50, 50)
    lane = view["lanes"][0]
    assert lane["cart"] is not None
    assert (lane["status"], lane["cart"]["total_amount"], len(lane["cart"]["unresolved"])) == (
        "needs_help",
        "2.50",
        1,
    )
    assert lane["telemetry"] == {"fps": 1.0, "p50_ms": 30.0, "p95_ms": None, "dropped": 0}
    assert len(lane["pictures"]) == 1


@pytest.mark.django_db
def test_an_alert_that_waits_stands_out_at_once() -> None:
    mina = staff_make("mina")
    alert = alert_open(lane=lane_make(), kind="help")
    assert [one["escalated"] for one in console_get(user=mina)["alerts"]] == [False]
    Alert.objects.filter(pk=alert.pk).update(opened_at=timezone.now() - timedelta(seconds=61))
    assert [one["escalated"] for one in console_get(user=mina)["alerts"]] == [True]


@pytest.mark.django_db
def test_an_admin_without_a_store_sees_all_stores(keeper: User) -> None:
    lane_make()
    lane_make("Far away", "1", store=store_make())
    assert len(console_get(user=keeper)["lanes"]) == 2

"""Lanes that fall silent call staff once, and come back by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from checkout.lanes import presence
from checkout.lanes.alerts import alert_open, alert_resolve
from checkout.lanes.presence import lane_seen, lanes_watch
from checkout.lanes.selectors import OFFLINE_AFTER, lane_status
from checkout.lanes.services import lane_settings_change
from checkout.lanes.telemetry import KEPT, telemetry_prune
from checkout.models import Alert, Lane, LaneEvent, LaneTelemetry
from checkout.tools.housekeeping import chores_make
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.lanes.makers import lane_make, staff_make, store_make

pytestmark = pytest.mark.django_db


def seen_ago(lane: Lane, seconds: float, **fields: Any) -> Lane:
    """Pair a lane that was seen some seconds ago, and not for long before."""
    now = timezone.now()
    Alert.objects.update(opened_at=now - timedelta(days=1))
    Lane.objects.filter(pk=lane.pk).update(
        key_hash=lane.pk.hex,
        paired_at=now - timedelta(days=1),
        last_seen_at=now - timedelta(seconds=seconds),
        **fields,
    )
    lane.refresh_from_db()
    return lane


def beat(lane: Lane, activity: str = "waiting", camera_state: str = "off") -> bool:
    return lane_seen(lane_id=lane.pk, activity=activity, camera_state=camera_state)


def kinds(model: Any) -> list[str]:
    return list(model.objects.order_by("pk").values_list("kind", flat=True))


def test_heartbeats_are_written_every_five_seconds_and_at_each_change(lane: Lane) -> None:
    assert timedelta(seconds=4) < presence.SEEN_EVERY <= timedelta(seconds=5)
    assert beat(lane)
    assert not beat(lane)
    assert beat(lane, activity="shopping")
    assert not beat(lane, activity="shopping")
    assert beat(lane, activity="shopping", camera_state="live")
    seen_ago(lane, 5)
    assert beat(lane, activity="shopping", camera_state="live")


def test_a_heartbeat_with_nothing_to_write_takes_one_query(lane: Lane) -> None:
    beat(lane)
    with CaptureQueriesContext(connection) as queries:
        beat(lane)
    assert len(queries) == 1


@pytest.mark.parametrize(
    ("seconds", "needs_help", "activity", "status"),
    [
        (16, True, "shopping", "offline"),
        (14, True, "waiting", "needs_help"),
        (14, False, "shopping", "busy"),
        (14, False, "paying", "busy"),
        (14, False, "waiting", "online"),
    ],
)
def test_the_status_of_a_lane(seconds: int, needs_help: bool, activity: str, status: str, lane: Lane) -> None:
    assert timedelta(seconds=15) == OFFLINE_AFTER
    seen_ago(lane, seconds, activity=activity)
    assert lane_status(lane, needs_help=needs_help, now=timezone.now()) == status


def test_a_lane_that_was_never_seen_is_offline(lane: Lane) -> None:
    assert lane_status(lane, needs_help=False, now=timezone.now()) == "offline"


def test_a_silent_lane_calls_staff_once(lane: Lane) -> None:
    seen_ago(lane, 16)
    assert lanes_watch() == 1
    assert lanes_watch() == 0
    alert = Alert.objects.get()
    assert (alert.kind, alert.lane, alert.resolved_at) == ("offline", lane, None)
    assert kinds(LaneEvent) == ["offline"]


def test_staff_who_resolve_it_are_not_called_again_for_the_same_silence(lane: Lane) -> None:
    seen_ago(lane, 16)
    lanes_watch()
    alert_resolve(alert_id=Alert.objects.get().pk, by=staff_make())
    assert lanes_watch() == 0


def test_a_lane_that_comes_back_is_logged_and_its_alert_passes(lane: Lane) -> None:
    seen_ago(lane, 16)
    lanes_watch()
    alert_open(lane=lane, kind="help")
    beat(lane)
    assert sorted(Alert.objects.filter(resolved_at=None).values_list("kind", flat=True)) == ["help"]
    assert sorted(kinds(LaneEvent)) == ["offline", "online"]
    beat(lane)
    assert sorted(kinds(LaneEvent)) == ["offline", "online"]
    seen_ago(lane, 16)
    assert lanes_watch() == 1


def test_a_lane_that_was_paired_and_never_seen_calls_staff(lane: Lane) -> None:
    now = timezone.now()
    Lane.objects.filter(pk=lane.pk).update(key_hash="0" * 64, paired_at=now - timedelta(seconds=16))
    assert lanes_watch() == 1


def test_lanes_that_nobody_expects_call_nobody() -> None:
    quiet = [lane_make(f"Lane {number}", str(number)) for number in range(4)]
    seen_ago(quiet[0], 14)
    seen_ago(quiet[1], 60, is_open=False)
    Lane.objects.filter(pk=quiet[2].pk).update(last_seen_at=timezone.now() - timedelta(hours=1))
    closed = store_make(
        "Closed",
        opening_hours={"mon": ["03:00", "03:01"]}
        if timezone.now().weekday()
        else {"tue": ["03:00", "03:01"]},
    )
    seen_ago(lane_make("Lane 9", "9", store=closed), 60)
    assert lanes_watch() == 0
    assert not Alert.objects.exists()


def test_a_lane_that_is_closed_is_missed_no_longer(lane: Lane) -> None:
    seen_ago(lane, 16)
    lanes_watch()
    lane_settings_change(lane=lane, by=staff_make(), is_open=False)
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_the_watch_takes_two_queries_when_nothing_is_due() -> None:
    for number in range(20):
        seen_ago(lane_make(f"Lane {number}", str(number)), 1)
    with CaptureQueriesContext(connection) as queries:
        assert lanes_watch() == 0
    assert len(queries) == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_processes_that_watch_call_staff_once(lane: Lane) -> None:
    for _ in range(3):
        seen_ago(lane, 16)
        outcomes = at_once(8, lambda _: lanes_watch())
        assert sum(outcomes) == 1
        beat(lane)
    assert sorted(kinds(LaneEvent)) == ["offline"] * 3 + ["online"] * 3
    assert Alert.objects.count() == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_some_would_call_twice(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(lane_id: Any, now: Any) -> bool:
        found = presence._lanes_missed(now).filter(pk=lane_id).first()
        if found is None:
            return False
        alert_open(lane=found, kind=Alert.Kind.OFFLINE)
        return True

    monkeypatch.setattr(presence, "_offline_note", unlocked)
    most = 0
    for _ in range(10):
        seen_ago(lane, 16)
        most = max(most, sum(at_once(8, lambda _: lanes_watch())))
        beat(lane)
    assert most > 1


def test_telemetry_is_kept_for_thirty_days(lane: Lane) -> None:
    assert timedelta(days=30) == KEPT
    now = timezone.now()
    for days in (29, 31):
        LaneTelemetry.objects.create(
            lane=lane, minute=now - timedelta(days=days), frames_per_second=1, camera_state="live"
        )
    assert telemetry_prune() == 1
    assert LaneTelemetry.objects.get().minute == now - timedelta(days=29)


def test_lanes_are_watched_every_two_seconds() -> None:
    every_s = {chore.name: chore.every_s for chore in chores_make()}
    assert every_s["watching lanes"] == 2
    assert every_s["pruning telemetry of lanes"] == 3600

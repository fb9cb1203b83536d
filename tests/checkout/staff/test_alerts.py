"""Alerts: opened once, taken by exactly one, escalated, resolved, and announced at each step."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from checkout.errors import AlertNotFound, AlertOver, AlertTaken
from checkout.lanes import alerts
from checkout.lanes.alerts import (
    alert_acknowledge,
    alert_open,
    alert_resolve,
    alerts_escalate,
    alerts_open,
    lane_alerts,
)
from checkout.models import Alert, Lane
from tests.checkout.cart.test_concurrency import at_once
from tests.checkout.lanes.makers import lane_make, staff_make, store_make

CALLERS, ROUNDS = 12, 4


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is announced: to whom, and of which type."""
    told: list[str] = []
    monkeypatch.setattr(alerts, "staff_announce", lambda **_: told.append("staff"))
    monkeypatch.setattr(alerts, "lane_announce", lambda **one: told.append(one["notice"]["type"]))
    return told


@pytest.mark.django_db(transaction=True)
def test_an_alert_lives_from_opened_to_resolved_and_every_step_is_announced_once(heard: list[str]) -> None:
    lane, mina, omar = lane_make(), staff_make(), staff_make("omar")
    alert = alert_open(lane=lane, kind="help")
    assert alert_open(lane=lane, kind="help") == alert
    assert heard == ["staff", "lane.alerts"]

    assert alert_acknowledge(alert_id=alert.pk, by=mina).acknowledged_by == mina
    assert alert_acknowledge(alert_id=alert.pk, by=mina).acknowledged_by == mina
    assert [one["taken_by"] for one in lane_alerts(lane_id=lane.pk)] == ["mina"]
    with pytest.raises(AlertTaken) as taken:
        alert_acknowledge(alert_id=alert.pk, by=omar)
    assert (taken.value.data["by"], taken.value.status) == ("mina", 409)
    assert Alert.objects.get().acknowledged_by == mina
    assert heard == ["staff", "lane.alerts"] * 2

    alert_resolve(alert_id=alert.pk, by=omar)
    assert alert_resolve(alert_id=alert.pk, by=mina).resolved_by == omar, "the first one counts"
    assert heard == ["staff", "lane.alerts"] * 3
    assert lane_alerts(lane_id=lane.pk) == []
    with pytest.raises(AlertOver):
        alert_acknowledge(alert_id=alert.pk, by=mina)

    assert alert_open(lane=lane, kind="help") != alert, "it may open again"


@pytest.mark.django_db(transaction=True)
def test_staff_of_another_store_cannot_touch_an_alert(heard: list[str]) -> None:
    alert = alert_open(lane=lane_make(), kind="help")
    foreign = staff_make("foreign", store=store_make())
    heard.clear()
    for act in (alert_acknowledge, alert_resolve):
        with pytest.raises(AlertNotFound):
            act(alert_id=alert.pk, by=foreign)
        with pytest.raises(AlertNotFound):
            act(alert_id=uuid4(), by=foreign)
    alert.refresh_from_db()
    assert (alert.acknowledged_at, alert.resolved_at, heard) == (None, None, [])
    assert foreign.store_id is not None
    assert list(alerts_open(store_ids=[foreign.store_id])) == []
    assert list(alerts_open(store_ids=None)) == [alert]


@pytest.mark.django_db(transaction=True)
def test_an_alert_that_nobody_takes_escalates_once_after_a_minute(
    settings: Settings, heard: list[str]
) -> None:
    assert settings.ALERT_ESCALATES_AFTER_S == 60
    lane, mina = lane_make(), staff_make()
    waiting, taken = alert_open(lane=lane, kind="help"), alert_open(lane=lane, kind="payment")
    alert_acknowledge(alert_id=taken.pk, by=mina)
    opened = Alert.objects.get(pk=waiting.pk).opened_at
    heard.clear()
    assert alerts_escalate(now=opened + timedelta(seconds=60)) == 0
    assert alerts_escalate(now=opened + timedelta(seconds=60, microseconds=1)) == 1
    assert alerts_escalate(now=opened + timedelta(seconds=90)) == 0
    assert heard == ["staff", "lane.alerts"]
    assert list(Alert.objects.filter(escalated_at__isnull=False)) == [waiting]


def taking(lane: Lane, staff: list[User]) -> tuple[Counter[str], set[str]]:
    """Let all take a new alert at once; return what they were told, and who the losers were told has it."""
    alert = alert_open(lane=lane, kind="help")
    told: list[Any] = at_once(
        CALLERS, lambda number: alert_acknowledge(alert_id=alert.pk, by=staff[number]), CALLERS
    )
    alert_resolve(alert_id=alert.pk, by=None)
    names = {str(each.data["by"]) for each in told if isinstance(each, AlertTaken)}
    return Counter(type(each).__name__ for each in told), names


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_an_alert_at_once_exactly_one_gets_it() -> None:
    lane, staff = lane_make(), [staff_make(f"staff{number}") for number in range(CALLERS)]
    for _ in range(ROUNDS):
        told, names = taking(lane, staff)
        assert told == Counter(Alert=1, AlertTaken=CALLERS - 1)
        assert names == {str(Alert.objects.latest("opened_at").acknowledged_by)}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_where_one_looks_first_and_writes_afterwards_several_get_it() -> None:
    lane, staff = lane_make(), [staff_make(f"staff{number}") for number in range(CALLERS)]

    def acknowledge(alert: Alert, by: User) -> bool:
        is_free = Alert.objects.get(pk=alert.pk).acknowledged_at is None
        if is_free:
            Alert.objects.filter(pk=alert.pk).update(acknowledged_at=timezone.now(), acknowledged_by=by)
        return is_free

    winners = 0
    for _ in range(ROUNDS * 3):
        alert = alert_open(lane=lane, kind="help")
        winners += sum(
            at_once(CALLERS, lambda n, alert=alert: acknowledge(alert, staff[n]), CALLERS)  # type: ignore[misc]
        )
        alert_resolve(alert_id=alert.pk, by=None)
    assert winners > ROUNDS * 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_many_that_open_the_same_alert_at_once_open_one() -> None:
    lane = lane_make()
    for _ in range(ROUNDS):
        told = at_once(CALLERS, lambda _: alert_open(lane=lane, kind="help").pk, CALLERS)
        assert len(set(told)) == 1
        alert_resolve(alert_id=told[0], by=None)
    assert Alert.objects.count() == ROUNDS

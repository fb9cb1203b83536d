"""What a server does by itself: abandoned visits end, answer times are stored and not kept for ever."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from checkout.answer_times import FrameTally
from checkout.cart import services
from checkout.models import CheckoutSession, FrameCount
from checkout.tools import housekeeping
from checkout.tools.housekeeping import Chore, Housekeeper, chores_make
from tests.waiting import until


@pytest.mark.django_db(transaction=True)
def test_two_housekeepers_end_an_abandoned_visit_and_leave_a_running_one(
    user_make: Callable[..., User],
) -> None:
    user = user_make("shopper")
    long_ago = timezone.now() - timedelta(minutes=settings.SESSION_IDLE_MINUTES + 1)
    abandoned = CheckoutSession.objects.create(user=user, last_active=long_ago)
    running = CheckoutSession.objects.create(user=user)
    tally = FrameTally()
    tally.note(answer_ms=20, answered=True, dropped=0)
    keepers = [
        Housekeeper([Chore("sweeping", 0.02, services.sessions_expire), Chore("writing", 0.02, tally.flush)])
        for _ in range(2)
    ]
    for keeper in keepers:
        keeper.start()
    try:
        until(lambda: CheckoutSession.objects.get(pk=abandoned.pk).status == "expired")
        until(FrameCount.objects.exists)
    finally:
        for keeper in keepers:
            keeper.stop()

    assert CheckoutSession.objects.get(pk=running.pk).status == "active"
    assert FrameCount.objects.get().frames == 1


@pytest.mark.django_db(transaction=True)
def test_counts_of_frames_are_kept_as_long_as_they_are_shown_and_not_for_ever() -> None:
    now = timezone.now()
    stored = [
        FrameCount.objects.create(hour=now - timedelta(days=days), outcome="dropped", frames=days)
        for days in (0, 60, 89, 91, 400)
    ]

    assert "pruning expired tokens" in [chore.name for chore in chores_make()]
    for chore in chores_make():
        chore.run()
        assert not chore.is_failing, chore.name

    kept = FrameCount.objects.in_bulk([row.pk for row in stored])
    assert sorted(row.frames for row in kept.values()) == [0, 60, 89]


def test_a_chore_that_fails_is_logged_once_and_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []
    failing = Chore("failing", 0.01, lambda: 1 / 0)
    keeper = Housekeeper([failing, Chore("working", 0.01, lambda: done.append(1))])
    keeper.start()
    until(lambda: len(done) >= 5)
    keeper.stop()

    assert failing.is_failing
    assert [record.getMessage() for record in caplog.records] == [
        "failing fails; it is tried again every 0 s"
    ]


def test_lanes_are_watched_every_two_seconds_times_stored_every_ten_visits_ended_every_minute() -> None:
    assert [(chore.name, chore.every_s) for chore in chores_make()] == [
        ("watching lanes", 2.0),
        ("writing answer times", 10.0),
        ("ending abandoned visits", 60.0),
        ("pruning answer times", 3600.0),
        ("pruning telemetry of lanes", 3600.0),
        ("pruning expired tokens", 3600.0),
        ("forgetting receipt links", 3600.0),
    ]


def test_a_chore_is_first_done_after_its_own_pause_and_the_thread_waits_for_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s, done = [1000.0], []
    monkeypatch.setattr(housekeeping, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    chores = [
        Chore("fast", 10.0, lambda: done.append("fast")),
        Chore("slow", 25.0, lambda: done.append("slow")),
    ]
    keeper = Housekeeper(chores)
    pauses_s = []
    for _ in range(5):
        pauses_s.append(keeper.work())
        now_s[0] += pauses_s[-1]
    assert pauses_s == [10.0, 10.0, 5.0, 5.0, 10.0]
    assert done == ["fast", "fast", "slow", "fast"]


def test_the_chores_that_fail_are_named_until_they_work_again() -> None:
    broken = Chore("sweeping", 0.0, lambda: 1 / 0)
    keeper = Housekeeper([broken, Chore("writing", 0.0, lambda: None)])
    keeper.work()
    assert (keeper.failure, keeper.health) == ("sweeping", "failing")
    broken.work = lambda: None
    keeper.work()
    assert (keeper.failure, keeper.health) == ("", "well")


@pytest.mark.parametrize("serving", [True, False])
def test_a_server_keeps_house_and_a_command_does_not(serving: bool) -> None:
    module = "ebrcs.asgi" if serving else "checkout.tools.housekeeping"
    code = (
        "import django, threading; django.setup(); from django.conf import settings; "
        f"settings.HOUSEKEEPING = True; import {module}; "
        "print([one.name for one in threading.enumerate() if one.name == 'housekeeping'])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.strip() == ("['housekeeping']" if serving else "[]")

"""Answer times: counted without a write, added up across threads and processes, read as percentiles."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import Sum

from accounts.models import User
from checkout import answer_times
from checkout.answer_times import (
    STEP_LAST,
    FrameTally,
    frame_counts_add,
    percentile_ms,
    step_ms,
    step_of,
)
from checkout.cart import services
from checkout.models import FrameCount
from tests.checkout.serving import Server, bearer, jpeg, socket_connect
from tests.recognition.vision.scenes import Stage

HOUR = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_every_time_lies_within_four_and_a_half_percent_of_its_step() -> None:
    times_ms = np.geomspace(1.001, 32_000, 5_000)
    stood_for = np.array([step_ms(step_of(time)) for time in times_ms])

    assert np.abs(stood_for / times_ms - 1).max() < 0.045


@pytest.mark.parametrize(("answer_ms", "step"), [(0, 0), (1, 0), (2, 8), (2.0001, 9), (1e9, STEP_LAST)])
def test_a_time_on_the_edge_belongs_to_the_step_below(answer_ms: float, step: int) -> None:
    assert step_of(answer_ms) == step


@pytest.mark.parametrize("share", [0.5, 0.95, 1.0])
def test_percentiles_are_those_of_the_times_themselves(share: float) -> None:
    times_ms = np.random.default_rng(7).lognormal(3.4, 0.5, 4_001)
    exact = np.sort(times_ms)[math.ceil(share * len(times_ms)) - 1]

    found = percentile_ms(Counter(map(step_of, times_ms)), share)

    assert found == pytest.approx(exact, rel=0.045)


def test_where_no_frame_was_answered_there_is_no_percentile() -> None:
    assert percentile_ms({}, 0.95) is None


@pytest.mark.django_db
def test_counting_frames_writes_nothing_until_the_flush(django_assert_num_queries: object) -> None:
    tally = FrameTally()
    with django_assert_num_queries(0):  # type: ignore[operator]
        for _ in range(50):
            tally.note(answer_ms=20, answered=True, dropped=0)
        tally.note(answer_ms=900, answered=False, dropped=3)

    assert tally.flush() == 54
    assert tally.flush() == 0
    assert dict(FrameCount.objects.values_list("outcome", "frames")) == {
        "answered": 50,
        "refused": 1,
        "dropped": 3,
    }


@pytest.mark.django_db
def test_counts_that_the_database_does_not_take_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = FrameTally()
    tally.note(answer_ms=20, answered=True, dropped=0)

    def away(**_: object) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(answer_times, "frame_counts_add", away)
        assert tally.flush() == 0
    tally.note(answer_ms=20, answered=True, dropped=0)

    assert tally.flush() == 2
    assert FrameCount.objects.get().frames == 2


def add_from_threads(add: object, *, threads: int, times: int) -> int:
    """Let threads add the same three counts many times; return the stored sum."""
    faults: list[Exception] = []
    begin = threading.Barrier(threads)

    def work(reverse: bool) -> None:
        keys = [(HOUR, "answered", step) for step in (3, 5, 9)]
        begin.wait()
        try:
            for _ in range(times):
                add(counts=dict.fromkeys(reversed(keys) if reverse else keys, 1))  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001 - told to the test below
            faults.append(error)
        finally:
            connection.close()

    running = [threading.Thread(target=work, args=(number % 2 == 1,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert faults == []
    return int(FrameCount.objects.aggregate(total=Sum("frames"))["total"])


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_when_many_add_at_once() -> None:
    assert add_from_threads(frame_counts_add, threads=8, times=10) == 8 * 10 * 3


def add_by_reading_first(*, counts: dict[answer_times.Key, int]) -> None:
    """Add as `frame_counts_add` does, but with the sum made outside the database."""
    for hour, outcome, step in sorted(counts):
        row, _ = FrameCount.objects.get_or_create(hour=hour, outcome=outcome, step=step)
        row.frames += counts[hour, outcome, step]
        row.save()


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_control_sums_made_outside_the_database_lose_counts() -> None:
    assert add_from_threads(add_by_reading_first, threads=8, times=10) < 8 * 10 * 3


def test_a_server_counts_the_frames_it_answers_and_refuses(server: Server, shopper: User) -> None:
    good = jpeg(Stage().frame())
    with socket_connect(server, services.session_start(user=shopper).pk, headers=bearer(shopper)) as client:
        for frame in (good, good, b"no picture"):
            client.frame(frame)
            while "frame" not in client.next():
                pass
    deadline_s = time.monotonic() + 20
    counted: dict[str, int] = {}
    while sum(counted.values()) < 3:
        assert time.monotonic() < deadline_s, counted
        time.sleep(0.1)
        rows = FrameCount.objects.values("outcome").annotate(frames=Sum("frames"))
        counted = dict(rows.values_list("outcome", "frames"))

    assert counted == {"answered": 2, "refused": 1}


def test_a_process_that_ends_writes_what_it_has_counted(tmp_path: Path) -> None:
    code = (
        "import django; django.setup(); from django.core.management import call_command; "
        "call_command('migrate', verbosity=0); from checkout.tools import housekeeping; "
        "housekeeping.housekeeping_start(); "
        "housekeeping.frame_tally.note(answer_ms=20, answered=True, dropped=2)"
    )
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment = kept | {"DJANGO_SETTINGS_MODULE": "ebrcs.settings", "EBRCS_DATA_DIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env=environment, check=True, timeout=120
    )

    database = sqlite3.connect(tmp_path / "ebrcs.sqlite3")
    rows = database.execute("select outcome, frames from frame_counts order by outcome").fetchall()
    database.close()
    assert rows == [("answered", 1), ("dropped", 2)]

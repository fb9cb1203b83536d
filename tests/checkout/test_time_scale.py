"""Answer times on a scale of eight steps to a doubling, each hour by itself, and how long they are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from checkout import answer_times
from checkout.answer_times import (
    FrameTally,
    frame_counts_add,
    frame_counts_prune,
    percentile_ms,
    step_ms,
    step_of,
)
from checkout.models import FrameCount

HOUR = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_the_scale_doubles_every_eight_steps_up_to_thirty_three_seconds() -> None:
    assert [step_of(2.0**power) for power in range(17)] == [*range(0, 121, 8), 120]
    assert [step_of(32768.0), step_of(30_000.0), step_of(28_000.0)] == [120, 119, 119]
    assert step_of(1.0001) == 1
    assert step_ms(0) == 1.0
    assert step_ms(8) == pytest.approx(2 ** (7.5 / 8))
    assert step_ms(16) == pytest.approx(2 * step_ms(8))


def test_a_percentile_is_the_time_of_the_frame_with_that_rank() -> None:
    twenty = {3: 10, 8: 9, 40: 1}
    assert percentile_ms(twenty, 0.5) == step_ms(3)
    assert percentile_ms(twenty, 0.51) == step_ms(8)
    assert percentile_ms(twenty, 0.95) == step_ms(8)
    assert percentile_ms(twenty, 0.96) == step_ms(40)
    assert percentile_ms({7: 1}, 0.01) == step_ms(7)
    assert percentile_ms({7: 0}, 0.5) is None


@pytest.mark.django_db
def test_frames_are_counted_in_their_hour_their_outcome_and_their_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tally = FrameTally()
    for minute in (0, 59, 60):
        monkeypatch.setattr(
            timezone, "now", lambda minute=minute: HOUR + timedelta(minutes=minute, seconds=7)
        )
        tally.note(answer_ms=16.0, answered=True, dropped=0)
        tally.note(answer_ms=900.0, answered=False, dropped=2)
    monkeypatch.undo()
    assert tally.flush() == 12
    rows = FrameCount.objects.order_by("hour", "outcome").values_list("hour", "outcome", "step", "frames")
    later = HOUR + timedelta(hours=1)
    assert list(rows) == [
        (HOUR, "answered", 32, 2),
        (HOUR, "dropped", 0, 4),
        (HOUR, "refused", 0, 2),
        (later, "answered", 32, 1),
        (later, "dropped", 0, 2),
        (later, "refused", 0, 1),
    ]


@pytest.mark.django_db
def test_counts_are_kept_for_ninety_days() -> None:
    assert timedelta(days=90) == answer_times.KEPT
    now = timezone.now()
    kept, gone = now - timedelta(days=89, hours=23), now - timedelta(days=90, hours=1)
    frame_counts_add(counts={(hour, "answered", 3): 5 for hour in (kept, gone)})
    assert frame_counts_prune() == 1
    assert FrameCount.objects.get().hour == kept
    assert frame_counts_prune() == 0

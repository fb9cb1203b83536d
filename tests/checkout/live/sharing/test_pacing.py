"""The advice how often to send: what one account sends never slows down another that needs less."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from checkout.live.sharing.pacing import Pacer, slowdowns
from checkout.live.threads import VISION_THREADS, pacer
from ebrcs.fair_queue import Flow


def advice(cameras: dict[tuple[str, int], float], capacity: float = 1.4) -> dict[tuple[str, int], int]:
    """Return the advice to cameras whose frames take so many seconds of work."""
    made = Pacer(capacity)
    for (account, camera), work_s in cameras.items():
        made.note(Flow(account, camera), work_s, 10.0)
    return {each: made.advice_ms(Flow(*each), 10.0) for each in cameras}


def test_as_long_as_all_fits_ten_frames_a_second_are_asked_for() -> None:
    assert advice({("a", 0): 0.04, ("b", 0): 0.04, ("c", 0): 0.04}) == dict.fromkeys(
        [("a", 0), ("b", 0), ("c", 0)], 100
    )


def test_beyond_that_all_slow_down_alike_to_what_fits() -> None:
    # 8 cameras of 40 ms: 3.2 s of work a second at 10 frames, where there are 1.4.
    assert set(advice({(f"a{n}", 0): 0.04 for n in range(8)}).values()) == {229}
    assert set(advice({("staff", n): 0.04 for n in range(8)}).values()) == {229}


def test_one_account_of_fifty_cameras_or_dear_frames_slows_down_alone() -> None:
    found = advice({("crowd", n): 0.04 for n in range(50)} | {("a", 0): 0.04})
    assert (found["crowd", 0], found["a", 0]) == (1000, 100)
    found = advice({("dear", 0): 0.5, ("a", 0): 0.04})
    assert (found["dear", 0], found["a", 0]) == (500, 100)


def test_a_camera_that_is_gone_counts_no_longer_after_three_seconds() -> None:
    made = Pacer(1.4)
    for camera in range(8):
        made.note(Flow("a", camera), 0.04, 10.0)
    made.note(Flow("a", 0), 0.04, 12.0)
    assert made.advice_ms(Flow("a", 0), 12.9) == 229
    assert made.advice_ms(Flow("a", 0), 13.2) == 100


def test_a_refused_frame_keeps_its_camera_counted_and_a_new_camera_costs_nothing_yet() -> None:
    made = Pacer(0.4)
    made.note(Flow("a", 0), 0.08, 10.0)
    made.note(Flow("a", 0), None, 12.9)
    assert made.advice_ms(Flow("a", 0), 15.0) == 200
    assert made.advice_ms(Flow("new", 0), 15.0) == 100


def test_the_mean_follows_the_frames() -> None:
    made = Pacer(0.4)
    made.note(Flow("a", 0), 0.04, 10.0)
    for _ in range(60):
        made.note(Flow("a", 0), 0.12, 11.0)
    assert made.advice_ms(Flow("a", 0), 11.0) == pytest.approx(300, abs=3)


@pytest.mark.parametrize(
    ("demands", "expected"),
    [
        ({}, {}),
        ({"a": 0.0}, {"a": 1.0}),
        ({"a": 0.2, "b": 0.2}, {"a": 1.0, "b": 1.0}),
        ({"a": 0.2, "b": 2.0, "c": 4.0}, {"a": 1.0, "b": 5.0, "c": 10.0}),
    ],
)
def test_the_least_demanding_are_served_in_full(
    demands: dict[Hashable, float], expected: dict[Hashable, float]
) -> None:
    assert slowdowns(demands, 1.0) == pytest.approx(expected)


def test_seven_tenths_of_the_processors_are_planned_with() -> None:
    assert pacer.capacity == pytest.approx(0.7 * VISION_THREADS)

"""How many messages make a flood: a fifth more than the rate allows for two seconds."""

from __future__ import annotations

import pytest

from checkout.live.flood_guard import FloodGuard


@pytest.mark.parametrize(("per_second", "allowed"), [(30, 72), (10, 24), (1, 2), (12, 28)])
def test_a_burst_may_have_a_fifth_more_than_two_seconds_hold(per_second: int, allowed: int) -> None:
    guard = FloodGuard(per_second)
    assert [guard.is_flood(0.0) for _ in range(allowed + 2)] == [False] * allowed + [True, True]


@pytest.mark.parametrize(("span_s", "is_flood"), [(1.99, True), (2.0, False)])
def test_the_window_is_two_seconds(span_s: float, is_flood: bool) -> None:
    guard = FloodGuard(30)
    for _ in range(72):
        guard.is_flood(100.0)
    assert guard.is_flood(100.0 + span_s) == is_flood


def test_after_a_flood_a_pause_makes_good_again() -> None:
    guard = FloodGuard(30)
    for _ in range(100):
        guard.is_flood(0.0)
    assert guard.is_flood(1.9)
    assert not any(guard.is_flood(number / 30) for number in range(75, 200))

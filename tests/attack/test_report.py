"""An attack that harms the bystander fails `make attack`; one that does not passes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from tests.attack.attacker import attacks_known
from tests.attack.report import CLOCK_NOISE_MS, RATIO_MAX, STALL_MAX_MS, Goal, Row, percentile, table


def row(goal: Goal | None = None, **changes: Any) -> Row:
    """Return a row that is within its goal but for the changes."""
    fine: dict[str, Any] = {
        "name": "an attack",
        "goal": goal or Goal(stall_max_ms=STALL_MAX_MS, answers=frozenset({"413"})),
        "before_ms": 100.0,
        "during_ms": 150.0,
        "stall_before_ms": 10.0,
        "stall_ms": 60.0,
        "memory_mb": 300.0,
        "disk_mb": 64.0,
        "answers": Counter({"413": 7}),
        "bystander": Counter({"200": 20}),
    }
    return Row(**(fine | changes))


def test_the_goals_are_those_promised() -> None:
    assert (RATIO_MAX, STALL_MAX_MS, CLOCK_NOISE_MS) == (1.5, 50.0, 25.0)


def test_a_row_at_its_bounds_is_within() -> None:
    assert row().faults() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"during_ms": 151.0}, "ratio 1.5 > 1.5"),
        ({"stall_ms": 61.0}, "stall 61 ms > 10 + 50 ms"),
        ({"memory_mb": 301.0}, "memory +301 > 300 MB"),
        ({"disk_mb": 65.0}, "temporary files 65 > 64 MB"),
        ({"answers": Counter({"413": 7, "500": 1})}, "answers 500"),
        ({"answers": Counter({"200": 1})}, "answers 200"),
        ({"answers": Counter({"no answer": 1})}, "answers no answer"),
        ({"bystander": Counter({"200": 20, "503": 1})}, "the bystander got 503"),
        ({"broken": ["two orders"]}, "two orders"),
        ({"before_ms": float("inf"), "during_ms": float("inf")}, "the bystander was not served before"),
    ],
)
def test_a_row_beyond_a_bound_says_so(changes: dict[str, Any], fault: str) -> None:
    found = row(**changes)
    assert found.faults() == [fault]
    assert fault in table([row(), found]).splitlines()[-1]


def test_a_bystander_who_is_never_served_is_a_fault() -> None:
    assert row(during_ms=float("inf")).faults() == ["ratio inf > 1.5"]


def test_a_quick_server_may_be_slower_by_what_the_clock_cannot_tell() -> None:
    assert row(before_ms=10.0, during_ms=35.0).faults() == []
    assert row(before_ms=10.0, during_ms=36.0).faults() == ["ratio 3.6 > 1.5"]


@pytest.mark.parametrize(
    ("answer", "is_fault"),
    [("200", False), ("429", False), ("1008", False), ("closed", False), ("500", True), ("503", True),
     ("4500", True), ("1011", True)],
)  # fmt: skip
def test_without_a_list_every_answer_but_a_fault_of_the_server_will_do(answer: str, is_fault: bool) -> None:
    assert bool(row(Goal(), answers=Counter({answer: 1})).faults()) == is_fault


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([float(value) for value in range(1, 101)], 0.95) == 95.0
    assert percentile([3.0], 0.95) == 3.0
    assert percentile([], 0.95) == float("inf")


def test_a_row_can_be_kept_as_json() -> None:
    kept = json.loads(json.dumps(row(during_ms=400.0).payload()))
    assert (kept["ratio"], kept["faults"], kept["goal"]["answers"]) == (4.0, ["ratio 4.0 > 1.5"], ["413"])


def test_every_attack_has_the_goal_that_no_bystander_waits_longer() -> None:
    assert len(attacks_known()) == 25
    assert {attack.goal.ratio_max for attack in attacks_known().values()} == {1.5}
    assert {attack.goal.stall_max_ms for attack in attacks_known().values()} == {50.0, None}
    assert all(attack.name == name for name, attack in attacks_known().items())

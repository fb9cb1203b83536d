from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from recognition.vision.lane.config import LaneConfig
from recognition.vision.lane.voting import CountingConfig
from recognition.vision.scene.foreground import ForegroundConfig
from tests.recognition.vision.lane.harder_visits import KINDS, visit_of
from tests.recognition.vision.lane.known_identities import play_visit

WIDTH = 160
SEEDS = range(6)
RIGHT = dict.fromkeys(KINDS, len(SEEDS)) | {"shopper_behind": 4, "from_the_start": 5, "dim_and_noisy": 3}
"""How many visits of each kind are counted right, of the first six that are drawn, whatever those are.

Of the first ten of each kind 256 of 270 are right (95%), and nothing is counted twice. An item is missed in 3
of ten visits where one is held before another, in 3 where a shopper sways behind the items, in 2 that begin
with an item in view, in 4 with little light and a noisy sensor, and in 1 each where items are slid over the
counter and moved on the tray.
"""

WIDTHS = {"dim_and_noisy": 320}
"""Frames larger than the 160 px a lane works on, as a camera's are, so that scaling averages their noise: of
ten such visits drawn in 160 px, two count an item twice."""


@cache
def cart_of(kind: str, seed: int) -> dict[str, int]:
    """Return what a visit comes to; played once, because a visit takes a second or more."""
    return play_visit(visit_of(kind, seed), width=WIDTHS.get(kind, WIDTH)).cart


@cache
def wrong_counts(kind: str) -> list[tuple[int, int]]:
    """Return how many items too many each visit of a kind counts, and how many it lacks."""
    found = []
    for seed in SEEDS:
        (truth,) = visit_of(kind, seed).carts.values()
        wrong = Counter(cart_of(kind, seed))
        wrong.subtract(truth)
        found.append(((+wrong).total(), (-wrong).total()))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_of_visits_that_are_hard_to_count_as_many_are_right_as_were_and_nothing_counts_twice(
    kind: str,
) -> None:
    found = wrong_counts(kind)

    assert [doubled for doubled, _ in found] == [0] * len(SEEDS)
    assert found.count((0, 0)) >= RIGHT[kind], found


def test_of_all_visits_that_are_hard_to_count_19_in_20_are_counted_right() -> None:
    """What is asked of each kind adds up to that; each kind is played in the test before."""
    assert set(RIGHT) == set(KINDS)
    assert sum(RIGHT.values()) >= 0.95 * len(KINDS) * len(SEEDS)


def test_the_same_seed_draws_the_same_visit() -> None:
    one, other = visit_of("two_hands", 4), visit_of("two_hands", 4)

    assert [thing.path for thing in one.things] == [thing.path for thing in other.things]
    assert play_visit(one, width=WIDTH).events == play_visit(other, width=WIDTH).events
    assert [thing.path for thing in visit_of("two_hands", 5).things] != [thing.path for thing in one.things]


def test_a_pushed_camera_would_make_items_of_the_counter_without_a_correction() -> None:
    visit = visit_of("nudged", 1)
    careless = LaneConfig(foreground=ForegroundConfig(puzzling_share=1.0))

    assert cart_of("nudged", 1) == visit.carts["scan"]
    assert play_visit(visit, width=WIDTH, config=careless).cart != visit.carts["scan"]


def test_an_exchanged_item_would_be_missed_without_looking_again() -> None:
    visit = visit_of("swapped", 1)
    careless = LaneConfig(counting=CountingConfig(recheck_s=1e9))

    assert sum(cart_of("swapped", 1).values()) == 2
    assert sum(play_visit(visit, width=WIDTH, config=careless).cart.values()) == 1


def test_what_is_put_on_an_item_would_be_missed_were_items_not_taken_into_the_tray() -> None:
    visit = visit_of("stacked_on_the_tray", 1)

    assert sum(cart_of("stacked_on_the_tray", 1).values()) == 2
    assert (
        sum(play_visit(visit, width=WIDTH, config=LaneConfig(rest_into_background_s=1e9)).cart.values()) == 1
    )

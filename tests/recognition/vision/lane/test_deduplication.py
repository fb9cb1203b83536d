"""When an item may be one counted already: by its position, and by which track matched the product since."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.lane.deduplication import duplicate_of, same_position, switched_with
from recognition.vision.lane.observations import TrackLife
from recognition.vision.lane.tracked_item import TrackedItem
from recognition.vision.lane.tracking import Track
from recognition.vision.lane.voting import Verdict
from recognition.vision.scene.proposals import Proposal
from recognition.vision.types import Box

HERE, AWAY = Box(0.1, 0.4, 0.2, 0.2), Box(0.7, 0.4, 0.2, 0.2)


def item(
    number: int,
    box: Box = HERE,
    *,
    product: str | None = "milk",
    counted: int = 0,
    named: int = 10,
    confirmed: int = 20,
    seen: bool = True,
) -> TrackedItem:
    corners, histogram = np.zeros((4, 2), np.float32), np.zeros(64, np.float32)
    proposal = Proposal(box, corners, 1.0, cut_off=False, histogram=histogram)
    track = Track(number, proposal, 0, 0.0, 20, 2.0, proposal.histogram, missed_s=0.0 if seen else 0.3)
    verdict = Verdict("accepted" if product else "unknown", product)
    life = TrackLife(number, 0, 20, verdict=verdict)
    return TrackedItem(track, life, counted=counted, first_match_frame=named, last_match_frame=confirmed)


@pytest.mark.parametrize(("by", "is_same"), [(0.09, True), (0.11, False)])
def test_boxes_that_share_half_of_the_smaller_one_are_of_one_item(by: float, is_same: bool) -> None:
    arrival = item(2, HERE.moved(by, 0))
    arrival.is_new_arrival = True
    assert same_position(arrival, item(1)) == is_same


@pytest.mark.parametrize(("wide", "is_same"), [(0.06, True), (0.04, False)])
def test_of_two_sizes_it_is_the_smaller_box_that_counts(wide: float, is_same: bool) -> None:
    small = item(2, Box(0.3 - wide, 0.4, 0.1, 0.1))
    small.is_new_arrival = True
    assert same_position(small, item(1)) == is_same


@pytest.mark.parametrize(("gap", "is_same"), [(0.019, True), (0.021, False)])
def test_parts_that_fell_apart_by_a_twentieth_of_their_sizes_are_of_one_item(
    gap: float, is_same: bool
) -> None:
    for box in (HERE.moved(0.2 + gap, 0), HERE.moved(0, 0.2 + gap), HERE.moved(-0.2 - gap, 0)):
        assert same_position(item(2, box), item(1)) == is_same
    arrival = item(2, HERE.moved(0.2 + gap, 0))
    arrival.is_new_arrival = True
    assert not same_position(arrival, item(1)), "what entered at the edge is no part of another item"


def test_what_is_seen_at_the_position_of_a_counted_item_is_that_item() -> None:
    counted = item(1, counted=1, confirmed=99)
    assert duplicate_of(item(2, HERE), [counted]) is counted
    assert duplicate_of(item(2, AWAY), [counted]) is None
    assert duplicate_of(item(2, HERE), [item(1, counted=1, confirmed=99, seen=False)]) is None


@pytest.mark.parametrize(("confirmed", "is_same"), [(9, True), (10, True), (11, False)])
def test_elsewhere_it_is_so_unless_the_counted_one_was_seen_to_show_the_product_since(
    confirmed: int, is_same: bool
) -> None:
    for seen in (True, False):
        counted = item(1, counted=1, confirmed=confirmed, seen=seen)
        assert (duplicate_of(item(2, AWAY, named=10), [counted]) is counted) == is_same


def test_an_item_that_entered_at_the_edge_is_a_new_one_elsewhere() -> None:
    arrival = item(2, AWAY, named=10)
    arrival.is_new_arrival = True
    assert duplicate_of(arrival, [item(1, counted=1, confirmed=5)]) is None


def test_only_an_open_item_of_a_product_that_another_was_counted_as_is_held_back() -> None:
    counted = item(1, counted=1)
    answered = item(2)
    answered.answered = True
    for other in (item(2, product=None), item(2, product="juice"), item(2, counted=1), answered, counted):
        assert duplicate_of(other, [counted]) is None
    assert duplicate_of(item(2), [item(1, counted=0), item(3, counted=-1)]) is None
    assert duplicate_of(item(2), [item(1, counted=0), counted]) is counted


@pytest.mark.parametrize(("last_frame", "is_switch"), [(19, False), (20, True)])
def test_tracks_have_switched_items_where_the_other_was_seen_since(last_frame: int, is_switch: bool) -> None:
    one, other = item(1, product="milk", counted=1, confirmed=20), item(2, product="juice", counted=1)
    other.life.last_frame = last_frame
    assert (switched_with("juice", one, [one, other]) is other) == is_switch
    assert switched_with("tea", one, [other]) is None
    assert switched_with("milk", one, [one]) is None

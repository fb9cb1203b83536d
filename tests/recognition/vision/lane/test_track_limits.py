"""The limits of tracking: how far, how long, how similar; each with a value on either side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recognition.vision.lane.tracking import Track, Tracker, TrackingConfig
from recognition.vision.scene.proposals import Proposal
from tests.recognition.vision.lane.test_tracking import BLUE, RED, embedding, follow, seen


def tracker_of(*frames: list[Proposal]) -> Tracker:
    tracker = Tracker()
    follow(tracker, *frames)
    return tracker


def track_of(*frames: list[Proposal]) -> Track:
    (track,) = tracker_of(*frames).tracks
    return track


def coloured(proposal: Proposal, likeness: float) -> Proposal:
    """Return the proposal in a colour of which a share is red."""
    histogram = np.zeros(64, np.float32)
    histogram[RED], histogram[BLUE] = likeness, np.sqrt(1 - likeness**2)
    return replace(proposal, histogram=histogram)


@pytest.mark.parametrize(
    ("frames", "is_uncovered", "waited"),
    [
        ([seen(0.4)] * 5, False, 10),  # hidden in the middle: 1 s
        ([seen(0.4)] * 5, True, 4),  # carried off: 0.45 s
        ([seen(x) for x in (0.4, 0.3, 0.2, 0.1, 0.0)], False, 2),  # out of the frame: 0.25 s
        ([seen(x) for x in (0.4, 0.3, 0.2, 0.1, 0.0)], True, 2),
        ([seen(0.4)] * 2, False, 0),  # a flicker: seen for less than 0.15 s
        ([seen(0.4)] * 3, False, 10),
    ],
)
def test_a_lost_item_is_waited_for_as_long_as_its_going_allows(
    frames: list[Proposal], is_uncovered: bool, waited: int
) -> None:
    tracker = tracker_of(*[[each] for each in frames])
    tracker.tracks[0].uncovered = is_uncovered
    for missed in range(1, waited + 1):
        assert follow(tracker, [], start=len(frames) + missed) == []
    assert [track.id for track in follow(tracker, [], start=30)] == [1]
    assert tracker.tracks == []


@pytest.mark.parametrize(("sizes", "tracks"), [(1.55, 1), (1.65, 2)])
def test_an_item_is_found_again_within_a_reach_of_one_and_a_half_sizes(sizes: float, tracks: int) -> None:
    tracker = tracker_of(*[[seen(0.1)]] * 3, [seen(0.1 + 0.2 * sizes)])
    assert len(tracker.tracks) == tracks


@pytest.mark.parametrize(
    ("sizes", "likeness", "tracks"), [(0.4, 0, 1), (0.5, 0, 2), (0.5, 0.1, 1), (1.4, 0.75, 2), (1.4, 0.85, 1)]
)
def test_position_overlap_and_colour_may_differ_by_so_much_together(
    sizes: float, likeness: float, tracks: int
) -> None:
    other = coloured(seen(0.1 + 0.2 * sizes), likeness)
    tracker = tracker_of(*[[seen(0.1)]] * 3, [other])
    assert len(tracker.tracks) == tracks


def test_an_item_may_brake_within_one_frame() -> None:
    # 0.1 a frame: expected at 0.5, a braking one stays at 0.4, and going on is the likelier of two
    coming = [[seen(x)] for x in (0.1, 0.2, 0.3, 0.4)]
    assert len(tracker_of(*coming, [seen(0.4)]).tracks) == 1
    both = tracker_of(*coming, [seen(0.4), seen(0.5)])
    assert [(track.id, round(track.box.x, 2)) for track in both.tracks] == [(1, 0.5), (2, 0.4)]


@pytest.mark.parametrize(("sizes", "tracks"), [(1.25, 1), (1.35, 2)])
def test_turning_round_takes_three_tenths_of_a_size_from_the_reach(sizes: float, tracks: int) -> None:
    going = [[seen(x)] for x in (0.6, 0.5, 0.4, 0.3)]
    assert len(tracker_of(*going, [seen(0.3 + 0.2 * sizes)]).tracks) == tracks


def test_velocity_follows_the_last_step_by_seven_tenths_in_both_directions() -> None:
    track = track_of([seen(0.1, 0.6)], [seen(0.2, 0.55)], [seen(0.35, 0.45)])
    assert track.velocity == pytest.approx((0.3 * 0.7 + 0.7 * 1.5, 0.3 * -0.35 + 0.7 * -1.0))


def test_speed_is_in_sizes_and_a_hidden_item_is_expected_where_it_was() -> None:
    tracker = tracker_of([seen(0.1)], [seen(0.2)])
    (track,) = tracker.tracks
    assert track.velocity == pytest.approx((0.7, 0.0))
    assert track.speed(0.1) == pytest.approx(0.07 / 0.2)
    assert track.expected(0.2).x == pytest.approx(0.2 + 0.14)
    track.missed_s = 0.1
    assert track.expected(0.2) == track.box


@pytest.mark.parametrize(("step", "still_s"), [(0.02, 0.3), (0.03, 0.0)])
def test_an_item_is_still_below_a_quarter_of_the_frame_a_second(step: float, still_s: float) -> None:
    track = track_of(*[[seen(0.3 + step * number)] for number in range(4)])
    assert track.still_s == pytest.approx(still_s)


def test_moving_ends_the_stillness() -> None:
    track = track_of(*[[seen(0.3)]] * 5, [seen(0.4)], [seen(0.4)])
    assert track.still_s == pytest.approx(0.1)


def test_colours_and_embeddings_are_running_means_of_unit_length() -> None:
    track = track_of([seen(0.3)], [seen(0.3, colour=BLUE)])
    assert track.histogram[[RED, BLUE]] == pytest.approx(np.array([0.8, 0.2]) / np.hypot(0.8, 0.2))
    track.remember(embedding(1, 0))
    assert track.embedding is not None
    assert track.embedding == pytest.approx([1, 0])
    track.remember(embedding(0, 1))
    assert track.embedding == pytest.approx(np.array([0.7, 0.3]) / np.hypot(0.7, 0.3))


@pytest.mark.parametrize(("frames", "is_item"), [(15, True), (17, False)])
def test_what_runs_out_of_the_frame_for_a_second_and_a_half_is_no_item(frames: int, is_item: bool) -> None:
    tracker = tracker_of(*[[seen(0.0)]] * (frames + 1))
    items, passing = tracker.expected(0.1)
    assert (len(items), len(passing)) == ((1, 0) if is_item else (0, 1))


def test_it_is_an_item_again_once_it_was_inside_for_as_long_at_the_most_three_seconds() -> None:
    tracker = tracker_of(*[[seen(0.0)]] * 100)
    assert tracker.tracks[0].cut_off_s == pytest.approx(3.0)
    follow(tracker, *[[seen(0.1)]] * 14, start=100)
    assert tracker.expected(0.1)[0] == []
    follow(tracker, *[[seen(0.1)]] * 3, start=114)
    assert len(tracker.expected(0.1)[0]) == 1


@pytest.mark.parametrize(
    ("velocity", "is_leaving"),
    [
        ((-0.6, 0), False),
        ((-0.7, 0), True),
        ((0, -0.6), False),
        ((0, -0.7), True),
        ((4.6, 0), False),
        ((4.8, 0), True),
        ((0, 4.6), False),
        ((0, 4.8), True),
    ],
)
def test_an_item_leaves_when_it_would_cross_the_edge_in_fifteen_hundredths(
    velocity: tuple[float, float], is_leaving: bool
) -> None:
    track = track_of([seen(0.1, 0.1)])
    track.velocity = velocity
    assert track.leaving() == is_leaving


def continued(new: np.ndarray, at: float, *, start: float = 0.1) -> Track | None:
    """Hide an item that looks one way, show another elsewhere, and ask whether that is the first."""
    tracker = Tracker(TrackingConfig(cost_max=0.01))
    follow(tracker, *[[seen(start)]] * 5)
    tracker.tracks[0].remember(embedding(1, 0))
    follow(tracker, [seen(at, colour=BLUE)], [seen(at, colour=BLUE)], start=5)
    later = tracker.tracks[1]
    later.remember(new)
    return tracker.continued(later)


@pytest.mark.parametrize(
    ("likeness", "sizes", "is_same"), [(0.81, 3.1, True), (0.79, 3.1, False), (0.81, 3.3, False)]
)
def test_a_hidden_item_is_found_again_where_it_looks_alike_and_is_near(
    likeness: float, sizes: float, is_same: bool
) -> None:
    new = embedding(likeness, float(np.sqrt(1 - likeness**2)))
    found = continued(new, 0.1 + 0.2 * sizes)
    assert (found is not None) == is_same
    assert found is None or found.id == 1


def test_an_item_that_entered_at_the_edge_continues_nothing() -> None:
    assert continued(embedding(1, 0), 0.3) is not None
    assert continued(embedding(1, 0), 0.0, start=0.2) is None


def test_neither_an_item_in_view_nor_one_without_a_view_is_continued() -> None:
    tracker = Tracker(TrackingConfig(cost_max=0.01))
    follow(tracker, *[[seen(0.2), seen(0.5, colour=BLUE)]] * 3)
    one, other = tracker.tracks
    assert tracker.continued(one) is None
    one.remember(embedding(1, 0))
    assert tracker.continued(one) is None
    other.remember(embedding(1, 0))
    assert tracker.continued(one) is None, "the other one is in view"
    other.missed_s = 0.1
    assert tracker.continued(one) is other
    other.velocity = (0.0, 5.0)
    assert tracker.continued(one) is None, "the other one was leaving"


def test_a_joined_track_goes_on_as_the_later_one_was_seen() -> None:
    tracker = tracker_of([seen(0.2), seen(0.6, colour=BLUE)], [seen(0.2), seen(0.65, colour=BLUE)])
    earlier, later = tracker.tracks
    earlier.missed_s = 0.4
    tracker.join(earlier, later)
    assert tracker.tracks == [earlier]
    assert (earlier.box, earlier.velocity, earlier.last_frame) == (later.box, later.velocity, 1)
    assert (earlier.sightings, earlier.missed_s, earlier.first_frame) == (4, 0.0, 0)


def test_a_renewed_track_is_another_one_at_its_position_that_continues_nothing() -> None:
    tracker = tracker_of(*[[seen(0.2), seen(0.6, colour=BLUE)]] * 3)
    track, beside = tracker.tracks
    later = tracker.renewed(track, 1)
    assert tracker.tracks == [later, beside]
    assert (later.id, later.first_frame, later.last_frame, later.sightings) == (3, 1, 2, 3)
    assert later.entered_at_edge
    assert later.box == track.box
    follow(tracker, [seen(0.2), seen(0.6, colour=BLUE), seen(0.2, 0.75, size=0.1)], start=3)
    assert [each.id for each in tracker.tracks] == [3, 2, 4]


def test_a_track_at_rest_is_neither_sighted_nor_missed_nor_expected() -> None:
    tracker = tracker_of(*[[seen(0.4)]] * 3)
    tracker.tracks[0].resting = True
    assert tracker.expected(0.1) == ([], [])
    follow(tracker, [seen(0.4)], start=3)
    assert [(track.id, track.sightings) for track in tracker.tracks] == [(1, 3), (2, 1)]
    assert follow(tracker, *[[]] * 20, start=4)[0].id == 2
    assert [track.id for track in tracker.tracks] == [1]

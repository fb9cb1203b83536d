from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.lane.tracking import Track, Tracker, TrackingConfig
from recognition.vision.scene.proposals import Proposal
from recognition.vision.types import Box

RED, BLUE = 0, 1


def seen(x: float, y: float = 0.4, colour: int = RED, size: float = 0.2) -> Proposal:
    histogram = np.zeros(64, np.float32)
    histogram[colour] = 1.0
    box = Box(x, y, size, size)
    corners = np.array([(x, y), (x + size, y), (x + size, y + size), (x, y + size)], np.float32)
    cut_off = x <= 0 or y <= 0 or x + size >= 1 or y + size >= 1
    return Proposal(box, corners, 1.0, cut_off, histogram)


def follow(tracker: Tracker, *frames: list[Proposal], start: int = 0) -> list[Track]:
    ended = []
    for index, proposals in enumerate(frames, start=start):
        ended += tracker.follow(proposals, index, index / 10, 0.1)
    return ended


def xs(tracker: Tracker) -> dict[int, float]:
    return {track.id: round(track.box.x, 3) for track in tracker.tracks}


def test_a_moving_item_stays_one_track() -> None:
    tracker = Tracker()
    follow(tracker, *[[seen(0.1 + 0.06 * step)] for step in range(10)])

    (track,) = tracker.tracks
    assert (track.id, track.sightings, track.first_frame, track.last_frame) == (1, 10, 0, 9)
    assert track.velocity[0] == pytest.approx(0.6, abs=0.05)


def test_a_leap_across_the_view_is_another_item() -> None:
    tracker = Tracker()
    follow(tracker, *[[seen(0.05)]] * 3, [seen(0.7)])

    assert [track.id for track in tracker.tracks] == [1, 2]


def test_crossing_items_keep_their_tracks_by_colour() -> None:
    tracker = Tracker()
    steps = [0.1 * step for step in range(8)]
    follow(tracker, *[[seen(0.05 + x), seen(0.75 - x, colour=BLUE)] for x in steps])

    assert xs(tracker) == {1: 0.75, 2: 0.05}


def test_items_that_are_alike_keep_their_tracks_by_motion() -> None:
    tracker = Tracker()
    steps = [0.1 * step for step in range(8)]
    follow(tracker, *[[seen(0.05 + x), seen(0.75 - x)] for x in steps])

    assert xs(tracker) == {1: 0.75, 2: 0.05}


def hidden(tracker: Tracker, missing: int) -> list[Track]:
    return follow(tracker, *[[seen(0.4)]] * 5, *[[]] * missing, *[[seen(0.4)]] * 3)


def test_an_item_hidden_in_the_middle_is_waited_for() -> None:
    tracker = Tracker()

    assert hidden(tracker, 8) == []
    assert [(track.id, track.sightings) for track in tracker.tracks] == [(1, 8)]


def test_an_item_hidden_for_longer_is_gone() -> None:
    tracker = Tracker()

    assert [track.id for track in hidden(tracker, 13)] == [1]
    assert [track.id for track in tracker.tracks] == [2]


def test_an_item_whose_position_shows_the_background_is_waited_for_only_shortly() -> None:
    tracker = Tracker()
    follow(tracker, *[[seen(0.4)]] * 5)
    tracker.tracks[0].uncovered = True

    assert [track.id for track in follow(tracker, *[[]] * 5, start=5)] == [1]


def test_without_patience_the_hidden_item_would_be_a_second_one() -> None:
    tracker = Tracker(TrackingConfig(missed_s=0.0))
    hidden(tracker, 3)

    assert [track.id for track in tracker.tracks] == [2]


def test_an_item_that_left_the_frame_and_one_that_enters_are_two() -> None:
    tracker = Tracker()
    leaving = [[seen(x)] for x in (0.4, 0.4, 0.25, 0.1, 0.0)]
    ended = follow(tracker, *leaving, *[[]] * 4, [seen(0.0)], [seen(0.1)])

    assert [track.id for track in ended] == [1]
    assert [track.id for track in tracker.tracks] == [2]


def test_an_item_about_to_leave_is_known_by_its_speed() -> None:
    tracker = Tracker()
    follow(tracker, [seen(0.5)], [seen(0.35)], [seen(0.15)])

    (track,) = tracker.tracks
    assert not track.proposal.cut_off
    assert track.leaving()
    follow(tracker, *[[seen(0.15)]] * 6, start=3)
    assert not track.leaving()


def test_a_flicker_leaves_no_track() -> None:
    tracker = Tracker()
    ended = follow(tracker, [seen(0.4)], [], [])

    assert [track.id for track in ended] == [1]
    assert tracker.tracks == []


def embedding(*values: float) -> np.ndarray:
    row = np.array(values, np.float32)
    return row / np.linalg.norm(row)


def linked(tracker: Tracker, new: np.ndarray, at: float) -> Track | None:
    follow(tracker, *[[seen(0.3)]] * 5)
    tracker.tracks[0].remember(embedding(1, 0))
    follow(tracker, [], [seen(at, colour=BLUE)], [seen(at, colour=BLUE)], start=5)
    later = tracker.tracks[1]
    later.remember(new)
    return tracker.continued(later)


def test_a_hidden_item_is_found_again_by_its_embedding() -> None:
    tracker = Tracker(TrackingConfig(cost_max=1.0))
    earlier = linked(tracker, embedding(1, 0.2), at=0.45)

    assert earlier is tracker.tracks[0]
    later = tracker.tracks[1]
    tracker.join(earlier, later)
    assert [track.id for track in tracker.tracks] == [1]
    assert earlier.box.x == pytest.approx(0.45)
    assert earlier.seen
    assert earlier.sightings == 7


@pytest.mark.parametrize(("new", "at"), [(embedding(0, 1), 0.45), (embedding(1, 0.2), 0.79)])
def test_another_embedding_or_another_position_is_another_item(new: np.ndarray, at: float) -> None:
    assert linked(Tracker(TrackingConfig(cost_max=1.0, reach=1.0)), new, at) is None


def test_a_broken_connection_ends_no_track() -> None:
    tracker = Tracker()
    follow(tracker, *[[seen(0.4)]] * 5)
    ended = tracker.follow([seen(0.42)], 5, 60.0, 0.5)

    assert ended == []
    assert [track.id for track in tracker.tracks] == [1]
    assert abs(tracker.tracks[0].velocity[0]) < 0.01

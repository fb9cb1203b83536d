"""When a lane views an item, counts it and drops it: each time of its configuration from both sides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from recognition.vision.lane.config import LaneConfig
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Observation
from recognition.vision.types import Box
from tests.recognition.vision.scenes import (
    BLUE,
    RED,
    REGISTERED,
    YELLOW,
    Image,
    Pack,
    Stage,
    colour_embeddings,
    decision_by_colour,
    play,
    receipt,
)

MIDDLE = (160.0, 115.0)
PACE = 8
"""Frames a second, whose times are exact."""


@pytest.fixture
def stage() -> Stage:
    return Stage()


def look(lane: Lane, frame: Image, at_s: float) -> Observation:
    """Show a frame to a lane; return the observation."""
    observation = lane.observe(frame, at_s)
    embeddings = colour_embeddings([crop for _, crop in observation.crops])
    lane.vote(observation, embeddings, [decision_by_colour(row, REGISTERED) for row in embeddings])
    lane.conclude()
    return observation


def watch(lane: Lane, frames: Sequence[Image], *, from_s: float = 0.0) -> list[Observation]:
    """Show frames to a lane; return the observations."""
    return [look(lane, frame, from_s + index / PACE) for index, frame in enumerate(frames)]


def lying(stage: Stage, pack: Pack, frames: int) -> list[Image]:
    return stage.empty(5) + [stage.frame(pack) for _ in range(frames)]


def frames_viewed(observations: Sequence[Observation]) -> list[int]:
    """Return the frames in which crops were asked for, after the first sighting."""
    return [index for index, observation in enumerate(observations) if observation.crops]


def test_an_open_item_is_viewed_in_each_frame_and_an_accepted_one_once_a_second(stage: Stage) -> None:
    frames = frames_viewed(watch(Lane(), lying(stage, Pack(RED, MIDDLE), 40)))
    assert frames[:3] == [6, 7, 8], "from the second sighting on, until three views agree"
    assert frames[2:] == [8, 16, 24, 32, 40]


def test_an_unknown_item_is_viewed_twice_a_second(stage: Stage) -> None:
    frames = frames_viewed(watch(Lane(), lying(stage, Pack(YELLOW, MIDDLE), 40)))
    assert frames[:6] == [6, 7, 8, 9, 10, 11], "until the votes decide"
    assert frames[5:] == [*range(11, 45, 4)]


def test_an_unknown_item_that_lies_for_twenty_seconds_becomes_part_of_the_background(stage: Stage) -> None:
    lane = Lane()
    watch(lane, lying(stage, Pack(YELLOW, MIDDLE), 20 * PACE))
    (life,) = lane.explain()
    watch(lane, [stage.frame(Pack(YELLOW, MIDDLE)) for _ in range(2 * PACE)], from_s=20 + 5 / PACE)
    assert 5 + 20 * PACE <= life.last_frame <= 5 + 21 * PACE


def test_an_accepted_item_is_never_dropped(stage: Stage) -> None:
    lane = Lane(LaneConfig(unknown_into_background_s=1.0))
    assert receipt(play(lane, lying(stage, Pack(RED, MIDDLE), 40))) == [("add", "red")]
    assert [item.product_id for item in lane.in_view()] == ["red"]


@pytest.mark.parametrize(("rest_s", "counts"), [(0.4, True), (1.0, False)])
def test_on_the_tray_an_item_counts_once_it_has_lain_still(stage: Stage, rest_s: float, counts: bool) -> None:
    lane = Lane(LaneConfig(mode="tray", rest_s=rest_s))
    assert LaneConfig().rest_s == 0.4
    outcome = receipt(play(lane, lying(stage, Pack(RED, MIDDLE), 8)))
    assert outcome == ([("add", "red")] if counts else [])


def test_on_the_tray_what_lies_for_a_second_and_a_half_needs_no_view(stage: Stage) -> None:
    frames = frames_viewed(watch(Lane(LaneConfig(mode="tray")), lying(stage, Pack(RED, MIDDLE), 40)))
    assert 5 + 8 <= max(frames) < 5 + 15
    longer = frames_viewed(
        watch(Lane(LaneConfig(mode="tray", rest_into_background_s=60)), lying(stage, Pack(RED, MIDDLE), 40))
    )
    assert max(longer) > 5 + 30


def moving(stage: Stage, step: float) -> list[Image]:
    """Return a pack carried from left to right, so many pixels a frame."""
    positions = np.arange(60, 262, step)
    return stage.empty(5) + [stage.frame(Pack(RED, (float(x), 120))) for x in positions]


def test_an_item_too_fast_to_be_sharp_is_not_viewed(stage: Stage) -> None:
    # a pack of 80 by 100 pixels on 320 by 240: 0.3 of its size, in shares of each side, is some 30 pixels
    assert len(frames_viewed(watch(Lane(), moving(stage, 20)))) >= 3
    assert frames_viewed(watch(Lane(), moving(stage, 45))) == []


@pytest.mark.parametrize(
    ("zone", "fits"),
    [
        (Box(0.0, 0.0, 0.1, 1.0), True),
        (Box(0.0, 0.0, 0.099, 1.0), False),
        (Box(0.0, 0.0, 1.0, 0.1), True),
        (Box(0.0, 0.0, 1.0, 0.099), False),
        (Box(0.5, 0.5, 0.5, 0.5), True),
        (Box(0.51, 0.5, 0.5, 0.5), False),
        (Box(0.5, 0.51, 0.5, 0.5), False),
        (Box(-0.01, 0.0, 0.5, 0.5), False),
        (Box(0.0, -0.01, 0.5, 0.5), False),
    ],
)
def test_a_zone_lies_in_the_frame_and_spans_a_tenth(zone: Box, fits: bool) -> None:
    lane = Lane()
    if fits:
        lane.set_zone(zone)
        assert lane.zone == zone
        return
    with pytest.raises(ValueError, match="must lie in the frame"):
        lane.set_zone(zone)
    assert lane.zone == Box(0.0, 0.0, 1.0, 1.0)


def test_outside_of_the_zone_nothing_is_viewed_but_in_mode_cart(stage: Stage) -> None:
    zone = Box(0.7, 0.0, 0.3, 1.0)
    frames = lying(stage, Pack(RED, (90, 120)), 10)
    assert frames_viewed(watch(Lane(LaneConfig(zone=zone)), frames)) == []
    assert frames_viewed(watch(Lane(LaneConfig(zone=zone, mode="tray")), frames)) == []
    assert frames_viewed(watch(Lane(LaneConfig(zone=zone, mode="cart")), frames)) != []


def test_a_change_of_mode_counts_nothing_for_where_items_are_already(stage: Stage) -> None:
    lane = Lane(LaneConfig(zone=Box(0.5, 0.0, 0.5, 1.0)))
    pack = Pack(RED, (240, 120))
    assert receipt(play(lane, lying(stage, pack, 10))) == [("add", "red")]
    lane.set_mode("cart")
    assert receipt(play(lane, [stage.frame(pack) for _ in range(10)], from_s=1.5)) == []
    way = [stage.frame(Pack(RED, (x, 120))) for x in range(230, 90, -20)]
    assert receipt(play(lane, way, from_s=2.5)) == [("remove", "red")]


def test_only_the_newest_lives_are_remembered(stage: Stage) -> None:
    assert LaneConfig().lives_max == 200
    lane = Lane(LaneConfig(lives_max=2))
    frames = stage.empty(5)
    for colour in (RED, BLUE, RED):
        frames += [*stage.shown(Pack(colour, MIDDLE), 8), *stage.empty(6)]
    play(lane, frames)
    everything = Lane()
    play(everything, frames)
    lives = lane.explain()
    assert len(everything.explain()) > 2
    assert lives == everything.explain()[-2:]
    assert [lane.life(life.track) for life in lives] == list(lives)
    assert lane.life(lives[0].track - 1) is None


def test_a_camera_whose_clock_stands_still_or_leaps_goes_on(stage: Stage) -> None:
    lane = Lane()
    for index, frame in enumerate(lying(stage, Pack(RED, MIDDLE), 12)):
        look(lane, frame, 100.0 if index < 8 else 200.0 + index / PACE)
    assert [item.product_id for item in lane.in_view()] == ["red"]

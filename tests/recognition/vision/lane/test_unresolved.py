"""An item that leaves without being counted is reported once; hands, fragments and counted items are not."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from recognition.vision.lane import unresolved
from recognition.vision.lane.config import LaneConfig
from recognition.vision.lane.lane import Lane
from recognition.vision.lane.observations import Outcome, UnresolvedItem
from recognition.vision.lane.tracking import TrackingConfig
from recognition.vision.lane.unresolved import is_item, is_skin, skin_share
from recognition.vision.types import Box
from tests.recognition.vision.scenes import RED, SKIN, YELLOW, Image, Pack, Stage, play, receipt

MIDDLE = (160.0, 120.0)
ALIKE = {"red": RED, "scarlet": (205, 45, 40)}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def reported(outcomes: Iterable[Outcome]) -> list[UnresolvedItem]:
    return [item for outcome in outcomes for item in outcome.unresolved]


def test_an_item_that_leaves_unknown_is_reported_once_with_its_picture(stage: Stage) -> None:
    outcomes = play(Lane(), stage.empty(5) + stage.shown(Pack(YELLOW, MIDDLE), 20) + stage.empty(20))

    (item,) = reported(outcomes)
    assert (item.kind, receipt(outcomes)) == ("unknown", [])
    assert np.abs(np.median(item.picture.reshape(-1, 3), axis=0) - YELLOW).max() < 25


def test_a_question_that_leaves_unanswered_is_reported_with_its_choices(stage: Stage) -> None:
    shown = stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 20) + stage.empty(20)
    (item,) = reported(play(Lane(), shown, registered=ALIKE))

    assert item.kind == "unanswered"
    assert set(item.choices) == {"red", "scarlet"}


def test_an_answered_question_is_not_reported(stage: Stage) -> None:
    lane = Lane()
    outcomes = play(lane, stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 12)[:-4], registered=ALIKE)
    (asked,) = outcomes[-1].detections
    assert lane.choose(asked.track, "red") is not None
    later = play(lane, stage.empty(20), from_s=5.0, registered=ALIKE)

    assert reported([*outcomes, *later]) == []


def test_an_item_that_was_added_is_not_reported(stage: Stage) -> None:
    outcomes = play(Lane(), stage.empty(5) + stage.shown(Pack(RED, MIDDLE), 12) + stage.empty(20))

    assert receipt(outcomes) == [("add", "red")]
    assert reported(outcomes) == []


def test_an_answer_after_the_report_counts_and_settles_it_once(stage: Stage) -> None:
    lane = Lane()
    shown = stage.empty(5) + stage.shown(Pack(YELLOW, MIDDLE), 20) + stage.empty(20)
    (item,) = reported(play(lane, shown))
    event = lane.choose(item.track, item.choices[0])
    later = play(lane, stage.empty(5), from_s=9.0)

    assert event is not None
    assert [track for outcome in later for track in outcome.settled] == [item.track]


def test_what_lies_undecided_on_the_tray_is_reported_and_settled_when_it_is_taken_away(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="tray"))
    lying = [stage.frame(Pack(YELLOW, MIDDLE)) for _ in range(30)]
    outcomes = play(lane, stage.empty(5) + lying)
    (item,) = reported(outcomes)
    assert [track for outcome in outcomes for track in outcome.settled] == []

    later = play(lane, stage.empty(20), from_s=3.5)
    assert [track for outcome in later for track in outcome.settled] == [item.track]
    assert reported(later) == []


def palm(size: int = 100) -> Image:
    """Draw bare skin in falling light; uint8 (h, w, 3)."""
    shade = np.linspace(0.85, 1.0, size)[None, :, None]
    return (np.full((size, size, 3), SKIN) * shade).astype(np.uint8)


def test_bare_skin_is_told_from_a_printed_pack_of_its_colour() -> None:
    printed = palm()
    for row in range(8, 100, 12):
        cv2.putText(printed, "MILK 1L", (2, row), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (60, 40, 30), 1)

    assert skin_share(palm()) == 1.0
    assert is_skin(palm())
    assert skin_share(printed) > unresolved.SKIN_SHARE
    assert not is_skin(printed)


def test_a_bare_palm_is_not_reported_and_would_be_without_the_look_at_its_skin(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> list[Image]:
        frames = stage.shown(Pack(SKIN, MIDDLE), 20)
        # without the white label of a pack
        plain = [np.where(frame.min(axis=2, keepdims=True) > 225, SKIN, frame) for frame in frames]
        return [*stage.empty(5), *[frame.astype(np.uint8) for frame in plain], *stage.empty(20)]

    assert reported(play(Lane(), shown())) == []
    monkeypatch.setattr(unresolved, "SKIN_SHARE", 1.01)
    assert len(reported(play(Lane(), shown()))) == 1


def moving_in(stage: Stage) -> list[Image]:
    """Move an unregistered pack from the left into the middle."""
    return [stage.frame(Pack(YELLOW, (x, MIDDLE[1]))) for x in (40, 60, 80, 100, 120, 140, *[160] * 12)]


def test_what_was_moved_into_the_cart_undecided_is_reported_when_it_is_lost_there(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="cart"))
    lane.set_zone(Box(0.35, 0.0, 0.65, 1.0))
    (item,) = reported(play(lane, stage.empty(5) + moving_in(stage) + stage.empty(30)))
    assert item.kind == "unknown"


def test_what_was_moved_out_of_the_cart_again_is_not(stage: Stage) -> None:
    lane = Lane(LaneConfig(mode="cart"))
    lane.set_zone(Box(0.35, 0.0, 0.65, 1.0))
    there_and_back = moving_in(stage) + moving_in(stage)[::-1]
    assert reported(play(lane, stage.empty(5) + there_and_back + stage.empty(30))) == []


@pytest.mark.parametrize(
    ("of_track", "of_item", "expected"),
    [
        ({}, {}, True),
        ({"last_s": 1.25}, {}, True),
        ({"last_s": 1.24}, {}, False),
        ({}, {"largest_area": 0.015}, True),
        ({}, {"largest_area": 0.0149}, False),
        ({"cut_off_s": TrackingConfig.cut_off_s}, {}, True),
        ({"cut_off_s": TrackingConfig.cut_off_s + 0.01}, {}, False),
        ({}, {"pictures": []}, False),
    ],
)
def test_an_item_was_viewed_and_seen_long_enough_and_whole(
    of_track: dict[str, float], of_item: dict[str, Any], expected: bool
) -> None:
    track = SimpleNamespace(**{"first_s": 1.0, "last_s": 2.0, "cut_off_s": 0.0, **of_track})
    printed = np.full((50, 50, 3), YELLOW, np.uint8)
    known = {"pictures": [(1.0, printed)], "largest_area": 0.1, "life": SimpleNamespace(story=[]), **of_item}
    item: Any = SimpleNamespace(track=track, **known)
    assert is_item(item, TrackingConfig()) == expected

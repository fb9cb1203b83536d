"""Where the foreground detector and its background draw their lines: just inside and just outside of each."""

from __future__ import annotations

import numpy as np
import pytest

from recognition.vision.scene.background import Background
from recognition.vision.scene.foreground import ForegroundDetector, Scene
from recognition.vision.scene.resting_items import RestingItems
from recognition.vision.types import FloatArray, Image, Mask

HEIGHT, WIDTH = 120, 160
"""The detector's working size: frames of it are not scaled."""

GREY = 100


def counter() -> Image:
    return np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)


def square(height: int, width: int | None = None, *, level: int = 200) -> Image:
    """A counter with a plain square on it, away from the rim."""
    frame = counter()
    frame[30 : 30 + height, 40 : 40 + (width or height)] = level
    return frame


def detected(frames: list[Image], elapsed_s: float = 0.1) -> list[Scene]:
    detector = ForegroundDetector()
    return [detector.detect(frame, elapsed_s) for frame in frames]


def test_frames_are_looked_at_in_a_width_of_160_pixels() -> None:
    (scene,) = detected([np.zeros((480, 640, 3), np.uint8)])
    assert scene.foreground.shape == (120, 160)


@pytest.mark.parametrize(("levels", "seen"), [(15, False), (16, True)])
def test_a_difference_counts_from_13_levels_and_the_noise_on(levels: int, seen: bool) -> None:
    # of the noise assumed at first nine tenths are left after one still frame: 13 + 3 * 0.9
    assert (detected([counter(), square(30, level=GREY + levels)])[-1].changed > 0) == seen


@pytest.mark.parametrize(("side", "items"), [(20, 0), (21, 1)])
def test_an_item_is_at_least_0_16_of_the_height_wide(side: int, items: int) -> None:
    assert len(detected([counter(), square(side)])[-1].proposals) == items


def half_changed(columns: int) -> Image:
    """A counter whose first columns are lighter and darker by turns, so that no light explains it."""
    frame = counter()
    frame[:, :columns:2], frame[:, 1:columns:2] = 170, 30
    return frame


@pytest.mark.parametrize(("columns", "unsettled"), [(95, False), (97, True)])
def test_more_than_0_6_of_the_frame_is_a_change_of_the_whole_scene(columns: int, unsettled: bool) -> None:
    assert detected([counter(), half_changed(columns)])[-1].unsettled == unsettled


@pytest.mark.parametrize(("elapsed_s", "unsettled"), [(0.4, False), (0.39, True)])
def test_a_change_of_the_whole_scene_is_the_background_after_0_8_s(elapsed_s: float, unsettled: bool) -> None:
    assert detected([counter(), *[half_changed(140)] * 3], elapsed_s)[-1].unsettled == unsettled


@pytest.mark.parametrize(("columns", "unsettled"), [(15, False), (17, True)])
def test_the_scene_has_settled_where_0_9_of_it_stand_still(columns: int, unsettled: bool) -> None:
    frames = [half_changed(140) for _ in range(4)]
    for number, frame in enumerate(frames):
        frame[:, :columns] = 255 * (number % 2)
    assert detected([counter(), *frames], 0.4)[-1].unsettled == unsettled


@pytest.mark.parametrize(("frames", "seen"), [(6, False), (8, True)])
def test_the_background_follows_light_within_two_seconds(frames: int, seen: bool) -> None:
    # a ramp of 4 levels in 0.5 s runs ahead of the background by 18 * (1 - exp(-0.25 * frames)) levels
    ramp = [square(30, level=GREY + 4 * step) for step in range(1, frames + 1)]
    assert any(scene.changed > 0 for scene in detected([counter(), *ramp], 0.5)) == seen


@pytest.mark.parametrize(("elapsed_s", "frames"), [(1.0, 6), (0.82, 6), (0.78, 7)])
def test_what_lies_still_for_four_seconds_is_absorbed(elapsed_s: float, frames: int) -> None:
    scenes = detected([counter(), *[square(30)] * 9], elapsed_s)
    assert [scene.changed > 0 for scene in scenes] == [False, *[True] * frames, *[False] * (9 - frames)]


@pytest.mark.parametrize(("elapsed_s", "comings"), [(0.25, 5), (0.19, 7)])
def test_what_was_seen_for_1_2_seconds_in_all_comes_and_goes(elapsed_s: float, comings: int) -> None:
    scenes = detected([counter(), *[square(30), counter()] * 9], elapsed_s)[1::2]
    assert [scene.changed > 0 for scene in scenes] == [*[True] * comings, *[False] * (9 - comings)]


@pytest.mark.parametrize(("elapsed_s", "items"), [(0.29, 1), (0.31, 0)])
def test_a_region_is_a_hole_only_after_it_was_still_for_0_3_s(elapsed_s: float, items: int) -> None:
    scenes = detected([square(30), *[counter()] * 2], elapsed_s)
    assert [len(scene.proposals) for scene in scenes] == [0, 1, items]


@pytest.mark.parametrize(("levels", "hole"), [(49, True), (51, False)])
def test_a_hole_has_less_than_half_of_the_edges_of_the_background(levels: int, hole: bool) -> None:
    background = Background(square(30).astype(np.float32), 1.2, RestingItems())
    region, window = np.ones((30, 30), np.bool_), (slice(30, 60), slice(40, 70))
    assert background.is_hole(square(30, level=GREY + levels).astype(np.float32), region, window) == hole


@pytest.mark.parametrize(("side", "asked"), [(19, 0), (20, 1)])
def test_more_than_0_02_of_unexpected_foreground_may_be_the_camera(
    side: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def shift(*pictures: FloatArray) -> None:
        calls.append(pictures)

    monkeypatch.setattr("recognition.vision.scene.background.scene_shift", shift)
    detected([counter(), square(side)])
    assert len(calls) == asked


@pytest.mark.parametrize(("width", "asked"), [(39, 0), (40, 1)])
def test_more_than_0_08_of_foreground_may_be_light_from_one_side(
    width: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def field(background: FloatArray, frame: FloatArray, visible: Mask) -> FloatArray:
        calls.append(frame)
        return np.ones((HEIGHT, WIDTH, 1), np.float32)

    monkeypatch.setattr("recognition.vision.scene.background.light_field", field)
    detected([counter(), square(39, width)])
    assert len(calls) == asked


def marked(pixels: int) -> Mask:
    mask = np.zeros(100, np.bool_)
    mask[:pixels] = True
    return mask.reshape(10, 10)


@pytest.mark.parametrize(
    ("shift", "remaining", "explained"),
    [((1.0, 0.0), 29, True), ((1.0, 0.0), 30, False), (None, 19, True), (None, 20, False)],
)
def test_a_shift_has_to_explain_0_4_of_the_foreground_and_light_0_6(
    shift: tuple[float, float] | None, remaining: int, explained: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = np.full((10, 10, 3), 100, np.float32)
    background = Background(small, 1.2, RestingItems())
    monkeypatch.setattr("recognition.vision.scene.background.scene_shift", lambda *_: shift)
    monkeypatch.setattr(background, "differing", lambda *_: marked(remaining))
    # light from one side is only tried here where no shift was found
    found = background.stabilized(small, 15.0, marked(50), marked(0), 0.08 if shift is None else 1.0)
    assert int(found.sum()) == (remaining if explained else 50)

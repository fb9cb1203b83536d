from __future__ import annotations

import cv2
import numpy as np
import pytest

from recognition.vision.scene.recurrent_background import RecurrentBackground
from recognition.vision.scene.resting_items import RestingItems
from recognition.vision.scene.stabilization import (
    light_field,
    light_gain,
    revealed,
    scene_shift,
    shifted,
)
from recognition.vision.types import Box, FloatArray

HEIGHT, WIDTH = 120, 160
BARE = np.ones((HEIGHT, WIDTH), np.bool_)


@pytest.fixture
def counter() -> FloatArray:
    random = np.random.default_rng(2)
    grain = cv2.GaussianBlur(random.normal(0, 60, (HEIGHT, WIDTH, 3)), (0, 0), 2)
    return np.clip(120 + 4 * grain, 20, 230).astype(np.float32)


def with_item(picture: FloatArray) -> FloatArray:
    image = picture.copy()
    random = np.random.default_rng(4)
    artwork = random.uniform(0, 255, (14, 12, 3)).astype(np.float32)
    image[30:86, 50:98] = cv2.resize(artwork, (48, 56), interpolation=cv2.INTER_NEAREST)
    return image


@pytest.mark.parametrize("factor", [0.45, 0.8, 1.4])
def test_a_change_of_light_is_measured_beside_an_item(counter: FloatArray, factor: float) -> None:
    lit = np.minimum(with_item(counter) * np.float32(factor), 255)

    assert light_gain(counter, lit, BARE) == pytest.approx([factor] * 3, abs=0.03)


def test_light_is_left_alone_where_too_little_of_the_counter_is_seen(counter: FloatArray) -> None:
    few = np.zeros_like(BARE)
    few[:20] = True

    assert light_gain(counter, 0.5 * counter, few).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("push", [(1.0, 0.0), (3.0, -2.0), (-7.0, 1.5)])
def test_a_push_of_the_camera_is_measured_beside_an_item(
    counter: FloatArray, push: tuple[float, float]
) -> None:
    frame = with_item(shifted(counter, push))

    found = scene_shift(counter, frame, np.zeros_like(BARE))
    assert found == pytest.approx(push, abs=0.5)


def test_a_camera_that_stands_still_was_not_pushed_whatever_comes(counter: FloatArray) -> None:
    assert scene_shift(counter, with_item(counter), np.zeros_like(BARE)) is None


def test_what_a_push_brings_into_view_is_known(counter: FloatArray) -> None:
    fresh = revealed(counter.shape, (4.0, 0.0))

    assert fresh[:, :4].all()
    assert not fresh[4:-4, 8:-4].any()


def test_a_lamp_from_one_side_is_undone_and_an_item_is_not(counter: FloatArray) -> None:
    lamp = 1 + 0.5 / (1 + np.exp((np.arange(WIDTH) - 80) / 11))[None, :, None]
    lit = (with_item(counter) * lamp).astype(np.float32)

    undone = np.abs(lit - counter * light_field(counter, lit, BARE)).max(axis=2) > 16
    item = np.zeros_like(BARE)
    item[30:86, 50:98] = True
    assert (np.abs(lit - counter).max(axis=2) > 16)[~item].mean() > 0.4
    assert undone[~item].mean() < 0.06
    assert undone[item].mean() > 0.7


def seen(recurrent: RecurrentBackground, picture: FloatArray, frames: int, *, held: bool = False) -> None:
    untracked = np.full_like(BARE, not held)
    for _ in range(frames):
        recurrent.learn(picture, untracked, ~untracked, 0.1, 15.0)


def test_what_comes_and_goes_is_known_by_its_third_coming(counter: FloatArray) -> None:
    recurrent, sleeve, other = RecurrentBackground(counter, 1.2), with_item(counter), 255 - counter
    for coming in range(3):
        assert not recurrent.resembles(sleeve, 15.0).any(), coming
        seen(recurrent, sleeve, 6)
        recurrent.learn(counter, ~BARE, ~BARE, 0.1, 15.0)
    assert recurrent.resembles(sleeve, 15.0).all()
    assert recurrent.resembles(other, 15.0).mean() < 0.2


def test_what_stays_and_what_is_held_never_recurs(counter: FloatArray) -> None:
    staying, held = RecurrentBackground(counter, 1.2), RecurrentBackground(counter, 1.2)
    seen(staying, with_item(counter), 60)
    for _ in range(6):
        seen(held, with_item(counter), 6, held=True)
        held.learn(counter, ~BARE, ~BARE, 0.1, 15.0)

    assert not staying.resembles(with_item(counter), 15.0).any()
    assert not held.resembles(with_item(counter), 15.0).any()


def test_a_resting_item_is_part_of_the_background_until_it_is_uncovered(counter: FloatArray) -> None:
    resting, frame = RestingItems(), with_item(counter)
    foreground = np.abs(frame - counter).max(axis=2) > 15
    resting.add(7, Box(50 / WIDTH, 30 / HEIGHT, 48 / WIDTH, 56 / HEIGHT), frame, foreground)

    assert (resting.resembles(frame, 15.0) == foreground).all()
    assert dict(resting.uncovered(counter, frame, 15.0)) == {7: 0.0}
    covered = frame.copy()
    covered[30:60, 50:98] = (215, 170, 135)
    assert resting.resembles(covered, 15.0).sum() < 0.6 * foreground.sum()
    assert dict(resting.uncovered(counter, covered, 15.0))[7] < 0.2
    assert dict(resting.uncovered(counter, counter, 15.0)) == {7: 1.0}
    resting.relight(np.full(3, 0.5, np.float32))
    assert (resting.resembles(0.5 * frame, 15.0) == foreground).all()
    resting.remove(7)
    assert not resting.resembles(frame, 15.0).any()


def halves(most: float, rest: float) -> FloatArray:
    """Six in ten rows of one level, the others of another."""
    picture = np.full((HEIGHT, WIDTH, 3), rest, np.float32)
    picture[:72] = most
    return picture


@pytest.mark.parametrize(
    ("before", "now", "counts"),
    [
        (24, 48, False),  # darker than this says little about the light
        (25, 50, True),
        (124, 248, False),  # lighter may be cut off at white
        (123, 246, True),
        (248, 124, False),
        (247, 123.5, True),
    ],
)
def test_dark_and_saturated_pixels_do_not_count_for_the_light(
    before: float, now: float, counts: bool
) -> None:
    gain = light_gain(halves(before, 100), halves(now, 150), BARE)
    assert gain == pytest.approx([now / before if counts else 1.5] * 3)


def test_dark_levels_are_divided_by_no_less_than_eight() -> None:
    assert light_gain(halves(4, 4), halves(16, 16), BARE).tolist() == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(("pixels", "followed"), [(431, False), (432, True)])
def test_light_is_followed_where_a_fifth_of_the_counter_is_seen(
    counter: FloatArray, pixels: int, followed: bool
) -> None:
    visible = np.zeros_like(BARE)
    visible[::3, ::3].flat[:pixels] = True  # of 2,160 that are looked at
    assert light_gain(counter, 0.5 * counter, visible) == pytest.approx([0.5 if followed else 1.0] * 3)


@pytest.mark.parametrize(("level", "now", "gain"), [(200, 40, 0.3), (60, 240, 3.0)])
def test_light_is_followed_from_0_3_to_3(level: float, now: float, gain: float) -> None:
    assert light_gain(halves(level, level), halves(now, now), BARE) == pytest.approx([gain] * 3)


@pytest.mark.parametrize(("far_px", "followed"), [(0.24, False), (0.25, True), (12.8, True), (12.9, False)])
def test_a_shift_counts_from_a_quarter_pixel_to_0_08_of_the_width(
    counter: FloatArray, far_px: float, followed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cv2.phaseCorrelate", lambda *_: ((0.0, far_px), 1.0))
    found = scene_shift(counter, counter, ~BARE)
    assert found == ((0.0, far_px) if followed else None)


@pytest.mark.parametrize(
    ("across", "down", "followed"), [(5, 0, True), (6, 0, False), (0, 4, True), (0, 5, False)]
)
def test_light_from_one_side_has_five_waves_across_and_four_down(
    across: int, down: int, followed: bool
) -> None:
    x, y = (np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT
    wave = np.exp(0.3 * np.outer(np.cos(np.pi * down * y), np.cos(np.pi * across * x)))[..., None]
    background = np.full((HEIGHT, WIDTH, 3), 100, np.float32)
    lit = ((background + 8) * wave - 8).astype(np.float32)
    error = np.abs(light_field(background, lit, BARE) - wave)
    assert (float(np.median(error)) < 0.02) == followed
